"""Figure 5: accuracy and KL divergence over sigma, the width of the wheel's prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.ties import levelled
from benchmark.figures.base import Drawing, legend_columns, model_style, shortened, styled
from benchmark.figures.choice import Choice, NotShown, left_out, not_run
from benchmark.figures.look import look
from benchmark.metrics import BY_NAME
from benchmark.planning.plan import Plan
from benchmark.wording import value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Measure to the title of its axis.
_AXES = {"accuracy": "Accuracy % ↑", "kl_divergence": "KL divergence ↓"}


def no_curve(evidence: Evidence, choice: Choice) -> NotShown | None:
    """Return the reason if the run has no two sigma, or no model with all folds at two of them."""
    plan = evidence.plan
    spread = [name for name, truth in plan.truths.items() if truth.sigma is not None]
    if len(spread) < 2:
        return NotShown(
            "this run has not two datasets whose labels were spread with a sigma; "
            "make one with: ldl-benchmark run --protocol figure5 --data-dir DIR"
        )
    if absent := not_run(
        choice,
        [model for name in spread for model in plan.models_of(name)],
        "on a dataset whose labels were spread with a sigma",
    ):
        return absent
    if len(_whole(_curve(evidence, choice))):
        return None
    return NotShown(
        "no model has all of its folds at two widths; the same run command computes what is missing"
    )


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw Figure 5 of a run on one dataset with several sigma."""
    curve = _curve(evidence, choice)
    whole = _whole(curve)
    missing = curve.drop(whole.index)
    models = list(whole["model"].unique())
    best = []
    for model in models:
        mine = whole[whole["model"] == model]
        high = mine.iloc[int(levelled(mine["accuracy"]).argmax())]
        low = mine.iloc[int(levelled(mine["kl_divergence"]).argmin())]
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


def _curve(evidence: Evidence, choice: Choice) -> pd.DataFrame:
    shown = evidence.including(*(BY_NAME[name] for name in _AXES))
    curve = sigma_curve(evidence.plan, shown.summary)
    return curve[curve["model"].isin(choice.models)] if choice.models else curve


def _whole(curve: pd.DataFrame) -> pd.DataFrame:
    """Take what can be drawn as a line: models with all of their folds at two sigma or more."""
    return curve[curve["accuracy"].notna()].groupby("model").filter(lambda part: len(part) > 1)


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
    """
    sigmas = {name: t.sigma for name, t in plan.truths.items() if t.sigma is not None}
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
    figure = Figure(figsize=(look().width, 3.0 * (1 + look().narrow)), layout="constrained")
    panels = figure.subplots(*((2, 1) if look().narrow else (1, 2)), sharex=True)
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
