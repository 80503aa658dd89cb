"""Figure 5: how the width sigma of the wheel's prior matters on a set of single labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.errors import UsageError
from benchmark.figures.base import (
    WIDTH,
    Choice,
    Drawing,
    chosen_models,
    left_out,
    legend_columns,
    model_style,
    shortened,
    styled,
)
from benchmark.metrics import BY_NAME
from benchmark.planning.plan import Plan
from benchmark.wording import value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Measure to what its axis says and what it is multiplied by.
_AXES = {"accuracy": "Accuracy % ↑", "kl_divergence": "KL divergence ↓"}


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw Figure 5 of a run on one dataset with several sigma.

    Raises
    ------
    UsageError
        As `sigma_curve`, or no model has all of its folds at two of them.
    """
    curve = sigma_curve(evidence.plan, evidence.summary)
    if choice.models:
        known = chosen_models(evidence, choice, curve["dataset"].iloc[0])
        curve = curve[curve["model"].isin(known)]
    whole = curve[curve["accuracy"].notna()].groupby("model").filter(lambda part: len(part) > 1)
    missing = curve.drop(whole.index)
    if whole.empty:
        raise UsageError(
            "no model has all of its folds at two widths; "
            "the same run command computes what is missing"
        )
    models = list(whole["model"].unique())
    best = []
    for model in models:
        mine = whole[whole["model"] == model]
        high, low = (
            mine.loc[i] for i in (mine["accuracy"].idxmax(), mine["kl_divergence"].idxmin())
        )
        most = value(high["accuracy"], BY_NAME["accuracy"])
        least = value(low["kl_divergence"], BY_NAME["kl_divergence"])
        best.append(
            f"{model}: highest accuracy {most} % at sigma {high['sigma']:g}, "
            f"lowest KL divergence {least} at sigma {low['sigma']:g}."
        )
    remark = left_out(f"{row.model} at sigma {row.sigma:g}" for row in missing.itertuples())
    caption = " ".join(
        [
            "Accuracy (higher is better) and KL divergence (lower is better) at every width sigma "
            "of the emotion wheel's prior. Bars show the standard deviation over folds. At each "
            "width the distributions to be predicted are others, so KL divergences of different "
            "widths are of different tasks.",
            *best,
            *([remark] if remark else []),
        ]
    )
    return Drawing("figure5", draw_sigma_curve(whole), whole.reset_index(drop=True), caption)


def sigma_curve(plan: Plan, summary: pd.DataFrame) -> pd.DataFrame:
    """Collect accuracy and KL divergence at every sigma.

    Parameters
    ----------
    plan : Plan
        A run on datasets whose single labels were spread with different sigma.
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.

    Returns
    -------
    DataFrame
        Columns model, sigma, dataset, accuracy (a share), accuracy_std, kl_divergence,
        kl_divergence_std over folds; one row per model and sigma, in the order of sigma.

    Raises
    ------
    UsageError
        Fewer than two of the run's datasets have a sigma.
    """
    sigmas = {name: t.sigma for name, t in plan.truths.items() if t.sigma is not None}
    if len(sigmas) < 2:
        raise UsageError(
            "this run has not two datasets whose labels were spread with a sigma; "
            "make one with: python -m benchmark run --protocol figure5 --data-dir DIR"
        )
    rows = summary[summary["dataset"].isin(sigmas.keys()) & (summary["kind"] == "model")].copy()
    rows["sigma"] = rows["dataset"].map(sigmas)
    columns = ["model", "sigma", "dataset", "accuracy", "accuracy_std", "kl_divergence",
               "kl_divergence_std"]  # fmt: skip
    return rows[columns].sort_values(["model", "sigma"], kind="stable").reset_index(drop=True)


@styled
def draw_sigma_curve(curve: pd.DataFrame) -> Figure:
    """Draw accuracy and KL divergence over sigma, one panel each, with deviations over folds.

    Parameters
    ----------
    curve : DataFrame
        What `sigma_curve` returned.
    """
    from matplotlib.figure import Figure

    models = list(curve["model"].unique())
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    handles = []
    for panel, (measure, title) in zip(panels, _AXES.items(), strict=True):
        factor = BY_NAME[measure].factor
        handles = [
            panel.errorbar(
                mine["sigma"],
                mine[measure] * factor,
                yerr=mine[f"{measure}_std"] * factor,
                capsize=2,
                elinewidth=0.8,
                **model_style(models, str(model)),
            )
            for model, mine in curve.groupby("model", sort=False)
        ]
        panel.set(title=title, xlabel="sigma (steps on the wheel)")
        panel.grid()
    names = shortened(models, 40)
    figure.legend(handles, names, loc="outside upper center", ncols=legend_columns(names))
    return figure
