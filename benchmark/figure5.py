"""Figure 5: how the width sigma of the wheel's prior matters on a set of single labels."""

from __future__ import annotations

import io

import pandas as pd

from benchmark.errors import UsageError
from benchmark.store import Plan

# Blue and orange of Okabe and Ito (2008), which colour-blind people tell apart; marker and line
# style differ as well, for print in grey.
_STYLES = {
    "accuracy": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "kl_divergence": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
}


def sigma_curve(plan: Plan, summary: pd.DataFrame) -> pd.DataFrame:
    """Collect accuracy and KL divergence at every sigma.

    Parameters
    ----------
    plan : Plan
        A run on datasets whose single labels were spread with different sigma.
    summary : DataFrame
        What `benchmark.tables.summarise` returned.

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


def draw_sigma_curve(curve: pd.DataFrame, file_format: str) -> bytes:
    """Draw accuracy and KL divergence over sigma, one panel each, with deviations over folds.

    Parameters
    ----------
    curve : DataFrame
        What `sigma_curve` returned.
    file_format : {"pdf", "svg", "png"}
        Of the returned file.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 5.2), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    titles = {"accuracy": ("Accuracy (%)", 100), "kl_divergence": ("KL divergence", 1)}
    models = list(curve["model"].unique())
    for panel, (measure, (title, factor)) in zip(panels, titles.items(), strict=True):
        for number, model in enumerate(models):
            mine = curve[curve["model"] == model]
            panel.errorbar(
                mine["sigma"],
                mine[measure] * factor,
                yerr=mine[f"{measure}_std"] * factor,
                label=model,
                capsize=3,
                alpha=1 - 0.6 * number / len(models),
                **_STYLES[measure],
            )
        panel.set_ylabel(title)
        panel.grid(alpha=0.3)
    if len(models) > 1:
        panels[0].legend()
    folds = "bars: deviation over folds"
    panels[0].set_title(f"{', '.join(models)} at every width of the prior ({folds})", fontsize=9)
    panels[-1].set_xlabel("sigma (steps on the wheel)")
    buffer = io.BytesIO()
    # No date in the file: the same numbers give the same bytes.
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}[file_format]
    with rc_context({"svg.hashsalt": "figure5"}):
        figure.savefig(buffer, format=file_format, dpi=200, metadata=metadata)
    return buffer.getvalue()
