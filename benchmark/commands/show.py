"""The commands that show stored runs, as functions: tables, figures, report, comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from benchmark.analysis.evidence import Out
from benchmark.columns import as_csv
from benchmark.commands.against import opened
from benchmark.commands.study import (
    Show,
    Study,
    gathered,
    show_nothing,
    tells_obstacle,
    write_tables,
)
from benchmark.errors import UsageError, raised_last
from benchmark.figures.base import FORMATS, Drawing, written
from benchmark.figures.catalogue import draw_all, draw_one, find_kind, reasons, refuse_unused
from benchmark.figures.choice import Choice, NotShown, resolve
from benchmark.store.run_folder import FIGURES as FIGURES_FOLDER
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid
from benchmark.tables.writing import write_files
from benchmark.wording import Chosen, listed
from features.names import did_you_mean
from features.storage.files import slug


def table(
    out: Out = None,
    std: bool = False,
    to: str | Path | None = None,
    show: Show = show_nothing,
    against: str | Path | None = None,
    measures: Chosen = None,
) -> Study:
    """Make Table 3 of finished or interrupted runs again, without computing a prediction.

    Parameters
    ----------
    out, to : optional
        Run folders, and the output folder: see `benchmark.analysis.evidence.gather`.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.
    show : callable
        Gets the study before any file is written.
    against : str or Path, optional
        ``reference``, or a folder of reference results, whose full table the rows are put into.
    measures : str, iterable of str or Measure, optional
        The columns, see `benchmark.wording.find_measures`; ranks and tests are over these.

    Returns
    -------
    Study
        It tells what could not be written.

    Raises
    ------
    UsageError
        There is no run, or the runs do not fit together.
    BenchmarkError
        A file of a run is damaged.
    """
    with gathered("the table", out, to, measures) as evidence:
        return write_tables(evidence, (), std, show, opened(against))


class Shown(TypedDict, total=False):
    """What `figure` shows, where the figure has a choice; see `benchmark.figures.Choice`."""

    dataset: str
    measure: str
    models: Sequence[str]


@dataclass(frozen=True)
class Drawn:
    """Figures that were drawn, and why others were not.

    Attributes
    ----------
    drawn : list of (Drawing, list of Path)
        Every figure, with its files.
    left_out : list of str
        Which figures the run does not have and why, as clauses without a full stop.
    problems : list of str
        What failed, in sentences without a full stop.
    """

    drawn: list[tuple[Drawing, list[Path]]]
    left_out: list[str]
    problems: list[str]


def figure(
    name: str | int,
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    to: str | Path | None = None,
    measures: Chosen = None,
    **choice: Unpack[Shown],
) -> list[tuple[Drawing, list[Path]]]:
    """Draw a figure of stored runs, or all that they have.

    Parameters
    ----------
    name : str or int
        One of `benchmark.figures.FIGURES`, numbers as in the paper, or ``all``.
    out, to : optional
        As in `table`.
    formats : iterable of {"pdf", "svg", "png"}
        Files to write, beside a ``.csv`` with the numbers and a ``.txt`` with the caption.
    measures : optional
        Of figures that show several: as in `table`.
    **choice
        What to show, where the figure has a choice: dataset, measure, models; see
        `benchmark.figures.Choice`.

    Returns
    -------
    list of (Drawing, list of Path)
        What was drawn, and the written files in the folder ``figures`` of the run.
        `draw_figures` also tells which figures could not be drawn.

    Raises
    ------
    UsageError
        As `table`; an unknown figure, format, dataset, measure or model; or the run does not have
        what the figure shows.
    BenchmarkError
        As `table`.
    """
    with raised_last(None) as problems:
        found = draw_figures(name, out, formats, to=to, measures=measures, **choice)
        problems += found.problems
        return found.drawn


def draw_figures(
    name: str | int,
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    to: str | Path | None = None,
    measures: Chosen = None,
    **choice: Unpack[Shown],
) -> Drawn:
    """Draw a figure of stored runs or all that they have, and tell which could not be drawn.

    Parameters and errors are those of `figure`; one that fails is no error here.
    """
    shown = Choice(
        choice.get("dataset", ""), choice.get("measure", ""), tuple(choice.get("models", ()))
    )
    wanted = [str(file_format).lower() for file_format in formats]
    for file_format in wanted:
        if file_format not in FORMATS:
            raise UsageError(
                f"a figure can be {listed(FORMATS, 'or')}, not {file_format!r}"
                f"{did_you_mean(file_format, FORMATS)}"
            )
    kind = None if str(name).lower() == "all" else find_kind(str(name))
    drawn, not_shown = [], []
    problems: list[str] = []
    with gathered(f"figure {name}", out, to, measures) as evidence:
        _refuse_unwritable(evidence.target)
        if kind:  # a name that is not there is told first
            refuse_unused(kind, resolve(shown, evidence.plan), measures is not None)
        found = [draw_one(kind, evidence, shown)] if kind else draw_all(evidence, shown, problems)
        for attempt in found:
            if isinstance(attempt.outcome, NotShown):
                not_shown.append(attempt)
            else:
                paths = _write_drawing(evidence.target, attempt.outcome, wanted, problems)
                drawn.append((attempt.outcome, paths))
    left_out = reasons(not_shown)
    if not drawn and not problems:
        raise UsageError("; ".join(left_out))
    return Drawn(drawn, left_out, problems)


def report(
    out: Out = None,
    to: str | Path | None = None,
    pictures: bool = True,
    problems: list[str] | None = None,
    measures: Chosen = None,
) -> Path:
    """Write the report of stored runs: one HTML file with all there is to see.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    pictures : bool
        Show pictures of instances. Leave them out of a report that you pass on, if the dataset's
        terms forbid to publish its images.
    problems : list of str, optional
        Collects sentences about parts that cannot be made, which the report tells too, instead of
        an error when the report has been written.
    measures : optional
        As in `table`.

    Returns
    -------
    Path
        ``report.html`` in the run folder.

    Raises
    ------
    UsageError, BenchmarkError
        As `table`.
    """
    with gathered("the report", out, to, measures) as evidence:
        from benchmark.reporting.page import write_report

        _refuse_unwritable(evidence.target)
        return write_report(evidence, pictures, problems)


def compare(
    out: Out = None,
    dataset: str = "",
    to: str | Path | None = None,
    problems: list[str] | None = None,
) -> tuple[list[Grid], list[str], list[Path]]:
    """Compare Tables 3 and 4 of stored runs with the published ones.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    dataset : str
        Dataset to compare with the paper's Emotion6, by default the one of that name.
    problems : optional
        As in `network_table`.

    Returns
    -------
    grids : list of Grid
        The tables side by side, and the paper's claims with a verdict on each.
    sentences : list of str
        Errata of the paper, and what a reader of the comparison has to know.
    paths : list of Path
        The written files, as in `network_table`.

    Raises
    ------
    UsageError
        As `table`, or the run has no dataset of the paper.
    BenchmarkError
        As `table`.
    """
    from benchmark.paper import comparison as paper
    from benchmark.paper.grids import grids
    from benchmark.paper.sentences import sentences
    from benchmark.paper.writing import write

    with gathered("the comparison", out, to) as evidence:
        compared = paper.compare(evidence, dataset)
        if isinstance(compared, paper.NotComparable):
            raise UsageError(compared.reason)
        target = evidence.target
        paths = [] if tells_obstacle(target) else write(target, compared, problems)
        return grids(compared), sentences(compared), paths


def _refuse_unwritable(folder: RunFolder) -> None:
    if said := folder.obstacle():
        raise UsageError(said)


def _write_drawing(
    folder: RunFolder, drawing: Drawing, formats: Sequence[str], problems: list[str]
) -> list[Path]:
    name = f"{FIGURES_FOLDER}/{slug(drawing.name)}"
    contents: dict[str, Callable[[], str | bytes]] = {
        f"{name}.csv": lambda: as_csv(drawing.data),
        f"{name}.txt": lambda: f"{drawing.caption}\n",
    }
    for file_format in formats:
        contents[f"{name}.{file_format}"] = partial(written, drawing.figure, file_format)
    return write_files(folder, contents, problems)
