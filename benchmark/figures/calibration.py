"""Calibration: whether the true share is 30 % on average where 30 % is predicted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.figures.base import Drawing, colours, plain, shortened, small_type, styled
from benchmark.figures.choice import Choice, chosen_dataset, complete_models
from benchmark.figures.look import look
from benchmark.wording import listed
from features.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence

#: Bins of equal width from 0 to 1.
BINS = 10


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw predicted against true shares, one panel per model."""
    dataset = chosen_dataset(evidence.plan, choice)
    truth = evidence.plan.truths[dataset]
    models, remark = complete_models(evidence, choice)
    models, cut_off = _on_a_page(models)
    repeats = [evidence.predictions(dataset, r) for r in range(truth.folds.n_repeats)]
    tested = (truth.folds.assignment >= 0).T.ravel()
    D = np.tile(truth.D, (len(repeats), 1))[tested]
    tables = []
    for name in models:
        table = calibration(D, np.concatenate([of[name] for of in repeats])[tested])
        table.insert(0, "model", name)
        tables.append(table)
    data = pd.concat(tables, ignore_index=True)
    caption = (
        f"Predicted shares of all labels and test instances of {dataset} in {BINS} bins of equal "
        f"width: the mean true share over the mean predicted share of each bin. On the diagonal "
        f"shares mean what they say; below it, the model promises too much. Bars at the bottom: "
        f"how many of the shares fall into the bin. ECE, the expected calibration error: the mean "
        f"distance from the diagonal, weighted by these numbers. {remark} {cut_off}"
    ).strip()
    return Drawing(f"calibration-{dataset}", draw(data, models), data, caption)


def calibration(D: FloatArray, P: FloatArray) -> pd.DataFrame:
    """Average true and predicted shares in bins of the predicted ones.

    Parameters
    ----------
    D, P : ndarray of shape (n, c)
        True and predicted distributions.

    Returns
    -------
    DataFrame
        One row per bin that is not empty: columns low, high (ends of the bin; a share on an end is
        in the upper bin), predicted, true (means), count, and error, the expected calibration
        error over all bins.
    """
    predicted, true = P.ravel(), D.ravel()
    ends = np.arange(BINS + 1) / BINS
    places = np.clip(np.searchsorted(ends, predicted, side="right") - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    filled = counts > 0
    sums = [np.bincount(places, weights=of, minlength=BINS)[filled] for of in (predicted, true)]
    mean_predicted, mean_true = (total / counts[filled] for total in sums)
    error = float((counts[filled] * np.abs(mean_true - mean_predicted)).sum() / len(true))
    return pd.DataFrame(
        {
            "low": ends[:-1][filled],
            "high": ends[1:][filled],
            "predicted": mean_predicted,
            "true": mean_true,
            "count": counts[filled],
            "error": error,
        }
    )


def _columns() -> int:
    return max(2, int(look().width / 1.15)) if look().narrow else max(5, int(look().width / 1.4))


def _on_a_page(models: list[str]) -> tuple[list[str], str]:
    """Return the models for which a printed page is high enough, and a sentence on the others."""
    rows = (look().tallest - 0.3) / (look().width / _columns() + 0.1)
    room = len(models) if math.isinf(rows) else max(1, int(rows)) * _columns()
    left = models[room:]
    said = f"Left out, since the page is not high enough: {listed(left)}." if left else ""
    return models[:room], said


@styled
def draw(data: pd.DataFrame, models: list[str]) -> Figure:
    """Draw what `calibration` returned for each model."""
    from matplotlib.figure import Figure

    columns = min(_columns(), len(models))
    rows = -(-len(models) // columns)
    side = look().width / max(columns, 2)
    figure = Figure(figsize=(look().width, rows * (side + 0.1) + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for panel, name, title in zip(
        panels.flat, models, shortened(models, 18 if side > 1.3 else 16), strict=False
    ):
        mine = data[data["model"] == name]
        panel.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
        share = mine["count"] / mine["count"].sum()
        panel.bar(mine["low"], 0.3 * share, width=1 / BINS, align="edge", color="0.85",
                  edgecolor="0.5", linewidth=0.4)  # fmt: skip
        panel.plot(mine["predicted"], mine["true"], marker="o", color=colours()[0], markersize=3)
        panel.set_title(title, fontsize=small_type())
        panel.text(0.05, 0.9, plain(f"ECE {mine['error'].iloc[0]:.3f}"), fontsize=small_type())
        panel.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        panel.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        panel.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    for panel in panels.flat[len(models) :]:
        panel.set_axis_off()
    for panel in panels.flat[len(models) - columns : len(models)]:
        panel.tick_params(labelbottom=True)
    figure.supxlabel("mean predicted share")
    figure.supylabel("mean true share")
    return figure
