"""What the command line prints of an outcome: tables, files, and what could not be made."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.errors import merged
from benchmark.streams import terminal_width

if TYPE_CHECKING:
    from benchmark.commands.study import Study
    from benchmark.tables.grid import Grid


def to_stderr(sentence: str) -> None:
    """Tell what is no result."""
    click.echo(sentence, err=True)


def grids(several: Grid | Sequence[Grid], notes: Sequence[str] = (), colour: bool = False) -> None:
    """Print one table or several, as wide as the terminal."""
    from benchmark.tables import grid

    text = grid.terminal(several, notes, colour, terminal_width())
    click.echo(text, color=colour or None)


def written(paths: Iterable[Path], failed: Sequence[str] = ()) -> None:
    """Tell which files there are, and what could not be made."""
    if listed := ", ".join(map(str, paths)):
        click.echo(f"Written: {listed}")
    problems(failed)


def problems(failed: Sequence[str]) -> None:
    """Tell what could not be made, and end with a 1 if there is something."""
    for sentence in merged(failed):
        to_stderr(f"Error: {sentence}")
    if failed:
        sys.exit(1)


def table(study: Study, std: bool = False) -> None:
    """Print Table 3 of a study."""
    from benchmark.reference.grids import standing_grids
    from benchmark.tables.table3 import table3_grids

    if study.standing:
        grids(standing_grids(study.standing, std), study.remarks, sys.stdout.isatty())
        return
    grids(table3_grids(study.summary, std, study.measures), study.notes, sys.stdout.isatty())


def close(study: Study, report: bool = False) -> None:
    """Tell where the files of a study are, and what is missing; end with a 1 if anything is."""
    from benchmark.wording import count

    if study.written:
        click.echo(f"Tables and scores are in {study.folder}.")
    page = study.folder / "report.html"
    if report and page.exists():
        click.echo(f"Open {page} in a browser to look at the run.")
    if not study.complete:
        to_stderr(f"{count(study.missing, 'result is', 'results are')} missing.")
    problems(study.problems)
    if not study.complete:
        sys.exit(1)
