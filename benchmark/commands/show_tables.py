"""The tables of stored runs beside Table 3, as functions: accuracies, wheel, tuning, tests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Out
from benchmark.columns import WHEEL_MEASURES
from benchmark.commands.study import gathered, tells_obstacle
from benchmark.metrics import BY_NAME
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid
from benchmark.tables.significance import significance_grid, significance_table
from benchmark.tables.table4 import table4, table4_grid
from benchmark.tables.tuning import (
    measure_of_tuning,
    notes_of_failures,
    tuning_grid,
    tuning_table,
)
from benchmark.tables.wheel import wheel_grid, wheel_table
from benchmark.tables.writing import write_grid
from benchmark.wording import find_measure


def network_table(
    out: Out = None, to: str | Path | None = None, problems: list[str] | None = None
) -> tuple[Grid, list[Path]]:
    """Make Table 4, accuracies of models (rows) on datasets (columns), of stored runs.

    Parameters
    ----------
    out, to : optional
        As in `benchmark.table`.
    problems : list of str, optional
        Collects sentences about files that cannot be written, instead of an error in the end.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``table4.csv``, ``.tex`` and ``.md`` in the run folder; none where that cannot be written,
        which is logged.

    Raises
    ------
    UsageError, BenchmarkError
        As `benchmark.table`.
    """
    with gathered("the table", out, to) as evidence:
        evidence = evidence.including(BY_NAME["accuracy"])
        frame = table4(evidence.summary)
        groups = dict(zip(evidence.summary["model"], evidence.summary["group"], strict=True))
        cells = table4_grid(frame, evidence.remarks, groups)
        return cells, _files_of("table4", evidence.target, frame, cells, problems)


def ablation_table(
    out: Out = None, to: str | Path | None = None, problems: list[str] | None = None
) -> tuple[Grid, list[Path]]:
    """Make the table of the wheel ablation of stored runs.

    Parameters
    ----------
    out, to : optional
        As in `benchmark.table`.
    problems : list of str, optional
        Collects sentences about files that cannot be written, instead of an error in the end.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``wheel.csv``, ``.tex`` and ``.md`` in the run folder, as in `network_table`.

    Raises
    ------
    UsageError
        As `benchmark.table`, or the run has no network without a wheel.
    BenchmarkError
        As `benchmark.table`.
    """
    with gathered("the table", out, to) as evidence:
        evidence = evidence.including(*(BY_NAME[name] for name in WHEEL_MEASURES))
        frame = wheel_table(evidence.plan, evidence.scores)
        cells = wheel_grid(frame, evidence.remarks)
        return cells, _files_of("wheel", evidence.target, frame, cells, problems)


def tuned_table(
    out: Out = None, to: str | Path | None = None, problems: list[str] | None = None
) -> tuple[Grid, list[Path]]:
    """Make the table of stored runs that puts tuned rows beside those that they tune.

    Parameters
    ----------
    out, to, problems : optional
        As in `network_table`.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``tuned.csv``, ``.tex`` and ``.md`` in the run folder, as in `network_table`.

    Raises
    ------
    UsageError
        As `benchmark.table`, or the run has no tuned rows.
    BenchmarkError
        As `benchmark.table`.
    """
    with gathered("the table", out, to) as evidence:
        by = measure_of_tuning(evidence.plan)
        evidence = evidence.including(by) if by else evidence
        frame = tuning_table(evidence.plan, evidence.summary, evidence.pairs, evidence.tuning)
        notes = [*notes_of_failures(evidence.tuning), *evidence.remarks]
        cells = tuning_grid(frame, evidence.plan, notes)
        return cells, _files_of("tuned", evidence.target, frame, cells, problems)


def significance(
    out: Out = None,
    measure: str = "",
    to: str | Path | None = None,
    problems: list[str] | None = None,
) -> tuple[Grid, list[Path]]:
    """Make the table of tests of significance: the best model of each dataset against the others.

    Parameters
    ----------
    out, to : optional
        As in `benchmark.table`.
    measure : str
        Name of the measure, by default ``kl_divergence``.
    problems : optional
        As in `network_table`.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        ``tests.csv``, ``.tex`` and ``.md`` in the run folder, as in `network_table`.

    Raises
    ------
    UsageError
        As `benchmark.table`, or an unknown measure.
    BenchmarkError
        As `benchmark.table`.
    """
    wanted = find_measure(measure or "kl_divergence")
    with gathered("the table", out, to) as evidence:
        evidence = evidence.including(wanted)
        frame = significance_table(evidence.summary, evidence.pairs, wanted)
        cells = significance_grid(frame, evidence.summary, wanted, evidence.plan)
        return cells, _files_of("tests", evidence.target, frame, cells, problems)


def _files_of(
    name: str, folder: RunFolder, frame: pd.DataFrame, cells: Grid, problems: list[str] | None
) -> list[Path]:
    """Write a table, which is shown whether or not its files can be written."""
    return [] if tells_obstacle(folder) else write_grid(folder, name, frame, cells, problems)
