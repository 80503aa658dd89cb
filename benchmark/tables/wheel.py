"""The wheel ablation as a table: every matrix in the wheel's place against no wheel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.ties import without_ties
from benchmark.columns import WHEEL, WHEEL_MEASURES
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME
from benchmark.planning.plan import Plan
from benchmark.tables.grid import Grid, text_cells
from benchmark.wording import signed, value


def wheel_table(plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """Compare each variant of EW-MTCNN with the one that has no wheel, fold by fold.

    Parameters
    ----------
    plan : Plan
        A run with at least one model whose setting ``wheel`` is ``"none"``.
    scores : DataFrame
        What `benchmark.analysis.scores.scores_frame` returned.

    Returns
    -------
    DataFrame
        One row per dataset and variant, columns `benchmark.columns.WHEEL`; missing values where a
        fold is missing.

    Raises
    ------
    UsageError
        The run has no such models.
    """
    variants = {name: model["params"] for name, model in plan.models.items()
                if "wheel" in model["params"]}  # fmt: skip
    bare = [name for name, params in variants.items() if params["wheel"] == "none"]
    if not bare:
        raise UsageError(
            "this run has no network without a wheel to compare with; "
            "make one with: ldl-benchmark run --protocol wheel --dataset NAME"
        )
    rows = []
    for dataset, truth in plan.truths.items():
        expected = truth.folds.n_folds * truth.folds.n_repeats
        here = scores[scores["dataset"] == dataset]
        per_fold = {
            measure: here[here["measure"] == measure].pivot_table(
                index=["repeat", "fold"], columns="model", values="value"
            )
            for measure in WHEEL_MEASURES
        }
        for name, params in variants.items():
            row: dict[str, Any] = {
                "dataset": dataset,
                "model": name,
                "wheel": params["wheel"],
                "trained": bool(params["wheel_trainable"]),
                "reading": params["reading"],
            }
            folds = 0
            for measure in WHEEL_MEASURES:
                sign = 1 if BY_NAME[measure].higher_is_better else -1
                mine, without = (per_fold[measure].get(model) for model in (name, bare[0]))
                if mine is None or without is None:
                    mine = without = pd.Series(dtype=float)
                folds = int(mine.count())
                # Networks that are the same function differ by the rounding of single precision.
                gain = without_ties((sign * (mine - without)).to_numpy(dtype=np.float64))
                whole = folds == expected
                row[measure] = mine.mean() if whole else float("nan")
                row[f"{measure}_gain"] = gain.mean() if whole else float("nan")
                row[f"{measure}_folds_won"] = int((gain > 0).sum())
            rows.append({**row, "folds": folds})
    return pd.DataFrame(rows, columns=list(WHEEL))


def wheel_grid(table: pd.DataFrame, notes: list[str]) -> Grid:
    """Write the cells; gains carry their sign."""
    rows = []
    for row in table.to_dict("records"):
        bare = row["wheel"] == "none"
        texts = [row["dataset"], row["model"]]
        for name in WHEEL_MEASURES:
            measure, gain = BY_NAME[name], row[f"{name}_gain"]
            won = f" ({row[f'{name}_folds_won']}/{row['folds']})"
            texts.append(value(row[name], measure))
            texts.append("" if bare or pd.isna(gain) else f"{signed(gain, measure)}{won}")
        rows.append(text_cells(texts))
    return Grid(
        caption="Does the wheel help? Each matrix W against no wheel, on the same folds",
        headers=["Dataset", "W", "Accuracy %", "gain (folds won)", "KLdiv", "gain (folds won)"],
        names=2,
        cells=rows,
        notes=[
            "Gain over the network without a wheel, mean over folds, positive is better; in "
            "parentheses the folds in which it is better. Folds share training rows: a gain is "
            "no evidence by itself.",
            *notes,
        ],
    )
