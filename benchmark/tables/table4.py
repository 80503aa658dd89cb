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


def table4_grid(table: pd.DataFrame, notes: list[str]) -> Grid:
    """Write the cells: accuracy in percent and rank."""
    datasets = list(table.columns[1::3])
    rows = []
    for model, *numbers in table.itertuples(index=False, name=None):
        cells = [Cell(str(model))]
        for mean, rank in zip(numbers[::3], numbers[2::3], strict=True):
            text = value(mean, BY_NAME["accuracy"]) + rank_mark(rank)
            cells.append(Cell(text, best=rank == 1))
        rows.append(cells)
    return Grid(
        caption="Accuracy (%) of the dominant label: means over all test folds",
        headers=["Model", *datasets],
        cells=rows,
        notes=["In parentheses the rank among the models, 1 is best.", *notes],
    )
