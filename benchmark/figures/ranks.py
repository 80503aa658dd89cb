"""Ranks as a heat map: models by measures on one dataset, or by datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.analysis.explained import over_what
from benchmark.figures.base import Drawing, name_limit, shortened, styled, wide
from benchmark.figures.choice import Choice, NotShown, chosen_dataset, chosen_models, not_run
from benchmark.figures.heat import heat_map
from benchmark.figures.look import look
from benchmark.metrics import MEASURES, Measure
from benchmark.planning.plan import Plan
from benchmark.wording import GAP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence


def no_ranks(evidence: Evidence, choice: Choice) -> NotShown | None:
    """Return the reason if no model has a rank."""
    plan = evidence.plan
    known = (
        list(plan.models)
        if _several(plan, choice)
        else plan.models_of(chosen_dataset(plan, choice))
    )
    if absent := not_run(choice, known):
        return absent
    if _table(evidence, choice).notna().to_numpy().any():
        return None
    return NotShown("no model has all of its folds, so there is no rank to show")


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw the ranks of a run's models: of one dataset by measure, of several by dataset."""
    if _several(evidence.plan, choice):
        name, columns = "ranks", "datasets"
        what = (
            f"Mean rank over {over_what(evidence.measures)} on every dataset, and the mean over "
            "all datasets of models that ran on all of them."
        )
    else:
        dataset = chosen_dataset(evidence.plan, choice)
        name, columns = f"ranks-{dataset}", "measures"
        what = f"Ranks of the models on {dataset} in every measure, and their mean."
    table = _table(evidence, choice)
    caption = (
        f"{what} 1 is best; the darker, the better. Rows in the order of the tables. Hatched: the "
        f"model did not run there or lacks folds."
    )
    figure = draw(table)
    # A dataset may be called "model" too.
    data = table.rename_axis(index="model", columns=columns).reset_index(allow_duplicates=True)
    return Drawing(name, figure, data, caption)


def _several(plan: Plan, choice: Choice) -> bool:
    """Whether the columns are datasets, not measures of one of them."""
    return len(plan.truths) > 1 and not choice.dataset


def _table(evidence: Evidence, choice: Choice) -> pd.DataFrame:
    """Take the ranks that are shown: the chosen models, or all of them, in rows."""
    if _several(evidence.plan, choice):
        table = dataset_ranks(evidence.summary)
    else:
        table = measure_ranks(
            evidence.summary, chosen_dataset(evidence.plan, choice), evidence.measures
        )
    return table.loc[chosen_models(choice, list(table.index))]


def measure_ranks(
    summary: pd.DataFrame, dataset: str, measures: Sequence[Measure] = MEASURES
) -> pd.DataFrame:
    """Arrange the ranks on a dataset: models by measures, and the mean rank."""
    rows = summary[(summary["dataset"] == dataset) & (summary["kind"] == "model")]
    table = rows.set_index("model")[[f"{m.name}_rank" for m in measures] + ["mean_rank"]]
    table.columns = pd.Index([*(m.title.removesuffix(" %") for m in measures), "mean rank"])
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
        [GAP if np.isnan(v) else f"{v:.0f}" if exact else f"{v:.1f}"
         for v, exact in zip(row, whole, strict=True)]
        for row in values
    ]  # fmt: skip
    models, columns = (shortened([str(n) for n in names], name_limit()) for names in table.axes)
    head = 0.5 + 0.05 * max(map(wide, columns))
    height = head + min(0.2 * len(table), max(0.13 * len(table), look().tallest - head))
    figure = Figure(figsize=(look().width, height), layout="constrained")
    panel = figure.subplots()
    span = (1.0, max(2.0, float(np.nanmax(values))))
    heat_map(panel, values, texts, (models, columns), span)
    panel.axvline(values.shape[1] - 1.5, color="white", linewidth=3)
    return figure
