"""Table 3: every model in every measure, with ranks, one table per dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.metrics import MEASURES, Measure
from benchmark.tables.grid import ASIDE, DAGGER, Cell, Grid, group_rules
from benchmark.wording import GAP, count, percent, rank_mark, value


def table3_grids(
    summary: pd.DataFrame, std: bool = False, measures: Sequence[Measure] = MEASURES
) -> list[Grid]:
    """Lay out the summary of a run, a table per dataset: models by groups, trivial predictors last.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    std : bool
        Show the deviation over folds behind each mean.
    measures : sequence of Measure
        The columns.
    """
    parts = summary.groupby("dataset", sort=False)
    return [_grid(str(name), part, std, measures) for name, part in parts]


def _grid(dataset: str, part: pd.DataFrame, std: bool, measures: Sequence[Measure]) -> Grid:
    has_oracle = bool(part["oracle_gap"].notna().any())
    titles = [f"{m.title} {m.arrow}" for m in measures]
    return Grid(
        title=dataset,
        caption=f"Label distribution learning on {dataset}: means over "
        f"{count(int(part['expected_folds'].iloc[0]), 'test fold')}, ranks in parentheses.",
        headers=["Model", *titles, "Mean rank", *(["Gap to oracle"] if has_oracle else [])],
        cells=[_row(row, std, has_oracle, measures) for row in part.to_dict("records")],
        rules=group_rules(part["group"]),
        wide=True,
    )


def _row(
    row: dict[Any, Any], std: bool, has_oracle: bool, measures: Sequence[Measure]
) -> list[Cell]:
    lost = str(row["not_better_than_mean"]).split()
    found = [Cell(str(row["model"]), aside=row["group"] in ASIDE)]
    found += [_value(row, measure, std, measure.name in lost) for measure in measures]
    rank = row["mean_rank"]
    if not np.isnan(rank):
        found.append(Cell(f"{rank:.2f}"))
    elif row["kind"] == "model":
        found.append(Cell(f"{row['folds']}/{row['expected_folds']} folds"))
    else:
        found.append(Cell(""))
    if has_oracle:
        found.append(Cell("" if np.isnan(row["oracle_gap"]) else percent(row["oracle_gap"])))
    return found


def _value(row: dict[Any, Any], measure: Measure, std: bool, lost: bool) -> Cell:
    mean, rank = row[measure.name], row[f"{measure.name}_rank"]
    if np.isnan(mean):
        return Cell(GAP)
    text = value(mean, measure)
    if std and not np.isnan(row[f"{measure.name}_std"]):
        text += f"±{value(row[f'{measure.name}_std'], measure)}"
    after = rank_mark(rank) + (DAGGER if lost else "")
    return Cell(text, after, best=rank == 1)
