"""Table 3: every model in every measure, with ranks, one table per dataset."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.explained import over_what
from benchmark.analysis.reference import ORACLE
from benchmark.analysis.statistics import ALPHA
from benchmark.metrics import MEASURES, Measure
from benchmark.tables.grid import (
    AS_GOOD,
    ASIDE,
    DAGGER,
    Cell,
    Grid,
    best_and_second,
    captioned,
    group_rules,
)
from benchmark.tables.options import TableOptions
from benchmark.wording import GAP, count, percent, rank_text, value


@dataclass(frozen=True)
class Tested:
    """What the tests tell of a run's means.

    Attributes
    ----------
    as_good : set of (dataset, model, measure)
        See `benchmark.analysis.comparisons.as_good_as_best`.
    ends : mapping
        (dataset, model, measure) to the ends of the bootstrap interval of the mean.
    test : str
        What the test is called.
    """

    as_good: Collection[tuple[str, str, str]] = ()
    ends: Mapping[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict)
    test: str = "corrected resampled t-test"


def table3_grids(
    summary: pd.DataFrame,
    measures: Sequence[Measure] = MEASURES,
    options: TableOptions | None = None,
    tested: Tested | None = None,
) -> list[Grid]:
    """Lay out the summary of a run, a table per dataset: models by groups, trivial predictors last.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    measures : sequence of Measure
        The columns.
    options : TableOptions, optional
        How it is written. Which rows and columns there are, the summary says.
    tested : Tested, optional
        What the tests tell; without them no cell is marked as not told from the best.
    """
    options = options or TableOptions()
    if options.models:
        asked = [name.casefold() for name in options.models]
        trivial = summary["kind"] == "trivial"
        summary = summary[~trivial | summary["model"].str.casefold().isin(asked)]
    parts = summary.groupby("dataset", sort=False)
    grids = [
        _Maker(str(name), part, measures, options, tested or Tested()).grid()
        for name, part in parts
    ]
    return captioned(grids, options)


@dataclass(frozen=True)
class _Maker:
    """What the table of a dataset is made of."""

    dataset: str
    part: pd.DataFrame
    measures: Sequence[Measure]
    options: TableOptions
    tested: Tested

    def grid(self) -> Grid:
        has_oracle = ORACLE in set(self.part["model"]) and bool(
            self.part["oracle_gap"].notna().any()
        )
        titles = [f"{m.title} {m.arrow}" for m in map(self.options.shown, self.measures)]
        cells = [self._row(row, has_oracle) for row in self.part.to_dict("records")]
        folds = count(int(self.part["expected_folds"].iloc[0]), "test fold")
        return Grid(
            title=self.dataset,
            caption=f"Label distribution learning on {self.dataset}: means over {folds}.",
            headers=["Model", *titles, "Mean rank", *(["Gap to oracle"] if has_oracle else [])],
            cells=cells,
            rules=group_rules(self.part["group"]),
            legend=self._legend(cells, has_oracle),
            name=f"table3-{self.dataset}",
        )

    def _row(self, row: dict[Any, Any], has_oracle: bool) -> list[Cell]:
        found = [Cell(str(row["model"]), aside=row["group"] in ASIDE)]
        found += [self._value(row, measure) for measure in self.measures]
        rank = row["mean_rank"]
        if not np.isnan(rank):
            place = best_and_second(self.part["mean_rank"])
            found.append(Cell(f"{rank:.2f}", best=rank == place[0], second=rank == place[1]))
        elif row["kind"] == "model":
            found.append(Cell(f"{row['folds']}/{row['expected_folds']} folds"))
        else:
            found.append(Cell(""))
        if has_oracle:
            found.append(Cell("" if np.isnan(row["oracle_gap"]) else percent(row["oracle_gap"])))
        return found

    def _value(self, row: dict[Any, Any], measure: Measure) -> Cell:
        mean, rank = row[measure.name], row[f"{measure.name}_rank"]
        shown = self.options.shown(measure)
        if np.isnan(mean):
            return Cell(GAP)
        key = (self.dataset, str(row["model"]), measure.name)
        lost = measure.name in str(row["not_better_than_mean"]).split()
        place = best_and_second(self.part[f"{measure.name}_rank"])
        good = key in self.tested.as_good and rank != place[0]
        return Cell(
            value(mean, shown),
            spread=spread_of(
                row[f"{measure.name}_std"], self.tested.ends.get(key), shown, self.options
            ),
            rank=rank_text(rank),
            after=(DAGGER if lost else "") + (AS_GOOD if good else ""),
            best=rank == place[0],
            second=rank == place[1],
        )

    def _legend(self, cells: list[list[Cell]], has_oracle: bool) -> list[str]:
        """Say in short sentences what stands in the cells."""
        lines = legend_of(cells, self.options, self.tested)
        if len(self.measures) > 1:
            lines.append(f"Mean rank: over {over_what(self.measures)}.")
        if has_oracle:
            lines.append(
                "Gap to oracle: 0 % for the distributions behind the simulated raters, 100 % for "
                "the mean training distribution; median over these measures."
            )
        if self.part.loc[self.part["kind"] == "model", "mean_rank"].isna().any():
            lines.append("A model that lacks folds has no mean and no rank.")
        return lines


def spread_of(
    std: float, ends: tuple[float, float] | None, shown: Measure, options: TableOptions
) -> str:
    """Write what stands behind a mean: nothing, the deviation or the ends of the interval."""
    if options.spread == "std" and not np.isnan(std):
        return f"±{value(std, shown)}"
    if options.spread == "interval" and ends and not np.isnan(ends[0]):
        return f" [{value(ends[0], shown)}, {value(ends[1], shown)}]"
    return ""


def legend_of(cells: list[list[Cell]], options: TableOptions, tested: Tested) -> list[str]:
    """Say in short sentences what signs in the cells mean; nothing of those that are not there."""
    flat = [cell for row in cells for cell in row]
    marks = "".join(cell.after for cell in flat)
    lines = []
    ranks = {"parentheses": "In parentheses", "superscript": "Raised"}.get(options.ranks)
    if ranks and any(cell.rank for cell in flat):
        lines.append(f"{ranks}: rank among the models, 1 is best.")
    if any(cell.second for cell in flat):
        lines.append("Bold: best; underlined: second best.")
    if AS_GOOD in marks:
        lines.append(
            f"{AS_GOOD} not significantly different from the best ({tested.test}, Holm-adjusted, "
            f"level {ALPHA:g})."
        )
    if DAGGER in marks:
        lines.append(f"{DAGGER} not better than the mean training distribution.")
    spreads = "".join(cell.spread for cell in flat)
    if "±" in spreads:
        lines.append("±: standard deviation over the folds.")
    elif spreads:
        lines.append("In brackets: 95 % bootstrap interval over the instances.")
    return lines
