"""What is made of stored results: tables and figures, again and again, without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark import grid, render, tables
from benchmark.errors import BenchmarkError, UsageError
from benchmark.figure5 import draw_sigma_curve, sigma_curve
from benchmark.grid import Grid
from benchmark.store import Plan, Result, RunFolder
from benchmark.table4 import table4, table4_grid
from benchmark.tasks import Outcome, Task
from benchmark.wheel_table import wheel_grid, wheel_table
from features.files import DamagedFileError

#: Where runs go unless told otherwise.
RUNS = Path("results", "runs")

#: What a figure can be written as.
FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True)
class Study:
    """What came of a run.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    summary : DataFrame
        Table 3 in numbers, see `benchmark.tables.summarise`.
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


def table(out: str | Path | None = None, std: bool = False) -> Study:
    """Make Table 3 of a finished or interrupted run again, without computing a prediction.

    Parameters
    ----------
    out : str or Path, optional
        Run folder, by default the one below ``results/runs`` that was written last.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.

    Raises
    ------
    UsageError
        There is no run.
    BenchmarkError
        A file of the run is damaged.
    """
    with _opened(out) as (folder, plan, results):
        return write_tables(folder, plan, results, [], std)


def network_table(out: str | Path | None = None) -> tuple[Grid, list[Path]]:
    """Make Table 4, accuracies of models (rows) on datasets (columns), of a stored run.

    Parameters
    ----------
    out : str or Path, optional
        Run folder, by default the one that was written last.

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
    with _opened(out) as (folder, plan, results):
        summary = tables.summarise(plan, tables.scores_frame(plan, results))
        frame = table4(summary)
        cells = table4_grid(frame, tables.remarks(plan, results, summary))
        return cells, _write_grid(folder, "table4", frame, cells)


def ablation_table(out: str | Path | None = None) -> tuple[Grid, list[Path]]:
    """Make the table of the wheel ablation of a stored run.

    Parameters
    ----------
    out : str or Path, optional
        Run folder, by default the one that was written last.

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
    with _opened(out) as (folder, plan, results):
        scores = tables.scores_frame(plan, results)
        frame = wheel_table(plan, scores)
        cells = wheel_grid(frame, tables.remarks(plan, results, tables.summarise(plan, scores)))
        return cells, _write_grid(folder, "wheel", frame, cells)


def figure(
    number: int = 5, out: str | Path | None = None, formats: Iterable[str] = FORMATS
) -> list[Path]:
    """Draw a figure of a stored run.

    Parameters
    ----------
    number : {5}
        As in the paper. 5: accuracy and KL divergence over sigma.
    out : str or Path, optional
        Run folder, by default the one that was written last.
    formats : iterable of {"pdf", "svg", "png"}
        Files to write, beside a ``.csv`` with the numbers.

    Returns
    -------
    list of Path
        The written files.

    Raises
    ------
    UsageError
        As `table`, an unknown number or format, or the run does not have what the figure shows.
    BenchmarkError
        As `table`.
    """
    if number != 5:
        raise UsageError(f"there is no figure {number}; there is 5")
    wanted = list(formats)
    for file_format in wanted:
        if file_format not in FORMATS:
            raise UsageError(f"a figure can be {', '.join(FORMATS)}, not {file_format!r}")
    with _opened(out) as (folder, plan, results):
        curve = sigma_curve(plan, tables.summarise(plan, tables.scores_frame(plan, results)))
        paths = [folder.write_file("figure5.csv", curve.to_csv(index=False))]
        for file_format in wanted:
            drawn = draw_sigma_curve(curve, file_format)
            paths.append(folder.write_file(f"figure5.{file_format}", drawn))
        return paths


@contextmanager
def _opened(
    out: str | Path | None,
) -> Iterator[tuple[RunFolder, Plan, dict[Task, Result]]]:
    """Open a run folder and read what is in it."""
    folder = RunFolder(Path(out) if out else _latest_run())
    plan = folder.read_plan()
    with folder.lock():
        damaged: list[str] = []
        results = read_results(folder, plan.tasks, damaged.append)
        if damaged:
            raise BenchmarkError(" ".join(damaged))
        yield folder, plan, results


def read_results(
    folder: RunFolder, tasks: Iterable[Task], tell: Callable[[str], None]
) -> dict[Task, Result]:
    """Read the stored results of tasks; a damaged one is told and left out."""
    results = {}
    for task in tasks:
        try:
            result = folder.read_result(task)
        except DamagedFileError as error:
            tell(f"{error}; the same run command computes it again.")
            continue
        if result is not None:
            results[task] = result
    return results


def write_tables(
    folder: RunFolder,
    plan: Plan,
    results: dict[Task, Result],
    failures: list[Outcome],
    std: bool = False,
) -> Study:
    """Write scores, timings and Table 3 into the run folder."""
    frame = tables.scores_frame(plan, results)
    summary = tables.summarise(plan, frame)
    lines = tables.notes(plan, results, summary)
    folder.write_file("scores.csv", frame.to_csv(index=False))
    folder.write_file("timings.csv", tables.timings_frame(plan, results).to_csv(index=False))
    folder.write_file("table3.csv", summary.to_csv(index=False))
    folder.write_file("table3.tex", render.latex(summary, lines, std))
    folder.write_file("table3.md", render.markdown(summary, lines, std))
    return Study(folder.path, summary, lines, failures, len(plan.tasks) - len(results))


def _write_grid(folder: RunFolder, name: str, frame: pd.DataFrame, cells: Grid) -> list[Path]:
    return [
        folder.write_file(f"{name}.csv", frame.to_csv(index=False)),
        folder.write_file(f"{name}.tex", grid.latex(cells)),
        folder.write_file(f"{name}.md", grid.markdown(cells)),
    ]


def _latest_run() -> Path:
    found = sorted(RUNS.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(f"there is no run below {RUNS}; give its folder with --out")
    return found[-1].parent
