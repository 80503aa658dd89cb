"""Which instances stand for a dataset: those of Figures 1 and 4, and those that a report shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from benchmark.analysis.instances import predictions_of, values_of
from benchmark.analysis.scores import Results
from benchmark.metrics import BY_NAME
from benchmark.planning.plan import Plan
from features.arrays import FloatArray

#: Number of samples in Figures 1 and 4.
IN_FIGURE_1, IN_FIGURE_4 = 6, 4

#: The models of the paper's Figure 4.
PAPER_MODELS = ("AA-kNN", "DLDL", "EW-MTCNN")

# Limits that keep a report small: instances per dataset, and pictures and predicted shares in all.
# The last is the fewest instances of a dataset that are shown, whatever the other limits say.
_MOST_ROWS, _MOST_PICTURES, _MOST_SHARES = 400, 2000, 400_000
_FEWEST_ROWS = 40

# Number of the best and of the worst predictions of every model that are shown.
_EXTREMES = 10

#: What instances are chosen by.
KL = BY_NAME["kl_divergence"]


def choose_samples(
    values: FloatArray, count: int, pictured: Collection[int] = frozenset()
) -> list[int]:
    """Choose rows that stand for all: the middle of each of `count` equal parts by value.

    Parameters
    ----------
    values : ndarray of shape (n,)
        What rows are ordered by, ties by row number; rows with NaN are not chosen.
    count : int
        How many rows, if there are so many.
    pictured : collection of int
        Rows with a picture. If they are enough, the nearest of them in the order is taken.

    Returns
    -------
    list of int
        Rows by ascending value.
    """
    # Values that differ by rounding alone are tied.
    ordered = np.argsort(np.round(values, 12), kind="stable")
    order = [int(row) for row in ordered[: np.count_nonzero(~np.isnan(values))]]
    free = [place for place, row in enumerate(order) if row in pictured]
    if len(free) < count:
        free = list(range(len(order)))
    chosen = []
    for number in range(min(count, len(free))):
        middle = (2 * number + 1) * len(order) // (2 * count)
        place = free[int(np.argmin(np.abs(np.array(free) - middle)))]
        free.remove(place)
        chosen.append(place)
    return [order[place] for place in sorted(chosen)]


def entropy(D: FloatArray) -> FloatArray:
    """Entropy of every row of `D`, shape (n,): 0 for a single label, log c for equal shares."""
    return -(D * np.log(np.where(D > 0, D, 1.0))).sum(axis=1)


def figure_models(summary: pd.DataFrame, dataset: str) -> list[str]:
    """Choose up to three models for Figure 4: those of the paper, then those of best mean rank."""
    rows = summary[summary["dataset"] == dataset]
    best = list(rows.dropna(subset="mean_rank").sort_values("mean_rank", kind="stable")["model"])
    return [*(m for m in PAPER_MODELS if m in best), *(m for m in best if m not in PAPER_MODELS)][
        :3
    ]


def sampled_rows(plan: Plan, results: Results, summary: pd.DataFrame, dataset: str) -> list[int]:
    """Choose the rows that Figures 1 and 4 show where there is a picture of every instance.

    Parameters
    ----------
    plan : Plan
    results : mapping
        Task to stored result.
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    dataset : str
        Its name.

    Returns
    -------
    list of int
        Row numbers in ascending order.
    """
    truth = plan.truths[dataset]
    rows = set(choose_samples(entropy(truth.D), IN_FIGURE_1))
    models = figure_models(summary, dataset)[:1]
    if models:
        predicted = predictions_of(plan, results, dataset)[models[0]]
        rows |= set(choose_samples(values_of(truth.D, predicted, KL), IN_FIGURE_4))
    return sorted(rows)


def shown_rows(
    plan: Plan, dataset: str, values: Mapping[str, FloatArray], sampled: Collection[int]
) -> list[int]:
    """Choose the instances of a dataset that the report shows one by one.

    Of those that are tested in the first repeat: all of them, if they are few. Otherwise the best
    and the worst of every model by KL divergence, those of Figures 1 and 4, and others drawn at
    random with the run's seed.

    Parameters
    ----------
    plan : Plan
    dataset : str
        Its name.
    values : mapping
        Model to the KL divergence of every instance, shape (n,).
    sampled : collection of int
        What `sampled_rows` returned.

    Returns
    -------
    list of int
        Row numbers in ascending order.
    """
    truth = plan.truths[dataset]
    n, c = truth.D.shape
    models = plan.models_of(dataset)
    per_row = (len(models) + 3) * c * len(plan.truths)
    limit = min(_MOST_ROWS, _MOST_SHARES // per_row, _MOST_PICTURES // len(plan.truths))
    limit = max(limit, _FEWEST_ROWS)
    tested = truth.folds.assignment[:, 0] >= 0
    if tested.sum() <= limit:
        return [int(row) for row in np.flatnonzero(tested)]
    chosen = set(sampled)
    extremes = min(_EXTREMES, max(1, limit // (4 * max(len(models), 1))))
    for model in models:
        column = np.where(tested, values[model], np.nan)
        order = [int(row) for row in np.argsort(column, kind="stable") if not np.isnan(column[row])]
        chosen |= {*order[:extremes], *order[len(order) - extremes :]}
    digits = int(truth.fingerprint[:8], 16)
    seed = np.random.SeedSequence(plan.seed, spawn_key=(digits, 1))
    drawn = (int(row) for row in np.random.default_rng(seed).permutation(n))
    for row in drawn:
        if len(chosen) >= limit:
            break
        if tested[row]:
            chosen.add(row)
    return sorted(chosen)
