"""Table 4: the accuracy of classifiers on several datasets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.tables.grid import Grid


def table4(summary: pd.DataFrame) -> pd.DataFrame:
    """Take the accuracies of all models on all datasets out of the run's summary.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.

    Returns
    -------
    DataFrame
        One row per model, the trivial ones last: columns model, and for every dataset its mean
        accuracy (a share), ``<dataset>_std`` over folds and ``<dataset>_rank``; missing values
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
    rows, best = [], set()
    for i, row in enumerate(table.to_dict("records")):
        cells = [str(row["model"])]
        for j, name in enumerate(datasets, start=1):
            value, rank = row[name], row[f"{name}_rank"]
            cell = "-" if np.isnan(value) else f"{100 * value:.2f}"
            if not np.isnan(rank):
                cell += f"({rank:.0f})"
            if rank == 1:
                best.add((i, j))
            cells.append(cell)
        rows.append(cells)
    return Grid(
        caption="Accuracy (%) of the dominant label: means over all test folds",
        headers=["Model", *datasets],
        rows=rows,
        best=best,
        notes=["In parentheses the rank among the models, 1 is best.", *notes],
    )
