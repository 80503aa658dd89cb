"""Every measure fold by fold: how much models differ, and how much folds do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.analysis.reference import MEAN, ORACLE
from benchmark.figures.base import (
    Drawing,
    colours,
    directed,
    far_out,
    name_limit,
    shortened,
    small_type,
    styled,
)
from benchmark.figures.choice import Choice, chosen_dataset, chosen_measure, complete_models
from benchmark.figures.look import look
from benchmark.metrics import Measure
from benchmark.wording import listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence

# With more folds than this, boxes are drawn without dots for the folds.
_MOST_POINTS = 30


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw box plots over folds, one panel per measure."""
    dataset = chosen_dataset(evidence.plan, choice)
    models, remark = complete_models(evidence, choice)
    measures = [chosen_measure(choice, evidence)] if choice.measure else list(evidence.measures)
    measures, cut_off = _on_a_page(measures, len(models))
    values = fold_scores(evidence.scores, dataset, [*models, MEAN, ORACLE], measures)
    figure, cut = draw(values, models, measures)
    count = int(values.groupby(["model", "measure"]).size().max())
    caption = (
        f"Values of {count} test folds of {dataset}: boxes from the lower to the upper quartile "
        f"with the median, whiskers to the farthest fold within 1.5 times the box; "
        + ("dots are the folds. " if count <= _MOST_POINTS else "")
        + "Arrows point to where better is. Lines: the mean training distribution (dashed)"
        + (" and the oracle (dotted)." if ORACLE in set(values["model"]) else ".")
        + " Folds share training rows, so that boxes apart are no test."
    )
    extra = (
        [f"Outside, with the median, so that the others can be told apart: {cut}."] if cut else []
    )
    caption = " ".join([caption, *extra, *filter(None, (remark, cut_off))])
    return Drawing(f"boxes-{dataset}", figure, values, caption)


def fold_scores(
    scores: pd.DataFrame, dataset: str, models: list[str], measures: list[Measure]
) -> pd.DataFrame:
    """Take the values of models out of a run's scores.

    Returns
    -------
    DataFrame
        Columns model, measure, repeat, fold, value.
    """
    names = [measure.name for measure in measures]
    here = scores[
        (scores["dataset"] == dataset)
        & scores["model"].isin(models)
        & scores["measure"].isin(names)
    ]
    return here[["model", "measure", "repeat", "fold", "value"]].reset_index(drop=True)


def _columns() -> int:
    return max(1, min(4, int(look().width / 1.7)))


def _panel_height(models: int) -> float:
    return 0.5 + (0.13 if look().narrow else 0.17) * models


def _on_a_page(measures: list[Measure], models: int) -> tuple[list[Measure], str]:
    """Return the measures for which a printed page is high enough, and a sentence on the others."""
    rows = (look().tallest - 0.3) / _panel_height(models)
    room = len(measures) if math.isinf(rows) else max(1, int(rows)) * _columns()
    left = [measure.title.removesuffix(" %") for measure in measures[room:]]
    named = listed(left).removesuffix(".")
    return measures[:room], f"Left out, since the page is not high enough: {named}." if left else ""


@styled
def draw(values: pd.DataFrame, models: list[str], measures: list[Measure]) -> tuple[Figure, str]:
    """Draw what `fold_scores` returned; tell which models are outside of which panels."""
    from matplotlib.figure import Figure

    columns = min(_columns(), len(measures))
    rows = -(-len(measures) // columns)
    height = rows * _panel_height(len(models))
    figure = Figure(figsize=(look().width, height + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    outside: dict[str, list[str]] = {}
    for panel, measure in zip(panels.flat, measures, strict=False):
        mine = values[values["measure"] == measure.name]
        of = {
            str(name): part["value"].to_numpy() * measure.factor
            for name, part in mine.groupby("model")
        }
        for name in _draw_measure(panel, of, models):
            outside.setdefault(name, []).append(measure.title.removesuffix(" %"))
        panel.set_title(directed(measure))
    for panel in panels.flat[len(measures) :]:
        panel.set_axis_off()
    panels[0, 0].set_yticks(range(len(models)), shortened(models, name_limit()))
    panels[0, 0].set_ylim(len(models) - 0.5, -0.5)
    return figure, "; ".join(f"{name} in {', '.join(of)}" for name, of in outside.items())


def _draw_measure(panel: Axes, of: dict[str, np.ndarray], models: list[str]) -> list[str]:
    """Draw one panel; return the models that it leaves outside."""
    medians = np.array([np.median(of[name]) for name in models])
    far = far_out(medians, medians)
    panel.boxplot(
        [of[name] for name in models],
        positions=range(len(models)),
        orientation="horizontal",
        widths=0.6,
        showfliers=len(of[models[0]]) > _MOST_POINTS,
        manage_ticks=False,
        boxprops={"linewidth": 0.8},
        medianprops={"color": "black", "linewidth": 1.6},
        flierprops={"marker": ".", "markersize": 2},
    )
    for place, name in enumerate(models):
        if len(of[name]) <= _MOST_POINTS:
            panel.plot(
                of[name], np.full(len(of[name]), place), ".", color=colours()[0], markersize=3,
                alpha=0.7, zorder=3,
            )  # fmt: skip
    lines = [of[name].mean() for name in (MEAN, ORACLE) if name in of]
    for value, style in zip(lines, ("--", ":"), strict=False):
        panel.axvline(value, color="0.35", linestyle=style, linewidth=0.9)
    if far.any():
        inside = np.concatenate(
            [of[name] for name, out in zip(models, far, strict=True) if not out]
        )
        ends = np.append(inside, lines)
        margin = 0.05 * (ends.max() - ends.min())
        far &= (medians < ends.min()) | (
            medians > ends.max()
        )  # the others are within the axis anyway
        panel.set_xlim(ends.min() - margin, ends.max() + margin)
        for place in map(int, np.flatnonzero(far)):
            above, text = medians[place] > ends.max(), f"{medians[place]:.3g}"
            panel.text(
                0.97 if above else 0.03, place, f"{text} →" if above else f"← {text}",
                bbox={"facecolor": "white", "lw": 0, "pad": 1},
                transform=panel.get_yaxis_transform(), va="center",
                ha="right" if above else "left", fontsize=small_type(),
            )  # fmt: skip
    panel.grid(axis="x")
    panel.tick_params(axis="y", length=0)
    panel.locator_params(axis="x", nbins=3 if look().narrow else 4)
    return [name for name, out in zip(models, far, strict=True) if out]
