"""The wheel ablation as a table: every matrix in the wheel's place against no wheel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.assumptions import of_t_test
from benchmark.analysis.comparisons import fold_values
from benchmark.analysis.statistics import ALPHA, corrected_t_test, holm
from benchmark.analysis.ties import without_ties
from benchmark.columns import WHEEL, WHEEL_MEASURES
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME, Measure
from benchmark.planning.plan import Plan, Truth
from benchmark.tables.grid import Grid, captioned, text_cells
from benchmark.tables.options import TableOptions
from benchmark.wording import GAP, NO_TEST, p_equals, p_value, signed, value


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
        fold is missing. The test is that of `benchmark.analysis.statistics.corrected_t_test`; its
        p-values are adjusted for the variants, each of which is compared with no wheel alone.

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
    parts = []
    for dataset, truth in plan.truths.items():
        here = scores[scores["dataset"] == dataset]
        part = pd.DataFrame(
            {
                "dataset": dataset,
                "model": list(variants),
                "wheel": [params["wheel"] for params in variants.values()],
                "trained": [bool(params["wheel_trainable"]) for params in variants.values()],
                "reading": [params["reading"] for params in variants.values()],
            }
        )
        for name in WHEEL_MEASURES:
            folds = fold_values(here, truth, list(variants), BY_NAME[name])
            for column, found in _compared(folds, list(variants).index(bare[0]), truth, name):
                part[f"{name}{column}"] = found
            part["folds"] = (~np.isnan(folds)).sum(axis=0)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)[list(WHEEL)]


def _compared(folds: Any, bare: int, truth: Truth, name: str) -> list[tuple[str, Any]]:
    """Compare the columns of `folds`, shape (folds, variants), with one of them."""
    sign = 1 if BY_NAME[name].higher_is_better else -1
    # Networks that are the same function differ by the rounding of single precision.
    gains = without_ties(sign * (folds - folds[:, [bare]]))
    test = corrected_t_test(gains, truth.folds.test_to_train)
    p = np.where(np.arange(gains.shape[1]) == bare, np.nan, test.p_value)
    mean = folds.mean(axis=0)
    return [
        ("", mean), ("_gain", gains.mean(axis=0)), ("_without", np.full(len(mean), mean[bare])),
        ("_low", test.low), ("_high", test.high), ("_p", p), ("_p_holm", holm(p)),
        ("_folds_won", (gains > 0).sum(axis=0)),
    ]  # fmt: skip


def wheel_grid(table: pd.DataFrame, notes: list[str], options: TableOptions | None = None) -> Grid:
    """Write the cells; gains carry their sign."""
    options = options or TableOptions()
    rows = []
    for row in table.to_dict("records"):
        texts = [row["dataset"], row["model"]]
        for name in WHEEL_MEASURES:
            measure = options.shown(BY_NAME[name])
            texts.append(value(row[name], measure))
            gain = row[f"{name}_gain"]
            if row["wheel"] == "none":
                texts += [""] * 3
            elif pd.isna(gain):
                texts += [GAP] * 3
            else:
                won = f" ({row[f'{name}_folds_won']}/{row['folds']})"
                texts += [f"{signed(gain, measure)}{won}", *_tested(row, measure)]
        rows.append(text_cells(texts))
    of_measure = ["gain (folds won)", "95 % interval", "p (Holm)"]
    grid = Grid(
        caption="Does the wheel help? Each matrix W against no wheel, on the same folds",
        headers=["Dataset", "W", "Accuracy %", *of_measure, "KLdiv", *of_measure],
        names=2,
        cells=rows,
        notes=[
            *_verdicts(table),
            "Gain over the network without a wheel, mean over folds, positive is better; in "
            "parentheses the folds in which it is better. p-values are adjusted for the variants "
            f"of a dataset and measure, each against no wheel; * significant at {ALPHA:g}.",
            of_t_test(()),
            *notes,
        ],
        legend=[
            "Gain: over the network without a wheel, mean over the folds, positive is better; in "
            "parentheses the folds in which it is better. Corrected resampled t-test over the "
            f"folds, adjusted by Holm's method; * significant at {ALPHA:g}.",
        ],
        name="wheel",
    )
    return captioned([grid], options)[0]


def _tested(row: dict[Any, Any], measure: Measure) -> list[str]:
    low, high, p = (row[f"{measure.name}{ending}"] for ending in ("_low", "_high", "_p_holm"))
    if np.isnan(p):
        return [GAP, NO_TEST]
    star = " *" if p < ALPHA else ""
    return [f"{signed(low, measure)} to {signed(high, measure)}", p_value(p) + star]


def _verdicts(table: pd.DataFrame) -> list[str]:
    """Say of each dataset what the wheel as published costs or gains beside no wheel."""
    sentences = []
    published = (table["wheel"] == "prior") & ~table["trained"] & (table["reading"] == "mixture")
    for row in table[published].to_dict("records"):
        for name in reversed(WHEEL_MEASURES):
            measure, gain, p = BY_NAME[name], row[f"{name}_gain"], row[f"{name}_p_holm"]
            if np.isnan(gain):
                continue
            size = signed(abs(gain), measure).lstrip("+")
            unit = " points" if measure.factor == 100 else ""
            verdict = f"the wheel {'costs' if gain < 0 else 'gains'} {size}{unit}"
            if np.isnan(p):
                said = f"{verdict}, without a test" if gain else "the wheel changes nothing"
            else:
                low, high = (signed(row[f"{name}{end}"], measure) for end in ("_low", "_high"))
                proof = "significant" if p < ALPHA else "not significant"
                said = f"{verdict} (gain {low} to {high}, {p_equals(p)}, {proof})"
            sentences.append(
                f"{row['dataset']}, {row['model']}: {measure.title} is "
                f"{value(row[name], measure)} with the wheel as published and "
                f"{value(row[f'{name}_without'], measure)} without one: {said}."
            )
    return sentences
