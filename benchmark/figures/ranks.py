"""Ranks as a heat map: models by measures on one dataset, or by datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.figures.base import (
    WIDTH,
    Choice,
    Drawing,
    chosen_dataset,
    models_among,
    shortened,
    styled,
)
from benchmark.figures.heat import heat_map
from benchmark.metrics import MEASURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw the ranks of a run's models: of one dataset by measure, of several by dataset.

    Raises
    ------
    UsageError
        No model has a rank.
    """
    several = len(evidence.plan.truths) > 1 and not choice.dataset
    if several:
        table = dataset_ranks(evidence.summary)
        name, columns, models = "ranks", "datasets", list(evidence.plan.models)
        whose = "the run"
        what = (
            "Mean rank over the paper's seven measures on every dataset, and the mean over all "
            "datasets of models that ran on all of them."
        )
    else:
        dataset = chosen_dataset(evidence, choice)
        table = measure_ranks(evidence.summary, dataset)
        name, columns, models = f"ranks-{dataset}", "measures", evidence.plan.models_of(dataset)
        whose = dataset
        what = f"Ranks of the models on {dataset} in every measure, and their mean."
    table = table.loc[models_among(models, choice, whose)]
    if table.empty or table.isna().to_numpy().all():
        raise UsageError("no model has all of its folds, so there is no rank to show")
    caption = (
        f"{what} 1 is best; the darker, the better. Rows in the order of the tables. Hatched: the "
        f"model did not run there or lacks folds."
    )
    figure = draw(table)
    # A dataset may be called "model" too.
    data = table.rename_axis(index="model", columns=columns).reset_index(allow_duplicates=True)
    return Drawing(name, figure, data, caption)


def measure_ranks(summary: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Arrange the ranks on a dataset: models by measures, and the mean rank."""
    rows = summary[(summary["dataset"] == dataset) & (summary["kind"] == "model")]
    table = rows.set_index("model")[[f"{m.name}_rank" for m in MEASURES] + ["mean_rank"]]
    table.columns = pd.Index([*(m.title.removesuffix(" %") for m in MEASURES), "mean rank"])
    return table


def dataset_ranks(summary: pd.DataFrame) -> pd.DataFrame:
    """Arrange mean ranks: models by datasets, and the mean over all of them."""
    rows = summary[summary["kind"] == "model"]
    table = rows.pivot_table(
        index="model", columns="dataset", values="mean_rank", aggfunc="first", dropna=False
    ).reindex(index=rows["model"].unique(), columns=rows["dataset"].unique())
    # A dataset may be called "all" too.
    return pd.concat([table, table.mean(axis=1, skipna=False).rename("all")], axis=1)


@styled
def draw(table: pd.DataFrame) -> Figure:
    """Draw a table of ranks, shape (models, columns)."""
    from matplotlib.figure import Figure

    values = table.to_numpy(dtype=np.float64)
    whole = [np.nanmax(np.abs(column - np.round(column)), initial=0) == 0 for column in values.T]
    texts = [
        ["-" if np.isnan(v) else f"{v:.0f}" if exact else f"{v:.1f}"
         for v, exact in zip(row, whole, strict=True)]
        for row in values
    ]  # fmt: skip
    models, columns = (shortened([str(n) for n in names], 24) for names in table.axes)
    height = 0.5 + 0.05 * max(map(len, columns)) + 0.2 * len(table)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panel = figure.subplots()
    span = (1.0, max(2.0, float(np.nanmax(values))))
    heat_map(panel, values, texts, (models, columns), span)
    panel.axvline(values.shape[1] - 1.5, color="white", linewidth=3)
    return figure
