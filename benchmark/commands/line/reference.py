"""The commands of the command line that are about reference results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchmark.commands import options, printing


@click.command(
    cls=options.PlainCommand,
    old={"--out": "--to"},
    short_help="Rank all methods over the public sets, yours among them.",
)
@click.argument("own", metavar="[RUNFOLDER|FILE.json]...", nargs=-1)
@options.of_leaderboard
def leaderboard(own: tuple[str, ...], **given: Any) -> None:
    """Rank all methods over the public sets, with your runs and submissions among them.

    Takes the reference results that come with the package; computes no model.
    """
    from benchmark.commands.leaderboard import leaderboard as rank
    from benchmark.reference.leaderboard_text import grids, sentences

    problems: list[str] = []
    board, reference, paths = rank(own, **given, problems=problems)
    printing.grids(grids(board), sentences(board, reference))
    printing.give(leaderboard=board.as_frame(), missing=board.missing)
    printing.written(paths, problems)


@click.command(
    cls=options.PlainCommand,
    old={"--out": "--to"},
    short_help="Make a submission of a run folder, or check one.",
)
@click.argument("path", metavar="RUNFOLDER|FILE")
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE.py",
    help="Of a run folder: the file of its model, which is sent along. May be repeated.",
)
@click.option(
    "--to", "out", metavar="FILE.json", help="Of a run folder. [default: submission.json in it]"
)
@click.option(
    "--with-predictions",
    is_flag=True,
    help="Of a run folder: write the predictions too, into a .npz file beside it.",
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME|FILE",
    help="Of a file: compute the scores of its predictions again on these data. May be repeated.",
)
@click.option("--data-dir", metavar="DIR", help="Where datasets are looked up.")
@click.option(
    "--against",
    metavar="DIR",
    default="reference",
    help="Other reference results. [default: those of the package]",
)
def submission(path: str, **given: Any) -> None:
    """Make a submission of a run folder, or check one; tells everything that is wrong.

    No code of a submission is run. Exit codes: 0 it can be taken, 1 something is wrong, 2 the
    command cannot be used as given.
    """
    from benchmark.commands.submission import check_submission, make_submission
    from benchmark.errors import UsageError

    making = {key: given.pop(key) for key in ("plugins", "out", "with_predictions")}
    checking = {key: given.pop(key) for key in ("datasets", "data_dir")}
    if Path(path).is_dir():
        if any(checking.values()):
            raise UsageError("--dataset and --data-dir are for a file; a run folder has its data")
        checked = make_submission(path, **making, **given)
        printing.written([checked.file])
    else:
        if any(making.values()):
            raise UsageError("--plugin, --to and --with-predictions are for a run folder")
        checked = check_submission(path, **checking, **given)
    printing.verdict(checked.wrong, f"{checked.file} can be submitted: {checked.about}.")
