"""Time against quality: what a better prediction costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.analysis.reference import MEAN
from benchmark.analysis.scores import Results
from benchmark.analysis.ties import levelled
from benchmark.figures.base import (
    Drawing,
    directed,
    far_out,
    legend_columns,
    legend_height,
    model_style,
    shortened,
    styled,
)
from benchmark.figures.choice import Choice, chosen_dataset, chosen_measure, complete_models
from benchmark.figures.look import look
from benchmark.metrics import Measure
from benchmark.wording import value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw seconds per fold against a measure, by default the KL divergence."""
    dataset = chosen_dataset(evidence.plan, choice)
    measure = chosen_measure(choice, evidence)
    models, remark = complete_models(evidence, choice)
    rows = evidence.summary[evidence.summary["dataset"] == dataset].set_index("model")
    data = costs(evidence.results, dataset, rows.loc[models, measure.name], measure)
    mean = float(rows[measure.name].to_dict()[MEAN])
    figure, outside = draw(data, mean, measure, list(evidence.plan.models))
    caption = (
        f"Mean time to learn from and predict a fold of {dataset} (without making features, on a "
        f"logarithmic axis) against {measure.title}, "
        f"{'higher' if measure.higher_is_better else 'lower'} is better. Models on the stepped "
        f"line are not beaten in both: whatever is better takes longer. Dashed: the mean training "
        f"distribution, which looks at no instance."
    )
    values = data.set_index("model")["value"].to_dict()
    far = ", ".join(f"{name} ({value(values[name], measure)})" for name in outside)
    extra = [f"Outside the panel: {far}."] if outside else []
    caption = " ".join([caption, *extra, *([remark] if remark else [])])
    return Drawing(f"cost-{dataset}", figure, data, caption)


def costs(
    results: Results, dataset: str, means: pd.Series[float], measure: Measure
) -> pd.DataFrame:
    """Collect time and quality of models on a dataset.

    Parameters
    ----------
    results : mapping
        Task to stored result.
    dataset : str
        Its name.
    means : Series
        Mean of the measure, by model.
    measure : Measure

    Returns
    -------
    DataFrame
        Columns model, seconds (to learn and predict, mean per fold), value, and front: whether no
        model is at least as good and as quick, and better in one of them.
    """
    models = list(map(str, means.index))
    spent: dict[str, list[float]] = {name: [] for name in models}
    for task, result in results.items():
        if task.dataset == dataset and task.model in spent:
            record = result.record
            spent[task.model].append(record["fit_seconds"] + record["predict_seconds"])
    data = pd.DataFrame(
        {
            "model": models,
            "seconds": [float(np.mean(spent[name])) for name in models],
            "value": means.to_numpy(),
        }
    )
    quality = pd.Series(levelled(data["value"] if measure.higher_is_better else -data["value"]))
    data["front"] = [
        not (
            (data["seconds"] <= t) & (quality >= q) & ((data["seconds"] < t) | (quality > q))
        ).any()
        for t, q in zip(data["seconds"], quality, strict=True)
    ]
    return data


def _between_decades(span: float) -> Callable[[float, float], str]:
    """Make a formatter of the ticks between powers of ten: the more decades, the fewer numbers."""
    digits = "123456789" if span < 10 else "25" if span < 1e4 else ""
    return lambda x, _: f"{x:g}" if f"{x:e}"[0] in digits else ""


@styled
def draw(
    data: pd.DataFrame, mean: float, measure: Measure, names: list[str]
) -> tuple[Figure, list[str]]:
    """Draw what `costs` returned; tell which models are outside the panel.

    `names` give models their styles.
    """
    from matplotlib.figure import Figure

    factor = measure.factor
    values = data["value"].to_numpy() * factor
    far = far_out(values, values)
    shown = [str(name) for name in data["model"][~far]]
    labels = shortened(shown, 40)
    figure = Figure(figsize=(look().width, 3.2 + legend_height(labels)), layout="constrained")
    panel = figure.subplots()
    panel.set_xscale("log")
    handles = []
    columns = (data["model"], data["seconds"].to_numpy(), values, far)
    for name, seconds, quality, outside in zip(*columns, strict=True):
        if outside:
            continue
        style = {**model_style(names, str(name)), "linestyle": "none", "markersize": 7}
        handles += panel.plot([seconds], [quality], **style)
    front = data[data["front"] & ~far].sort_values("seconds")
    panel.step(front["seconds"], front["value"] * factor, where="post", color="0.4", zorder=0)
    panel.axhline(mean * factor, color="0.35", linestyle="--", linewidth=0.9)
    panel.set(xlabel="seconds per fold", ylabel=directed(measure))
    panel.xaxis.set_major_formatter("{x:g}")  # exponents would be too small to read
    low, high = panel.get_xlim()
    panel.xaxis.set_minor_formatter(_between_decades(high / low))
    panel.grid()
    figure.legend(handles, labels, loc="outside upper center", ncols=legend_columns(labels))
    return figure, [str(name) for name in data["model"][far]]
