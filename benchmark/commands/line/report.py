"""The commands ``report`` and ``compare``."""

from __future__ import annotations

import click

from benchmark.commands import options, printing


@click.command(cls=options.PlainCommand, short_help="Write the report of a run: one HTML file.")
@options.out
@options.to
@click.option("--no-pictures", is_flag=True, help="Leave out pictures, to pass the report on.")
@options.measures
def report(out: tuple[str, ...], to: str | None, no_pictures: bool, measures: str | None) -> None:
    """Write the report of a run: one HTML file with all there is to see. Computes no model.

    A run writes it by itself; this makes it again, or of several runs.
    """
    from benchmark.commands import show

    problems: list[str] = []
    page = show.report(out or None, to, not no_pictures, problems, measures)
    printing.written([page.path], problems)


@click.command(cls=options.PlainCommand, short_help="Hold a run against the paper's tables.")
@options.out
@options.to
@click.option(
    "--dataset",
    default="",
    metavar="NAME",
    help="Dataset that stands for the paper's Emotion6. [default: the one of that name]",
)
def compare(out: tuple[str, ...], to: str | None, dataset: str) -> None:
    """Hold the tables of a run against those of the paper, and judge its claims."""
    from benchmark.commands import show

    problems: list[str] = []
    grids, sentences, paths = show.compare(out or None, dataset, to, problems)
    for cells in grids:
        printing.grids(cells)
    for sentence in sentences:
        printing.result(sentence)
    printing.give(sentences=sentences)
    printing.written(paths, problems)
