"""Draws test rows, or groups of them: intervals of means, and the tests of a single split.

Several folds give several values to test. A single split gives one: then only its test rows can be
drawn again or, where rows belong to groups, which are what varies, the groups of its test rows.
"""

from __future__ import annotations

import numpy as np

from benchmark.analysis.statistics import ALPHA, TTest, bootstrap_means
from benchmark.analysis.ties import no_spread, without_ties
from benchmark.planning.grouped_folds import numbered
from benchmark.planning.plan import Truth
from features.arrays import FloatArray, IntArray

#: Fewest test rows, or groups with test rows, of which a single split has a test.
FEWEST_UNITS = 5


def by_group(
    values: FloatArray, weights: FloatArray, truth: Truth
) -> tuple[FloatArray, FloatArray]:
    """Put the tested rows of each group together, so that groups are drawn and not rows.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        One row per instance.
    weights : ndarray of shape (n,)
        Of the instances, 0 for those that are never tested.
    truth : Truth
        With the groups, if there are any.

    Returns
    -------
    values : ndarray of shape (units, m)
        Weighted means over each group, or the values of the tested instances where there are none.
    weights : ndarray of shape (units,)
        Sums over each group.
    """
    tested = weights > 0
    v, w = values[tested], weights[tested]
    if truth.groups is None:
        return v, w
    numbers = numbered([name for name, is_in in zip(truth.groups, tested, strict=True) if is_in])
    of_group: FloatArray = np.bincount(numbers, weights=w).astype(np.float64)
    sums = np.zeros((len(of_group), v.shape[1]))
    np.add.at(sums, numbers, v * w[:, None])
    return sums / of_group[:, None], of_group


def bootstrap_test(
    values: FloatArray,
    weights: FloatArray,
    pairs: tuple[IntArray, IntArray],
    rope: float,
    seed: np.random.SeedSequence,
) -> tuple[TTest, tuple[FloatArray, FloatArray, FloatArray]]:
    """Compare pairs of models on the test rows of a single split, the trained models held fixed.

    Rows, or groups, are drawn with replacement; the standard error of a mean difference is the
    deviation of its means over the draws. Interval and p-value take Student's t with one degree
    of freedom less than there are rows, or groups: a p-value counted among the draws could not be
    small enough to outlast an adjustment for many pairs. The probabilities are shares of the draws.

    Parameters
    ----------
    values : ndarray of shape (units, k)
        Of k models, higher is better, see `by_group`.
    weights : ndarray of shape (units,)
    pairs : tuple of two ndarrays of shape (m,)
        Numbers of the models.
    rope : float
        Half the width of the region of practical equivalence.
    seed : SeedSequence
        Of the draws.

    Returns
    -------
    test : TTest
        No test where there are fewer than `FEWEST_UNITS` units, or all differences are the same.
    worse, equivalent, better : ndarray of shape (m,)
        As `benchmark.analysis.statistics.posterior_probabilities`.
    """
    from scipy import stats

    first, second = pairs
    units = len(values)
    of_models = weights @ values / weights.sum()
    difference = without_ties(of_models[first] - of_models[second])
    nothing = np.full(len(first), np.nan)
    if units < FEWEST_UNITS:
        return TTest(difference, *[nothing] * 4), (nothing, nothing, nothing)
    means = bootstrap_means(values, weights, seed)
    draws = means[:, first] - means[:, second]
    # The mean of n draws varies as if each varied by (n - 1) / n of what the units do.
    error = draws.std(axis=0, ddof=1) * np.sqrt(units / (units - 1))
    error = np.where(no_spread(draws), np.nan, error)
    statistic = difference / error
    half = stats.t.ppf(1 - ALPHA / 2, units - 1) * error
    p_value = 2 * stats.t.sf(np.abs(statistic), units - 1)
    test = TTest(difference, difference - half, difference + half, statistic, p_value)
    known = np.where(np.isnan(error), np.nan, 0.0)
    worse, better = (draws < -rope).mean(axis=0) + known, (draws > rope).mean(axis=0) + known
    return test, (worse, np.maximum(1 - worse - better, 0.0), better)
