"""The commands of the command line that are about reference results."""

from __future__ import annotations

from typing import Any

import click

from benchmark.commands import options, printing


@click.command(cls=options.PlainCommand)
@click.argument("own", metavar="[RUN FOLDER]...", nargs=-1)
@options.of_leaderboard
def leaderboard(own: tuple[str, ...], **given: Any) -> None:
    """Rank all methods over the public sets, with the rows of your runs among them.

    Takes the reference results that come with the package; computes no model.
    """
    from benchmark.commands.leaderboard import leaderboard as rank
    from benchmark.reference.leaderboard_text import grids, sentences

    problems: list[str] = []
    board, reference, paths = rank(own, **given, problems=problems)
    printing.grids(grids(board), sentences(board, reference))
    printing.written(paths, problems)
