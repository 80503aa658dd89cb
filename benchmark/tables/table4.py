"""Table 4: the accuracy of classifiers on several datasets."""

from __future__ import annotations

import pandas as pd

from benchmark.metrics import BY_NAME
from benchmark.tables.grid import Cell, Grid
from benchmark.wording import rank_mark, value


def table4(summary: pd.DataFrame) -> pd.DataFrame:
    """Take the accuracies of all models on all datasets out of the run's summary.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.

    Returns
    -------
    DataFrame
        One row per model, the trivial ones last, columns `benchmark.columns.TABLE4`; missing values
        where the model has not run or lacks folds.
    """
    order = summary.drop_duplicates("model").sort_values("kind", kind="stable")["model"]
    table = pd.DataFrame({"model": list(order)}, index=order)
    for name, part in summary.groupby("dataset", sort=False):
        indexed = part.set_index("model")
        table[str(name)] = indexed["accuracy"]
        table[f"{name}_std"] = indexed["accuracy_std"]
        table[f"{name}_rank"] = indexed["accuracy_rank"]
    return table.reset_index(drop=True)


def table4_grid(table: pd.DataFrame, notes: list[str]) -> Grid:
    """Write the cells: accuracy in percent and rank."""
    datasets = [c.removesuffix("_rank") for c in table.columns if c.endswith("_rank")]
    rows = []
    for row in table.to_dict("records"):
        cells = [Cell(str(row["model"]))]
        for name in datasets:
            rank = row[f"{name}_rank"]
            text = value(row[name], BY_NAME["accuracy"]) + rank_mark(rank)
            cells.append(Cell(text, best=rank == 1))
        rows.append(cells)
    return Grid(
        caption="Accuracy (%) of the dominant label: means over all test folds",
        headers=["Model", *datasets],
        cells=rows,
        notes=["In parentheses the rank among the models, 1 is best.", *notes],
    )
