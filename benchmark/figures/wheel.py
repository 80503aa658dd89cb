"""The emotion wheel and the prior matrix that it gives the labels of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.figures.base import Drawing, colours, plain, shortened, styled
from benchmark.figures.choice import Choice, NotShown, chosen_dataset
from benchmark.figures.heat import heat_map
from benchmark.figures.look import look
from benchmark.planning.plan import Plan
from ewmtcnn.wheel import MIKELS, NEUTRAL, prior_distributions, wheel_distances
from features.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence

#: Width of the paper's prior.
_SIGMA = 0.6

_NEUTRAL_LIES = {
    "isolated": "Neutral is not on the wheel and keeps to itself.",
    "centre": "Neutral lies in the centre of the wheel, equally far from all.",
}


def off_the_wheel(evidence: Evidence, choice: Choice) -> NotShown | None:
    """Return the reason if a label of the dataset is not on the wheel."""
    try:
        wheel_distances(evidence.plan.truths[chosen_dataset(evidence.plan, choice)].label_names)
    except ValueError as error:
        return NotShown(f"its labels are not emotions of the wheel: {error}")
    return None


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw Mikels' wheel, and the prior of a dataset's labels at the run's sigma."""
    dataset = chosen_dataset(evidence.plan, choice)
    labels = evidence.plan.truths[dataset].label_names
    sigma, neutral, whose = run_prior(evidence.plan, dataset)
    prior = prior_distributions(labels, sigma, neutral)
    first, second = ("Above", "Below") if look().narrow else ("Left", "Right")
    caption = (
        f"{first}: Mikels' wheel; the distance of two emotions is the number of steps round it. "
        f"{second}: the prior of every label of {dataset} (rows) at sigma {sigma:g}, {whose}: a "
        f"distribution that falls off with the distance."
    )
    if NEUTRAL in (label.strip().lower() for label in labels):
        caption += f" {_NEUTRAL_LIES[neutral]}"
    data = pd.DataFrame(prior, columns=list(labels))
    data.insert(0, "label", labels)
    return Drawing(f"wheel-{dataset}", draw(labels, prior), data, caption)


def run_prior(plan: Plan, dataset: str) -> tuple[float, str, str]:
    """Find sigma, and where neutral lies, of the run's first network with a wheel; tell whose."""
    for name in plan.models_of(dataset):
        params = plan.models[name]["params"]
        if params.get("wheel") == "prior":
            sigma = params["sigma"]
            known = plan.truths[dataset].sigma if sigma == "data" else sigma
            if known is not None:
                return float(known), params.get("neutral", "isolated"), f"that of {name}"
    return _SIGMA, "isolated", "that of the paper"


@styled
def draw(labels: tuple[str, ...], prior: FloatArray) -> Figure:
    """Draw the wheel and a prior of shape (c, c)."""
    from matplotlib.figure import Figure

    if look().narrow:
        figure = Figure(figsize=(look().width, 2.3 + 0.8 * look().width), layout="constrained")
        left, right = figure.subplots(2, 1, height_ratios=(2, 3))
    else:
        figure = Figure(figsize=(look().width, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    _draw_circle(left)
    texts = [[_share(value) for value in row] for row in prior]
    names = shortened(labels, 14)
    heat_map(right, prior, texts, (names, names), (0.0, 1.0), "cividis_r")
    return figure


def _share(value: float) -> str:
    return f"{value:.3f}".lstrip("0") if 0.0005 <= value < 0.9995 else f"{value:.0f}"


def _draw_circle(panel: Axes) -> None:
    panel.set_aspect("equal")
    panel.set_axis_off()
    panel.set(xlim=(-1.75, 1.75), ylim=(-1.4, 1.4))
    turn = np.linspace(0, 2 * np.pi, 200)
    panel.plot(np.sin(turn), np.cos(turn), color="0.6")
    away = 1.22 if look().narrow else 1.14  # there the wheel is smaller, its dots are not
    for number, emotion in enumerate(MIKELS):
        angle = 2 * np.pi * number / len(MIKELS)
        x, y = np.sin(angle), np.cos(angle)
        panel.plot([x], [y], "o", color=colours()[0], markersize=6)
        side = "center" if abs(x) < 0.1 else "left" if x > 0 else "right"
        panel.text(away * x, away * y, plain(emotion), ha=side, va="center")
