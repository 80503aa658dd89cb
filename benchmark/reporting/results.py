"""The tables of results: every model in every measure, and mean ranks over datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.errors import apart, raised_last
from benchmark.metrics import Measure
from benchmark.reporting.copies import Shown
from benchmark.reporting.summary import size_of
from benchmark.tables.grid import Cell as TextCell
from benchmark.tables.grid import Grid as TextGrid
from benchmark.wording import GAP, percent, value


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes
    ----------
    text : str
        As shown; a dash where there is no value.
    value : float
        What the column is sorted by; NaN where there is no value.
    rank : str
        Among the models, or empty.
    best, as_good, lost : bool
        First of its column; not told from the first by the test; not better than the mean
        training distribution.
    interval : str
        Bootstrap interval of the mean, or empty.
    std : str
        Deviation over folds, or empty.
    """

    text: str
    value: float
    rank: str = ""
    best: bool = False
    as_good: bool = False
    lost: bool = False
    interval: str = ""
    std: str = ""

    @property
    def key(self) -> str:
        """The value for sorting, empty where there is none."""
        return "" if np.isnan(self.value) else repr(float(self.value))


@dataclass(frozen=True)
class ResultTable:
    """Table 3 of one dataset.

    Attributes
    ----------
    dataset : str
    about : str
        Size of the data, in words.
    has_oracle : bool
        Whether there is a column for the distance to the oracle.
    models, extended, newer, peer, trivial : list of (name, list of Cell)
        Rows; the cells are the measures, the mean rank, and the gap to the oracle if there is one.
    """

    dataset: str
    about: str
    has_oracle: bool
    models: list[tuple[str, list[Cell]]] = field(default_factory=list)
    extended: list[tuple[str, list[Cell]]] = field(default_factory=list)
    newer: list[tuple[str, list[Cell]]] = field(default_factory=list)
    peer: list[tuple[str, list[Cell]]] = field(default_factory=list)
    trivial: list[tuple[str, list[Cell]]] = field(default_factory=list)


def result_tables(evidence: Evidence, problems: list[str] | None = None) -> list[ResultTable]:
    """Make Table 3 of every dataset.

    Where the tests or the intervals cannot be made, the tables lack them, and `problems` gets a
    sentence; without that list it is an error.
    """
    with raised_last(problems) as found:
        good: set[tuple[str, str, str]] = set()
        with apart("the tests of significance", found):
            good = evidence.as_good
        ends: dict[tuple[Any, Any, Any], tuple[Any, Any]] = {}
        with apart("the intervals of means", found):
            ends = {
                (row.dataset, row.model, row.measure): (row.low, row.high)
                for row in evidence.intervals.itertuples()
            }
    tables = []
    for dataset, part in evidence.summary.groupby("dataset", sort=False):
        truth = evidence.plan.truths[str(dataset)]
        table = ResultTable(str(dataset), size_of(truth), bool(part["oracle_gap"].notna().any()))
        for row in part.to_dict("records"):
            cells = _cells(row, good, ends, evidence.measures)
            if table.has_oracle:
                gap = row["oracle_gap"]
                cells.append(Cell(percent(gap), gap))
            own = {
                "extended": table.extended,
                "newer": table.newer,
                "peer": table.peer,
                "trivial": table.trivial,
            }
            rows = own.get(row["group"], table.models)
            rows.append((row["model"], cells))
        tables.append(table)
    return tables


def _cells(
    row: dict[Any, Any],
    good: set[tuple[str, str, str]],
    ends: dict[tuple[Any, Any, Any], tuple[float, float]],
    measures: Sequence[Measure],
) -> list[Cell]:
    cells = []
    lost = str(row["not_better_than_mean"]).split()
    for measure in measures:
        mean, rank = row[measure.name], row[f"{measure.name}_rank"]
        if np.isnan(mean):
            cells.append(Cell(GAP, mean))
            continue
        key = (row["dataset"], row["model"], measure.name)
        low, high = ends.get(key, (np.nan, np.nan))
        std = row[f"{measure.name}_std"]
        interval = f"{value(low, measure)} to {value(high, measure)}"
        cells.append(
            Cell(
                text=value(mean, measure),
                value=mean,
                rank="" if np.isnan(rank) else f"{rank:.0f}",
                best=rank == 1,
                as_good=key in good and rank != 1,
                lost=measure.name in lost,
                interval="" if np.isnan(low) else interval,
                std="" if np.isnan(std) else f"±{value(std, measure)}",
            )
        )
    rank = row["mean_rank"]
    return [*cells, Cell("" if np.isnan(rank) else f"{rank:.2f}", rank)]


def overall_table(evidence: Evidence) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """Make the table of mean ranks: models by datasets, and the mean over all datasets.

    Returns
    -------
    headers : list of str
        Datasets, and ``all``.
    rows : list of (name, list of Cell)
        A model that lacks a dataset has no mean over all.
    """
    summary = evidence.summary[evidence.summary["kind"] == "model"]
    ranks = summary.set_index(["model", "dataset"])["mean_rank"].to_dict()
    datasets = list(evidence.plan.truths)
    table = {
        model: [ranks.get((model, dataset), np.nan) for dataset in datasets]
        for model in evidence.plan.models
    }
    values = {model: [*row, float(np.mean(row))] for model, row in table.items()}
    best = np.nanmin([*values.values(), [np.inf] * (len(datasets) + 1)], axis=0)
    rows = [
        (
            model,
            [
                Cell(
                    GAP if np.isnan(rank) else f"{rank:.2f}",
                    rank,
                    best=bool(np.isclose(rank, lowest)),
                )
                for rank, lowest in zip(row, best, strict=True)
            ],
        )
        for model, row in values.items()
    ]
    return [*datasets, "all"], rows


def overall_shown(evidence: Evidence) -> Shown:
    """Return what is copied of the table of mean ranks."""
    headers, rows = overall_table(evidence)
    grid = TextGrid(
        caption="Mean ranks on every dataset, over the measures",
        headers=["Model", *headers],
        cells=[
            [TextCell(name), *(TextCell(cell.text, best=cell.best) for cell in cells)]
            for name, cells in rows
        ],
    )
    # A dataset may be called "model" or "all".
    columns: list[pd.Series[Any]] = [pd.Series([name for name, _ in rows], name="model")]
    for place, header in enumerate(headers):
        columns.append(pd.Series([cells[place].value for _, cells in rows], name=header))
    return Shown("overall", grid, pd.concat(columns, axis=1))
