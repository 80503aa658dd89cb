"""Table 4: the accuracy of classifiers on several datasets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmark.metrics import BY_NAME
from benchmark.plugins.built_in import BEYOND, GROUPS
from benchmark.tables.grid import (
    AS_GOOD,
    ASIDE,
    Cell,
    Grid,
    best_and_second,
    captioned,
    group_rules,
)
from benchmark.tables.options import TableOptions
from benchmark.tables.table3 import Tested, legend_of, spread_of
from benchmark.wording import rank_text, value


def table4(summary: pd.DataFrame) -> pd.DataFrame:
    """Take the accuracies of all models on all datasets out of the run's summary.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.

    Returns
    -------
    DataFrame
        One row per model by groups, the trivial ones last, columns `benchmark.columns.TABLE4`;
        missing values where the model has not run or lacks folds.
    """
    rows = summary.drop_duplicates("model")
    places = rows["group"].map((*GROUPS, "trivial").index)
    # Where none goes beyond the paper models stay in the order in which they were asked for.
    if not set(BEYOND) & set(rows["group"]):
        places = rows["group"] == "trivial"
    order = rows["model"].iloc[np.argsort(places.to_numpy(), kind="stable")]
    columns = [pd.Series(list(order), name="model")]
    for name, part in summary.groupby("dataset", sort=False):
        indexed = part.set_index("model").reindex(order)
        for column, ending in (
            ("accuracy", ""),
            ("accuracy_std", "_std"),
            ("accuracy_rank", "_rank"),
        ):
            values = indexed[column].reset_index(drop=True)
            columns.append(values.rename(f"{name}{ending}"))
    # A dataset may be called "model", or as another with such an ending.
    return pd.concat(columns, axis=1)


def table4_grid(
    table: pd.DataFrame,
    notes: list[str],
    groups: Mapping[str, str],
    options: TableOptions | None = None,
    tested: Tested | None = None,
) -> Grid:
    """Write the cells: accuracy in percent and rank; groups of models stand apart.

    Parameters
    ----------
    table : DataFrame
        What `table4` returned.
    notes : list of str
        What a reader has to know.
    groups : mapping
        Model to its group, see `benchmark.columns.TABLE3`.
    options : TableOptions, optional
        How it is written.
    tested : Tested, optional
        What the tests tell, as of Table 3.
    """
    options, tested = options or TableOptions(), tested or Tested()
    accuracy = options.shown(BY_NAME["accuracy"])
    datasets = list(table.columns[1::3])
    places = [best_and_second(table.iloc[:, column]) for column in range(3, table.shape[1], 3)]
    rows = []
    for model, *numbers in table.itertuples(index=False, name=None):
        cells = [Cell(str(model), aside=groups[model] in ASIDE)]
        of_sets = (numbers[i : i + 3] for i in range(0, len(numbers), 3))
        for dataset, place, (mean, std, rank) in zip(datasets, places, of_sets, strict=True):
            key = (str(dataset), str(model), "accuracy")
            good = key in tested.as_good and rank != place[0]
            cells.append(
                Cell(
                    value(mean, accuracy),
                    spread=spread_of(std, tested.ends.get(key), accuracy, options),
                    rank=rank_text(rank),
                    after=AS_GOOD if good else "",
                    best=rank == place[0],
                    second=rank == place[1],
                )
            )
        rows.append(cells)
    legend = legend_of(rows, options, tested)
    grid = Grid(
        caption="Accuracy (%) of the dominant label: means over all test folds",
        headers=["Model", *datasets],
        cells=rows,
        rules=group_rules(groups[model] for model in table.iloc[:, 0]),
        notes=[*legend, *notes],
        legend=legend,
        name="table4",
    )
    return captioned([grid], options)[0]
