"""Tests of significance, intervals and effect sizes, as functions of plain arrays.

Within one dataset the values of the folds are not independent, for the folds share training rows:
`corrected_t_test` widens the usual t-test accordingly, and `posterior_probabilities` is its
Bayesian form. Across datasets the values are independent, but of different scale: `friedman_test`,
`nemenyi_test` and `wilcoxon_holm` look at ranks. Everywhere a positive difference means *better*;
the caller negates measures in which lower is better.

Sources: Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52, 2003;
Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006; Benavoli,
Corani, Demšar and Zaffalon, "Time for a change", JMLR 18, 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from benchmark.analysis.ties import no_spread, without_ties
from features.arrays import FloatArray

#: Level of significance of the tests; intervals have confidence 1 - ALPHA.
ALPHA = 0.05

#: Fewer values of folds tell nothing of the spread of their differences: there is no test.
FEWEST_FOLDS = 3


@dataclass(frozen=True)
class TTest:
    """Outcome of corrected t-tests, one number per comparison.

    Attributes
    ----------
    difference : ndarray of shape (m,)
        Mean over folds.
    low, high : ndarray of shape (m,)
        Interval of confidence 1 - `ALPHA` of the difference.
    statistic, p_value : ndarray of shape (m,)
        Student's t and the two-sided p-value; NaN, as the interval, where there is no test.
    """

    difference: FloatArray
    low: FloatArray
    high: FloatArray
    statistic: FloatArray
    p_value: FloatArray


def corrected_t_test(differences: ArrayLike, test_to_train: float) -> TTest:
    """Test whether mean differences over overlapping folds are zero.

    The corrected resampled t-test: t = mean / sqrt((1/J + n_test/n_train) var) with J - 1 degrees
    of freedom, where the plain test has 1/J alone. It assumes that differences of two folds
    correlate with n_test / n, whatever the methods, and are normal.

    Parameters
    ----------
    differences : array-like of shape (J, m)
        Value of one method minus that of another, for J folds and m comparisons.
    test_to_train : float
        Size of a test fold divided by that of its training set, 1 / (K - 1) for K folds of one
        size; their mean where folds differ in size.

    Returns
    -------
    TTest
        There is no test of fewer than `FEWEST_FOLDS` differences, or where all of them are the same
        (`benchmark.analysis.ties.no_spread`).

    References
    ----------
    Nadeau and Bengio (2003), section 4.
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    mean, scale, df = _location_and_scale(d, test_to_train)
    statistic = mean / scale
    half = stats.t.ppf(1 - ALPHA / 2, df) * scale
    p_value = 2 * stats.t.sf(np.abs(statistic), df)
    return TTest(mean, mean - half, mean + half, statistic, p_value)


def posterior_probabilities(
    differences: ArrayLike, test_to_train: float, rope: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the probabilities that one method is worse, practically equivalent, or better.

    The Bayesian correlated t-test: under a flat prior, the mean difference follows a Student
    distribution with J - 1 degrees of freedom around the observed mean, with the scale of
    `corrected_t_test` (correlation n_test / n). Its probability is split at minus and plus `rope`.

    Parameters
    ----------
    differences : array-like of shape (J, m)
        As in `corrected_t_test`.
    test_to_train : float
        As in `corrected_t_test`.
    rope : float
        Half the width of the region of practical equivalence, at least 0.

    Returns
    -------
    worse, equivalent, better : ndarray of shape (m,)
        They sum to 1; NaN where `corrected_t_test` makes no test.

    References
    ----------
    Benavoli et al. (2017), section 3.
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    mean, scale, df = _location_and_scale(d, test_to_train)
    worse = stats.t.cdf((-rope - mean) / scale, df)
    better = stats.t.sf((rope - mean) / scale, df)
    return worse, np.maximum(1 - worse - better, 0.0), better


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjust p-values for their number by Holm's method; NaN stay and are not counted.

    Parameters
    ----------
    p_values : array-like of shape (m,)

    Returns
    -------
    ndarray of shape (m,)
        Rejecting those below a level keeps the chance of any false rejection below it.
    """
    # Not that of statsmodels, which collects garbage at every call: 50 ms, hundreds of times.
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN come last
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


@dataclass(frozen=True)
class FriedmanTest:
    """Outcome of Friedman's test.

    Attributes
    ----------
    mean_ranks : ndarray of shape (k,)
        Over datasets, 1 is best; ties share their mean rank.
    statistic, p_value : float
        Chi square with k - 1 degrees of freedom; NaN where everything is tied, so that there is
        nothing to test.
    concordance : float
        Kendall's W, the effect size: 0 if the datasets rank the methods at random, 1 if all rank
        them alike; NaN where everything is tied.
    """

    mean_ranks: FloatArray
    statistic: float
    p_value: float
    concordance: float


def friedman_test(values: ArrayLike) -> FriedmanTest:
    """Test whether k methods rank alike over N datasets.

    Assumes independent datasets; the chi square is an approximation, a good one from about 10
    datasets and 5 methods on (Demšar 2006).

    Parameters
    ----------
    values : array-like of shape (N, k)
        Higher is better; at least 2 datasets and 3 methods.
    """
    from scipy import stats

    v = np.asarray(values, dtype=np.float64)
    n, k = v.shape
    ranks = stats.rankdata(-v, axis=1)
    if (ranks == ranks[:, :1]).all():
        return FriedmanTest(ranks.mean(axis=0), np.nan, np.nan, np.nan)
    statistic, p_value = map(float, stats.friedmanchisquare(*ranks.T))
    concordance = min(statistic / (n * (k - 1)), 1.0)  # rounding may lift it above 1
    return FriedmanTest(ranks.mean(axis=0), statistic, p_value, concordance)


def nemenyi_test(values: ArrayLike) -> FloatArray:
    """Compare all pairs of methods by their mean ranks, after `friedman_test`.

    Parameters
    ----------
    values : array-like of shape (N, k)
        As in `friedman_test`.

    Returns
    -------
    ndarray of shape (k, k)
        p-values, adjusted for the number of pairs; 1 on the diagonal, NaN elsewhere if everything
        is tied.
    """
    # Not that of scikit-posthocs, whose import loads matplotlib with the user's settings.
    from scipy import stats

    v = np.asarray(values, dtype=np.float64)
    n, k = v.shape
    ranks = stats.rankdata(-v, axis=1)
    mean_ranks = ranks.mean(axis=0)
    errors = np.sqrt(k * (k + 1) / (6 * n))
    first, second = np.triu_indices(k, 1)
    distances = np.abs(mean_ranks[first] - mean_ranks[second]) / errors
    p: FloatArray = np.eye(k)
    p[first, second] = stats.studentized_range.sf(distances * np.sqrt(2), k, np.inf)
    if (ranks == ranks[:, :1]).all():
        p[first, second] = np.nan
    p[second, first] = p[first, second]
    return p


def critical_difference(n: int, k: int) -> float:
    """Return by how much the mean ranks of k methods over n datasets must differ (Nemenyi)."""
    from scipy import stats

    quantile = stats.studentized_range.ppf(1 - ALPHA, k, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(k * (k + 1) / (6 * n)))


def wilcoxon_holm(values: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Compare all pairs of methods by Wilcoxon's signed-rank test, adjusted by Holm.

    Datasets without a difference count half for either side, and ties share their mean rank; the
    p-values are exact in either case. Assumes independent datasets whose differences can be
    ordered by size. With N datasets no p-value is below 2^(1 - N).

    Parameters
    ----------
    values : array-like of shape (N, k)
        Higher is better.

    Returns
    -------
    p_values : ndarray of shape (k, k)
        Adjusted; 1 on the diagonal, NaN for methods without any difference, which are not tested.
    effects : ndarray of shape (k, k)
        Matched-pairs rank-biserial correlation of row over column, from -1 (worse everywhere) to
        1 (better everywhere): the difference of the two rank sums by their total.
    """
    from scipy import stats

    v = np.asarray(values, dtype=np.float64)
    k = v.shape[1]
    p_values, effects = np.eye(k), np.zeros((k, k))
    pairs = list(combinations(range(k), 2))
    found = []
    for a, b in pairs:
        d = v[:, a] - v[:, b]
        size = np.abs(d).max()
        # Differences of one size are tied, whatever the rounding of the subtraction.
        d = np.round(d / size, 9) if size > 0 else d
        ranks = stats.rankdata(np.abs(d))
        effects[a, b] = (ranks * np.sign(d)).sum() / ranks.sum()
        found.append(_signed_rank_p_value(ranks, np.sign(d)) if d.any() else np.nan)
    for (a, b), p in zip(pairs, holm(found), strict=True):
        p_values[a, b] = p_values[b, a] = p
    return p_values, effects - effects.T


def _signed_rank_p_value(ranks: FloatArray, signs: FloatArray) -> float:
    """Two-sided exact p-value: every non-zero sign is plus or minus with chance one half."""
    doubled = np.rint(2 * ranks).astype(np.int64)[signs != 0]  # mean ranks are multiples of 1/2
    chances = np.ones(1)  # of every sum of the doubled ranks with a plus
    for rank in doubled:
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    observed = doubled[signs[signs != 0] > 0].sum()
    p_value = 2 * min(chances[: observed + 1].sum(), chances[observed:].sum())
    return float(min(p_value, 1.0))


def bootstrap_intervals(
    values: ArrayLike, weights: ArrayLike, seed: np.random.SeedSequence, resamples: int = 2000
) -> tuple[FloatArray, FloatArray]:
    """Give percentile bootstrap intervals of weighted means over instances.

    Instances are drawn with replacement, the same ones for all m columns. The trained models are
    held fixed: the interval tells how the mean would vary with other test instances, not with
    other training data.

    Parameters
    ----------
    values : array-like of shape (n, m)
        One row per instance.
    weights : array-like of shape (n,)
        Positive.
    seed : SeedSequence
        Of the draws.
    resamples : int
        Number of draws of n instances.

    Returns
    -------
    low, high : ndarray of shape (m,)
        Ends of the intervals of confidence 1 - `ALPHA`; NaN for a single instance, which does not
        tell how others vary.
    """
    v = np.asarray(values, dtype=np.float64)
    if len(v) < 2:
        nothing = np.full(v.shape[1], np.nan)
        return nothing, nothing
    means = bootstrap_means(v, np.asarray(weights, dtype=np.float64), seed, resamples)
    low, high = np.percentile(means, [100 * ALPHA / 2, 100 * (1 - ALPHA / 2)], axis=0)
    return low, high


def bootstrap_means(
    v: FloatArray, w: FloatArray, seed: np.random.SeedSequence, resamples: int = 2000
) -> FloatArray:
    """Return the weighted means of every draw, shape (resamples, m); see `bootstrap_intervals`."""
    n = len(v)
    rng = np.random.default_rng(seed)
    weighted = v * w[:, None]
    means = np.empty((resamples, v.shape[1]))
    # 128 MB of counts at most: so many draws at a time, and always into the same array.
    counts = np.empty((min(resamples, max(1, 16_000_000 // n)), n))
    for start in range(0, resamples, len(counts)):
        few = counts[: resamples - start]
        for drawn in few:
            drawn[:] = np.bincount(rng.integers(n, size=n), minlength=n)
        means[start : start + len(few)] = few @ weighted / (few @ w)[:, None]
    return means


def paired_effects(differences: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Give effect sizes of one method over another on the same instances.

    Parameters
    ----------
    differences : array-like of shape (n,) or (n, m)
        Value of one method minus that of the other, higher is better; with a NaN among them, a
        comparison has no effect sizes.

    Returns
    -------
    standardised : ndarray of shape () or (m,)
        Mean difference divided by the deviation of the differences (Cohen's d for pairs); 0 where
        no instance differs, NaN where all differ by the same, so that they have no deviation.
    share_won : ndarray of shape () or (m,)
        Share of the instances on which the first is better, ties count half.
    """
    d = np.asarray(differences, dtype=np.float64)
    mean = d.mean(axis=0)
    share = (np.sign(d).mean(axis=0) + 1) / 2
    same = no_spread(d)
    deviation = np.where(same, 1.0, d.std(axis=0, ddof=min(1, len(d) - 1)))
    constant = np.where(without_ties(mean) == 0, 0.0, np.nan)
    return np.where(same, constant, mean / deviation), share


def _location_and_scale(d: FloatArray, test_to_train: float) -> tuple[FloatArray, FloatArray, int]:
    """Mean, corrected standard error and degrees of freedom of differences of shape (J, m).

    The standard error is NaN where there is no test.
    """
    folds = len(d)
    mean = d.mean(axis=0)
    if folds < FEWEST_FOLDS:
        return mean, np.full(d.shape[1], np.nan), 1
    variance = np.where(no_spread(d), np.nan, d.var(axis=0, ddof=1))
    return mean, np.sqrt((1 / folds + test_to_train) * variance), folds - 1
