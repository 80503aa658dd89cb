"""What is made of stored results: tables, figures, report; again and again, without a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Evidence, Out, gather
from benchmark.errors import UsageError, did_you_mean
from benchmark.figures import FIGURES, Choice, Drawing, FigureKind
from benchmark.figures.base import FORMATS as FORMATS
from benchmark.figures.base import chosen_measure, written
from benchmark.planning.tasks import Outcome
from benchmark.store.run_folder import FIGURES as FIGURES_FOLDER
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid
from benchmark.tables.significance import significance_grid, significance_table
from benchmark.tables.table4 import table4, table4_grid
from benchmark.tables.wheel import wheel_grid, wheel_table
from benchmark.tables.writing import write_grid, write_run_tables
from benchmark.wording import listed
from features.storage.files import slug


@dataclass(frozen=True)
class Study:
    """What came of a run.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    summary : DataFrame
        Table 3 in numbers, see `benchmark.analysis.scores.summarise`.
    notes : list of str
        What a reader of the table has to know.
    failures : list of Outcome
        Tasks of this run that failed.
    missing : int
        Number of tasks that have no result.
    """

    folder: Path
    summary: pd.DataFrame
    notes: list[str]
    failures: list[Outcome]
    missing: int

    @property
    def complete(self) -> bool:
        """Whether every task has a result."""
        return self.missing == 0


def table(out: Out = None, std: bool = False, to: str | Path | None = None) -> Study:
    """Make Table 3 of finished or interrupted runs again, without computing a prediction.

    Parameters
    ----------
    out, to : optional
        Run folders, and where the tables go: see `benchmark.analysis.evidence.gather`.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.

    Raises
    ------
    UsageError
        There is no run, or the runs do not fit together.
    BenchmarkError
        A file of a run is damaged.
    """
    with gather(out, to) as evidence:
        return write_tables(evidence, [], std)


def network_table(out: Out = None, to: str | Path | None = None) -> tuple[Grid, list[Path]]:
    """Make Table 4, accuracies of models (rows) on datasets (columns), of stored runs.

    Parameters
    ----------
    out, to : optional
        As in `table`.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``table4.csv``, ``.tex`` and ``.md`` in the run folder.

    Raises
    ------
    UsageError, BenchmarkError
        As `table`.
    """
    with gather(out, to) as evidence:
        frame = table4(evidence.summary)
        cells = table4_grid(frame, evidence.remarks)
        return cells, write_grid(evidence.target, "table4", frame, cells)


def ablation_table(out: Out = None, to: str | Path | None = None) -> tuple[Grid, list[Path]]:
    """Make the table of the wheel ablation of stored runs.

    Parameters
    ----------
    out, to : optional
        As in `table`.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``wheel.csv``, ``.tex`` and ``.md`` in the run folder.

    Raises
    ------
    UsageError
        As `table`, or the run has no network without a wheel.
    BenchmarkError
        As `table`.
    """
    with gather(out, to) as evidence:
        frame = wheel_table(evidence.plan, evidence.scores)
        cells = wheel_grid(frame, evidence.remarks)
        return cells, write_grid(evidence.target, "wheel", frame, cells)


def significance(
    out: Out = None, measure: str = "", to: str | Path | None = None
) -> tuple[Grid, list[Path]]:
    """Make the table of tests of significance: the best model of each dataset against the others.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    measure : str
        Name of the measure, by default ``kl_divergence``.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``tests.csv``, ``.tex`` and ``.md`` in the run folder.

    Raises
    ------
    UsageError
        As `table`, or an unknown measure.
    BenchmarkError
        As `table`.
    """
    wanted = chosen_measure(Choice(measure=measure), "kl_divergence")
    with gather(out, to) as evidence:
        frame = significance_table(evidence.summary, evidence.pairs, wanted)
        cells = significance_grid(frame, evidence.summary, wanted)
        return cells, write_grid(evidence.target, "tests", frame, cells)


def figure(
    name: str | int,
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    dataset: str = "",
    measure: str = "",
    models: Sequence[str] = (),
    to: str | Path | None = None,
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
    dataset, measure, models : optional
        What to show, where the figure has a choice.

    Returns
    -------
    list of (Drawing, list of Path)
        What was drawn, and the written files in the folder ``figures`` of the run.

    Raises
    ------
    UsageError
        As `table`, an unknown name or format, or the run does not have what the figure shows.
    BenchmarkError
        As `table`.
    """
    wanted = list(formats)
    for file_format in wanted:
        if file_format not in FORMATS:
            raise UsageError(f"a figure can be {listed(FORMATS, 'or')}, not {file_format!r}")
    choice = Choice(dataset, measure, tuple(models))
    if str(name).lower() != "all":
        kind = _figure_kind(str(name))
        with gather(out, to) as evidence:
            return [_write_drawing(evidence.target, kind.make(evidence, choice), wanted)]
    with gather(out, to) as evidence:
        drawn = [
            _write_drawing(evidence.target, drawing, wanted)
            for _, drawing in drawings(evidence, choice)
        ]
    if not drawn:
        raise UsageError("the run has nothing that a figure could show")
    return drawn


def drawings(
    evidence: Evidence, choice: Choice, datasets: Sequence[str] | None = None
) -> Iterable[tuple[FigureKind, Drawing]]:
    """Draw every figure that a run has what to show for, those of one dataset for each.

    Parameters
    ----------
    evidence : Evidence
    choice : Choice
        What to show.
    datasets : sequence of str, optional
        Datasets to draw, by default the chosen one or all.
    """
    named = [choice.dataset] if choice.dataset else list(evidence.plan.truths)
    for kind in FIGURES.values():
        for dataset in (named if datasets is None else datasets) if kind.per_dataset else [""]:
            try:
                yield kind, kind.make(evidence, Choice(dataset, choice.measure, choice.models))
            except UsageError:
                continue  # this run, or this dataset, is not one that the figure is about


def report(out: Out = None, to: str | Path | None = None, pictures: bool = True) -> Path:
    """Write the report of stored runs: one HTML file with all there is to see.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    pictures : bool
        Show pictures of instances; not to be passed on where the dataset's terms forbid it.

    Returns
    -------
    Path
        ``report.html`` in the run folder.

    Raises
    ------
    UsageError, BenchmarkError
        As `table`.
    """
    from benchmark.reporting.page import write_report

    with gather(out, to) as evidence:
        return write_report(evidence, pictures)


def compare(
    out: Out = None, dataset: str = "", to: str | Path | None = None
) -> tuple[list[Grid], list[str], list[Path]]:
    """Hold Tables 3 and 4 of stored runs against those that were published.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    dataset : str
        Dataset that stands for the paper's Emotion6, by default the one of that name.

    Returns
    -------
    grids : list of Grid
        Tables, and the paper's claims with a verdict on each.
    sentences : list of str
        Errata, and what a reader has to know.
    paths : list of Path
        The written files.

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

    with gather(out, to) as evidence:
        compared = paper.compare(evidence, dataset)
        if isinstance(compared, paper.NotComparable):
            raise UsageError(compared.reason)
        return grids(compared), sentences(compared), write(evidence.target, compared)


def write_tables(evidence: Evidence, failures: list[Outcome], std: bool = False) -> Study:
    """Write scores, timings, tests and Table 3."""
    write_run_tables(evidence, std)
    folder, notes = evidence.target.path, evidence.notes
    return Study(folder, evidence.summary, notes, failures, evidence.missing)


def _figure_kind(name: str) -> FigureKind:
    kind = FIGURES.get(name.lower())
    if kind is None:
        known = [*FIGURES, "all"]
        raise UsageError(
            f"there is no figure {name!r}{did_you_mean(name, known)} "
            f"(there are: {', '.join(known)})"
        )
    return kind


def _write_drawing(
    folder: RunFolder, drawing: Drawing, formats: Sequence[str]
) -> tuple[Drawing, list[Path]]:
    name = f"{FIGURES_FOLDER}/{slug(drawing.name)}"
    paths = [
        folder.write_file(f"{name}.csv", drawing.data.to_csv(index=False)),
        folder.write_file(f"{name}.txt", f"{drawing.caption}\n"),
    ]
    for file_format in formats:
        content = written(drawing.figure, file_format)
        paths.append(folder.write_file(f"{name}.{file_format}", content))
    return drawing, paths
