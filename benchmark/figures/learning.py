"""Learning curves: the loss of the networks, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.analysis.scores import Results
from benchmark.figures.base import (
    Drawing,
    legend_columns,
    legend_height,
    model_style,
    shortened,
    styled,
)
from benchmark.figures.choice import (
    Choice,
    NotShown,
    chosen_dataset,
    complete_models,
    no_complete_model,
)
from benchmark.figures.look import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence


def no_curves(evidence: Evidence, choice: Choice) -> NotShown | None:
    """Return the reason if no model has all of its folds, or none recorded losses."""
    if incomplete := no_complete_model(evidence, choice):
        return incomplete
    dataset = chosen_dataset(evidence.plan, choice)
    if not loss_curves(evidence.results, dataset, complete_models(evidence, choice)[0]).empty:
        return None
    return NotShown(
        "no model recorded the loss of its epochs; networks do, such as DLDL and EW-MTCNN, on a "
        "dataset of images"
    )


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw the training loss of every network of a dataset."""
    dataset = chosen_dataset(evidence.plan, choice)
    models, remark = complete_models(evidence, choice)
    curves = loss_curves(evidence.results, dataset, models)
    caption = (
        f"Loss on the training images of {dataset} after every epoch: mean over folds, and the "
        f"band from the lowest to the highest fold. Every network minimises its own loss, so that "
        f"shapes can be compared, heights only between equal losses. {remark}"
    ).strip()
    figure = draw(curves, list(evidence.plan.models))
    return Drawing(f"learning-{dataset}", figure, curves, caption)


def loss_curves(results: Results, dataset: str, models: list[str]) -> pd.DataFrame:
    """Average the loss of every epoch over the folds of each network.

    Returns
    -------
    DataFrame
        Columns model, epoch (from 1), mean, low, high, folds.
    """
    rows = []
    for name in models:
        histories = [
            np.asarray(result.record["history"], dtype=np.float64)
            for task, result in results.items()
            if (task.dataset, task.model) == (dataset, name) and result.record.get("history")
        ]
        for epoch in range(max(map(len, histories), default=0)):
            losses = np.array([history[epoch] for history in histories if len(history) > epoch])
            rows.append((name, epoch + 1, losses.mean(), losses.min(), losses.max(), len(losses)))
    return pd.DataFrame(rows, columns=["model", "epoch", "mean", "low", "high", "folds"])


@styled
def draw(curves: pd.DataFrame, names: list[str]) -> Figure:
    """Draw what `loss_curves` returned; `names` give models their styles."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    shown = list(curves["model"].unique())
    labels = shortened(shown, 40)
    figure = Figure(figsize=(look().width, 2.9 + legend_height(labels)), layout="constrained")
    panel = figure.subplots()
    handles = []
    step = -(-int(curves["epoch"].max()) // 10)
    for number, name in enumerate(shown):
        mine = curves[curves["model"] == name]
        # About ten markers on a curve; different models have theirs at different epochs.
        style = {**model_style(names, name), "markevery": (number % step, step)}
        panel.fill_between(mine["epoch"], mine["low"], mine["high"], alpha=0.15, lw=0,
                           color=style["color"])  # fmt: skip
        handles += panel.plot(mine["epoch"], mine["mean"], **style)
    panel.set(xlabel="epoch", ylabel="training loss")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid()
    figure.legend(handles, labels, loc="outside upper center", ncols=legend_columns(labels))
    return figure
