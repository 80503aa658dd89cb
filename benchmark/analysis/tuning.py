"""What tuning chose in every fold, and what it gained over the settings as they were."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.analysis import statistics
from benchmark.analysis.scores import Results
from benchmark.columns import TUNED, TUNING
from benchmark.metrics import Measure
from benchmark.planning.plan import Plan
from benchmark.plugins.spaces import settings_text
from features.storage.files import canonical_json


def untuned(plan: Plan) -> dict[str, str]:
    """Map every tuned row to the row whose settings it tunes; those without one are left out."""
    by_settings = {
        canonical_json(described): name
        for name, described in plan.models.items()
        if "search" not in described
    }
    found = {}
    for name, described in plan.models.items():
        plain = {key: value for key, value in described.items() if key != "search"}
        partner = by_settings.get(canonical_json(plain))
        if "search" in described and partner is not None:
            found[name] = partner
    return found


def tuning_frame(plan: Plan, results: Results) -> pd.DataFrame:
    """List every configuration that was tried in every fold.

    Parameters
    ----------
    plan : Plan
        The run.
    results : mapping
        Task to stored result.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.TUNING`; empty where nothing is tuned.
    """
    rows = []
    for task in plan.tasks:
        tuning = results[task].record.get("tuning") if task in results else None
        search = plan.models[task.model].get("search")
        if not tuning or not search:
            continue
        for number, configuration in enumerate(search["configurations"]):
            scores = [np.nan if value is None else value for value in tuning["scores"][number]]
            rows.append(
                {
                    "dataset": task.dataset,
                    "model": task.model,
                    "repeat": task.repeat,
                    "fold": task.fold,
                    "configuration": number,
                    "settings": settings_text(configuration),
                    "measure": search["measure"],
                    "inner_score": float(np.mean(scores)),
                    "inner_scores": " ".join(f"{value:.10g}" for value in scores),
                    "chosen": number == tuning["chosen"],
                    "failed": tuning["failed"].get(str(number), ""),
                }
            )
    frame = pd.DataFrame(rows, columns=[name for name in TUNING if name != "times_chosen"])
    group = frame.groupby(["dataset", "model", "configuration"])["chosen"]
    frame["times_chosen"] = group.transform("sum").astype(int) if len(frame) else []
    return frame[list(TUNING)]


def tuned_frame(
    plan: Plan, summary: pd.DataFrame, pairs: pd.DataFrame, tried: pd.DataFrame, measure: Measure
) -> pd.DataFrame:
    """Put every tuned row beside the row that it tunes.

    Parameters
    ----------
    plan : Plan
        The run.
    summary, pairs : DataFrame
        What `benchmark.analysis.scores.summarise` and `benchmark.analysis.comparisons.pairwise`
        returned.
    tried : DataFrame
        What `tuning_frame` returned.
    measure : Measure
        What is compared.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.TUNED`; p-values are adjusted by Holm's method for the tuned
        rows of a dataset.
    """
    means = summary.set_index(["dataset", "model"])[measure.name]
    compared = {
        (row["dataset"], frozenset((row["model_a"], row["model_b"]))): row
        for row in pairs[pairs["measure"] == measure.name].to_dict("records")
    }
    rows = []
    for dataset in plan.truths:
        for tuned, plain in untuned(plan).items():
            row = compared.get((dataset, frozenset((tuned, plain))))
            if row is None:
                continue
            sign = 1.0 if row["model_a"] == tuned else -1.0
            ends = sorted((sign * row["low"], sign * row["high"]))
            here = tried[(tried["dataset"] == dataset) & (tried["model"] == tuned)]
            most = here[here["chosen"].astype(bool)].value_counts("settings")  # may be empty
            before = means[dataset, plain]
            rows.append(
                {
                    "dataset": dataset,
                    "model": plain,
                    "measure": measure.name,
                    "untuned": before,
                    "tuned": means[dataset, tuned],
                    "gain": sign * row["difference"],
                    "relative_gain": sign * row["difference"] / before if before else np.nan,
                    "low": ends[0],
                    "high": ends[1],
                    "p_value": row["p_value"],
                    "chosen_most": most.index[0] if len(most) else "",
                    "times_chosen": int(most.iloc[0]) if len(most) else 0,
                    "different_choices": len(most),
                    "folds": row["folds"],
                    "expected_folds": row["expected_folds"],
                }
            )
    frame = pd.DataFrame(rows, columns=[name for name in TUNED if name != "p_holm"])
    parts = [part.assign(p_holm=statistics.holm(part["p_value"].to_numpy(dtype=float)))
             for _, part in frame.groupby("dataset", sort=False)]  # fmt: skip
    whole = pd.concat(parts, ignore_index=True) if parts else frame.assign(p_holm=[])
    return whole[list(TUNED)]
