"""Figures 1 and 4: sample instances with their true and their predicted distributions."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmark.analysis.instances import values_of
from benchmark.analysis.samples import (
    IN_FIGURE_1,
    IN_FIGURE_4,
    choose_samples,
    entropy,
    figure_models,
)
from benchmark.figures.base import (
    Drawing,
    legend_columns,
    model_style,
    plain,
    shortened,
    small_type,
    styled,
)
from benchmark.figures.choice import Choice, chosen_dataset, complete_models
from benchmark.figures.look import look
from benchmark.metrics import MEASURES
from benchmark.planning.plan import Truth
from benchmark.wording import count, rounded
from features.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence

#: What the true distribution is called in the data.
TRUE = "true"

#: A sample has no more bars than this.
MOST_LABELS = 40

_KL = next(measure for measure in MEASURES if measure.name == "kl_divergence")


def sample_shares(
    truth: Truth, rows: Sequence[int], predicted: Mapping[str, FloatArray]
) -> pd.DataFrame:
    """Collect the true shares of rows, then those that models predicted.

    Returns
    -------
    DataFrame
        Columns row, id, model (`TRUE` first), label, share, kl_divergence (of the prediction).
    """
    parts = []
    for row in rows:
        for name, P in {TRUE: truth.D, **predicted}.items():
            divergence = np.nan if name == TRUE else _KL.function(truth.D[[row]], P[[row]])[0]
            parts.append(
                pd.DataFrame(
                    {
                        "row": row,
                        "id": truth.ids[row],
                        "model": name,
                        "label": truth.label_names,
                        "share": P[row],
                        "kl_divergence": divergence,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def with_most(shares: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Leave out labels with little of any share where there are more than there is room for.

    Returns
    -------
    shares : DataFrame
        What is drawn of what `sample_shares` returned: `MOST_LABELS` labels in their order.
    remark : str
        Says so; empty where all are drawn.
    """
    largest = shares.groupby("label", sort=False)["share"].max()
    if len(largest) <= MOST_LABELS:
        return shares, ""
    kept = set(largest.sort_values(ascending=False, kind="stable").index[:MOST_LABELS])
    remark = (
        f" Of {len(largest):,} labels those {MOST_LABELS} are drawn that have the largest share "
        f"anywhere here."
    )
    return shares[shares["label"].isin(kept)], remark


def make_true(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw Figure 1: samples with their true distributions."""
    dataset = chosen_dataset(evidence.plan, choice)
    truth, pictures = evidence.plan.truths[dataset], evidence.thumbnails(dataset)
    rows = choose_samples(entropy(truth.D), _beside(IN_FIGURE_1, 1.1), pictures)
    shares = sample_shares(truth, rows, {})
    rule = _rule(len(rows), "the entropy of the true", pictures)
    drawn, remark = with_most(shares)
    caption = (
        f"{len(rows)} of {count(len(truth.D), 'instance')} of {dataset} with their true "
        f"distributions: bars are the shares of the labels. {rule} "
        f"So the first has a clear label and the last is the most mixed.{remark}"
    )
    return Drawing(f"figure1-{dataset}", draw(drawn, pictures, []), shares, caption)


def make_predicted(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw Figure 4: samples with their true distributions and what models predicted."""
    dataset = chosen_dataset(evidence.plan, choice)
    truth, pictures = evidence.plan.truths[dataset], evidence.thumbnails(dataset)
    models, remark = complete_models(evidence, choice)
    if not choice.models:
        models = figure_models(evidence.summary, dataset)
    predicted = evidence.predictions(dataset)
    rows = choose_samples(
        values_of(truth.D, predicted[models[0]], _KL), _beside(IN_FIGURE_4, 1.5), pictures
    )
    shares = sample_shares(truth, rows, {name: predicted[name] for name in models})
    what = f"the KL divergence of {models[0]} from the true"
    repeat = " in the first repeat" if truth.folds.n_repeats > 1 else ""
    drawn, left_out = with_most(shares)
    caption = (
        f"{len(rows)} of {count(len(truth.D), 'instance')} of {dataset}: bars are the true shares "
        f"of the labels, markers those that models predicted{repeat}, each when the instance was "
        f"in the test fold; below are their KL divergences (lower is better). "
        f"{_rule(len(rows), what, pictures)} {remark}"
    ).strip() + left_out
    figure = draw(drawn, pictures, list(evidence.plan.models))
    return Drawing(f"figure4-{dataset}", figure, shares, caption)


def _beside(samples: int, inches: float) -> int:
    """Return how many of the samples there is room for beside each other."""
    return min(samples, max(1, int(look().width / inches)))


def _letters(samples: int) -> int:
    """Return how many letters of the smallest type are as wide as one of the samples."""
    return int((look().width - 0.9) / samples / 0.062)


def _rule(count: int, what: str, pictures: Collection[int]) -> str:
    """Say how the samples were chosen."""
    quantiles = ", ".join(f"{100 * (2 * i + 1) / (2 * count):.3g} %" for i in range(count))
    nearest = ", the nearest of which there is a picture" if pictures else ""
    return (
        f"Chosen by rule: ordered by {what} distribution (ties by row number), those at the "
        f"quantiles {quantiles}{nearest}, from left to right."
    )


@styled
def draw(shares: pd.DataFrame, pictures: Mapping[int, bytes], names: Sequence[str]) -> Figure:
    """Draw samples side by side, each with its picture above.

    Parameters
    ----------
    shares : DataFrame
        What `sample_shares` returned.
    pictures : mapping of int to bytes
        Row to an encoded picture; without any, there is no place for them.
    names : sequence of str
        Models in the order that gives them their styles.
    """
    from matplotlib.figure import Figure

    samples = list(shares.groupby("row", sort=False))
    models = [name for name in shares["model"].unique() if name != TRUE]
    labels = list(shares["label"].iloc[: len(samples[0][1]) // (1 + len(models))])
    pitch = min(max(0.15, 0.07 * len(models)), 8 / len(labels))
    heights = [pitch * len(labels)]
    if pictures:
        heights = [0.9 * (look().width - 0.8) / len(samples), *heights]
    extra = 0.6 + 0.13 * (1 + len(models)) + (0.3 if models else 0)
    figure = Figure(figsize=(look().width, sum(heights) + extra), layout="constrained")
    grid = figure.subplots(
        len(heights), len(samples), squeeze=False, sharey="row", height_ratios=heights
    )
    handles: list[Any] = []
    titles = shortened([str(part["id"].iloc[0]) for _, part in samples], _letters(len(samples)))
    for column, (row, part) in enumerate(samples):
        grid[0, column].set_title(titles[column], fontsize=small_type())
        if pictures:
            _show(grid[0, column], pictures.get(int(str(row))))
        handles = _bars(grid[-1, column], part, models, names, _letters(len(samples)) - 8)
    first = grid[-1, 0]
    first.set_yticks(range(len(labels)), shortened(labels, 24))
    first.set_ylim(len(labels) - 0.5, -0.5)
    top = (1.12 if models else 1.45) * shares["share"].max()  # room for the numbers behind the bars
    for panel in grid[-1]:
        panel.set_xlim(0, top)
    if models:
        shown = shortened(["true distribution", *models], 40)
        figure.legend(handles, shown, loc="outside upper center", ncols=legend_columns(shown))
    return figure


def _show(panel: Axes, picture: bytes | None) -> None:
    from PIL import Image

    panel.set_axis_off()
    if picture is None:
        panel.text(0.5, 0.5, "no picture", ha="center", va="center", transform=panel.transAxes)
        return
    with Image.open(io.BytesIO(picture)) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    height, width = pixels.shape[:2]
    # Panels of a row share their vertical axis, whatever the shape of the picture.
    panel.imshow(pixels, extent=(0, width / height, 1, 0), aspect="equal")


def _bars(
    panel: Axes, part: pd.DataFrame, models: Sequence[str], names: Sequence[str], room: int
) -> list[Any]:
    """Draw one sample's shares; return what the legend explains."""
    true = part[part["model"] == TRUE]["share"].to_numpy()
    places = np.arange(len(true))
    handles: list[Any] = [
        panel.barh(places, true, height=0.8, color="0.82", edgecolor="0.35", linewidth=0.5)
    ]
    lines = ["share"]
    offsets = np.linspace(-0.28, 0.28, len(models)) if len(models) > 1 else [0.0]
    called = shortened(models, room)
    for model, offset, short in zip(models, offsets, called, strict=False):
        mine = part[part["model"] == model]
        style = model_style(names, model)
        panel.hlines(places + offset, 0, mine["share"], color=style["color"], linewidth=0.8)
        points = panel.plot(
            mine["share"], places + offset, color=style["color"], marker=style["marker"],
            markersize=3.5, linestyle="none",
        )  # fmt: skip
        handles += points
        lines.append(f"{rounded(mine['kl_divergence'].iloc[0], 3)}  {short}")
    if models:
        lines[0] = "share;  KL:" if look().narrow else "share;  KL divergence:"
    panel.set_xlabel("\n".join(lines), fontsize=small_type(), loc="left")
    if not models:
        for place, share in zip(places, true, strict=True):
            panel.text(
                share, float(place), plain(f" {share:.2f}"), va="center", fontsize=small_type()
            )
    panel.tick_params(axis="y", length=0)
    return handles
