"""Tests of significance: against published examples, other libraries, counting, and simulation.

Simulated rates of rejection are binomial: a bound of four standard errors around the nominal
level, sqrt(0.05 * 0.95 / runs) each, is crossed by chance once in 16000 seeds; seeds are fixed.
"""

from __future__ import annotations

import tracemalloc
from itertools import combinations, product

import baycomp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scikit_posthocs import posthoc_nemenyi_friedman
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC
from statsmodels.stats.multitest import multipletests

from benchmark.analysis.statistics import (
    ALPHA,
    FEWEST_FOLDS,
    bootstrap_intervals,
    corrected_t_test,
    critical_difference,
    friedman_test,
    holm,
    nemenyi_test,
    paired_effects,
    posterior_probabilities,
    wilcoxon_holm,
)

# Demšar 2006, table 6: area under the curve of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf. On "voting"
# the last two are printed as 0.975 both; the mean ranks in the paper, 40.5 / 14 and 27.5 / 14, come
# out only with C4.5+cf ahead there (41 / 14 and 27 / 14 if tied): rounding hides the difference.
DEMSAR = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip

# Hollander and Wolfe 1973, p. 140: seconds to round first base in three ways; R's example of
# friedman.test.
ROUNDING_TIMES = np.array([
    [5.40, 5.50, 5.55], [5.85, 5.70, 5.75], [5.20, 5.60, 5.50], [5.55, 5.50, 5.40],
    [5.90, 5.85, 5.70], [5.45, 5.55, 5.60], [5.40, 5.40, 5.35], [5.45, 5.50, 5.35],
    [5.25, 5.15, 5.00], [5.85, 5.80, 5.70], [5.25, 5.20, 5.10], [5.65, 5.55, 5.45],
    [5.60, 5.35, 5.45], [5.05, 5.00, 4.95], [5.50, 5.50, 5.40], [5.45, 5.55, 5.50],
    [5.55, 5.55, 5.35], [5.45, 5.50, 5.55], [5.50, 5.45, 5.25], [5.65, 5.60, 5.40],
    [5.70, 5.65, 5.55], [6.30, 6.30, 6.25],
])  # fmt: skip

# Small whole numbers, so that ties and zeros are frequent.
rankings = st.tuples(st.integers(2, 7), st.integers(3, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-3, 3).map(float))
)
fold_differences = st.tuples(st.integers(FEWEST_FOLDS, 12), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-999, 999).map(lambda i: i / 1000))
)
quickly = settings(deadline=None, max_examples=60)


def four_errors(runs, rate=ALPHA):
    return 4 * np.sqrt(rate * (1 - rate) / runs)


# --- corrected resampled t-test ---


def test_corrected_t_by_hand():
    """Mean 5/2, variance 5/3, factor 1/4 + 1/3: t = 15 / sqrt(35); p in closed form for df 3."""
    test = corrected_t_test(np.array([[1.0], [2.0], [3.0], [4.0]]), 1 / 3)
    t = 15 / np.sqrt(35)
    assert test.difference[0] == 2.5
    assert test.statistic[0] == pytest.approx(t)
    u = t / np.sqrt(3)
    assert test.p_value[0] == pytest.approx(1 - 2 / np.pi * (u / (1 + u * u) + np.arctan(u)))
    half = 3.182446 * np.sqrt(35) / 6  # the quantile is in every table
    assert [test.low[0], test.high[0]] == pytest.approx([2.5 - half, 2.5 + half], rel=1e-6)


@pytest.fixture(scope="module")
def moons():
    """scikit-learn's example "Statistical comparison of models using grid search"."""
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    return [
        cross_val_score(SVC(kernel=kernel, random_state=0), X, y, scoring="roc_auc", cv=cv)
        for kernel in ("rbf", "linear")
    ]


def test_tests_agree_with_scikit_learns_documented_example(moons):
    """Its page prints t 0.750, p 0.227 (one-sided), against 2.611 and 0.005 uncorrected; and the
    probabilities 0.500, 0.432 and 0.068 with a region of 0.01."""
    rbf, linear = moons
    differences = (rbf - linear)[:, None]
    test = corrected_t_test(differences, 10 / 90)
    assert test.statistic[0] == pytest.approx(0.750, abs=5e-4)
    assert test.p_value[0] / 2 == pytest.approx(0.227, abs=5e-4)
    naive = corrected_t_test(differences, 0.0)
    assert naive.statistic[0] == pytest.approx(2.611, abs=5e-4)
    found = posterior_probabilities(differences, 10 / 90, 0.01)
    assert np.ravel(found) == pytest.approx([0.068, 0.432, 0.500], abs=1e-3)


@quickly
@given(fold_differences)
def test_without_overlap_it_is_the_paired_t_test(d):
    d = d[:, np.ptp(d, axis=0) > 0]
    test = corrected_t_test(d, 0.0)
    expected = stats.ttest_1samp(d, 0.0)
    assert test.statistic == pytest.approx(expected.statistic)
    assert test.p_value == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval(1 - ALPHA)
    assert test.low == pytest.approx(low)
    assert test.high == pytest.approx(high)


@quickly
@given(fold_differences, st.floats(0, 1))
def test_the_interval_excludes_zero_where_the_test_rejects(d, ratio):
    d = d[:, np.ptp(d, axis=0) > 0]
    test, mirrored = corrected_t_test(d, ratio), corrected_t_test(-d, ratio)
    clear = np.abs(test.p_value - ALPHA) > 1e-9
    excludes = (test.low > 0) | (test.high < 0)
    assert (excludes == (test.p_value < ALPHA))[clear].all()
    assert (mirrored.statistic == -test.statistic).all()
    assert (mirrored.p_value == test.p_value).all()
    assert (mirrored.low == -test.high).all()


@pytest.mark.parametrize("d", [[-1 / 36] * 2, [0.1] * 10, [0.0] * 10, [-1000.0] * 7, [0.1]])
def test_without_spread_there_is_no_test(d):
    d = np.array(d)[:, None]
    noise = 1e-7 * np.abs(d).max() * np.random.default_rng(0).uniform(-1, 1, d.shape)
    for values in (d, d + noise):
        test = corrected_t_test(values, 1 / 6)
        for value in (test.low, test.high, test.statistic, test.p_value):
            assert np.isnan(value).all()
        assert test.difference == pytest.approx(d[0], rel=1e-6)
        assert np.isnan(posterior_probabilities(values, 1 / 6, 0.01)).all()


def test_two_folds_are_too_few_and_three_are_not():
    d = np.array([[0.1], [0.2], [0.15]])
    assert np.isnan(corrected_t_test(d[:2], 1.0).p_value)
    assert corrected_t_test(d[:2], 1.0).difference == pytest.approx(0.15)
    assert corrected_t_test(d, 0.5).p_value > 0


def test_a_missing_fold_leaves_its_comparison_alone_without_a_test():
    d = np.array([[1.0, 1.0], [np.nan, 2.0], [4.0, 4.0]])
    test = corrected_t_test(d, 0.5)
    for values in (test.difference, test.low, test.high, test.statistic, test.p_value):
        assert np.isnan(values).tolist() == [True, False]


@pytest.mark.parametrize(("folds", "repeats"), [(10, 1), (5, 2), (10, 10)])
def test_it_rejects_at_its_level_where_folds_correlate_as_assumed(folds, repeats):
    """Normal differences with correlation n_test / n = 1 / folds. The bound is so tight that
    1 / folds in place of 1 / (folds - 1) would cross it for ten repeats."""
    rng, runs = np.random.default_rng(1), 50_000
    shared = np.sqrt(1 / folds) * rng.normal(size=runs)
    d = shared + np.sqrt(1 - 1 / folds) * rng.normal(size=(folds * repeats, runs))
    rate = (corrected_t_test(d, 1 / (folds - 1)).p_value < ALPHA).mean()
    assert abs(rate - ALPHA) < four_errors(runs)
    naive = (stats.ttest_rel(d, np.zeros_like(d)).pvalue < ALPHA).mean()
    assert naive > 3 * ALPHA


def test_it_keeps_its_level_in_real_cross_validation_and_the_paired_t_test_does_not():
    """Two learners that differ by nothing but chance: least squares on three features each, the
    six being drawn alike and entering the target alike; 10 x 10 folds, 2000 data sets."""
    rng, runs, n = np.random.default_rng(2), 2000, 50
    one, other = rng.normal(size=(2, runs, n, 3))
    y = one.sum(axis=2) + other.sum(axis=2) + rng.normal(size=(runs, n))
    differences = []
    for _ in range(10):
        fold = np.argsort(rng.random((runs, n)), axis=1) % 10
        differences.append(_errors(one, y, fold) - _errors(other, y, fold))
    d = np.concatenate(differences, axis=1).T
    assert d.shape == (100, runs)
    rate = (corrected_t_test(d, 1 / 9).p_value < ALPHA).mean()
    assert ALPHA / 3 < rate < ALPHA + four_errors(runs)
    naive = (stats.ttest_rel(d, np.zeros_like(d)).pvalue < ALPHA).mean()
    assert naive > 8 * ALPHA


def _errors(X, y, fold):
    """Mean squared error in every fold of least squares on the others: (runs, 10)."""
    test = (fold[:, None, :] == np.arange(10)[:, None]).astype(float)
    train = 1 - test
    A = np.einsum("skn,snp,snq->skpq", train, X, X, optimize=True)
    b = np.einsum("skn,snp,sn->skp", train, X, y, optimize=True)
    weights = np.linalg.solve(A, b[..., None])[..., 0]
    residuals = y[:, None, :] - np.einsum("snp,skp->skn", X, weights)
    return (test * residuals**2).sum(axis=2) / test.sum(axis=2)


# --- Bayesian correlated t-test ---


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("rope", [0.005, 0.05])
def test_posterior_agrees_with_baycomp(runs, rope):
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.8, 0.02, 10 * runs), rng.normal(0.79, 0.02, 10 * runs)
    expected = baycomp.two_on_single(b, a, rope=rope, runs=runs)  # left: b is better
    found = posterior_probabilities((a - b)[:, None], 1 / 9, rope)
    assert np.ravel(found) == pytest.approx(expected)
    assert found[2] > found[0]


@quickly
@given(fold_differences, st.floats(0, 1), st.floats(0, 0.5))
def test_posterior_is_a_distribution(d, ratio, rope):
    d = d[:, np.ptp(d, axis=0) > 0]
    worse, equivalent, better = posterior_probabilities(d, ratio, rope)
    assert worse + equivalent + better == pytest.approx(np.ones(d.shape[1]))
    assert (np.concatenate([worse, equivalent, better]) >= 0).all()
    mirrored = posterior_probabilities(-d, ratio, rope)
    assert (mirrored[2] == worse).all()
    assert (mirrored[0] == better).all()
    assert (posterior_probabilities(d, ratio, 2 * rope)[1] >= equivalent).all()


@quickly
@given(fold_differences, st.floats(0, 1))
def test_without_a_region_the_smaller_tail_is_half_the_p_value(d, ratio):
    d = d[:, np.ptp(d, axis=0) > 0]
    worse, _, better = posterior_probabilities(d, ratio, 0.0)
    p = corrected_t_test(d, ratio).p_value
    assert np.minimum(worse, better) == pytest.approx(p / 2)
    assert ((better > worse) == (d.mean(axis=0) > 0))[p < 1 - 1e-9].all()


# --- Holm ---


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, none below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    found = holm([np.nan, 0.02, np.nan, 0.5])
    assert np.isnan(found).tolist() == [True, False, True, False]
    assert found[[1, 3]] == pytest.approx([0.04, 0.5])
    assert np.isnan(holm([np.nan])).all()
    assert holm([]).shape == (0,)


@quickly
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_closed_testing_with_bonferroni(p_values):
    """A hypothesis is rejected where every set of hypotheses that it belongs to is."""
    m = len(p_values)
    expected = np.zeros(m)
    for size in range(1, m + 1):
        for chosen in combinations(range(m), size):
            p = min(1.0, size * min(p_values[i] for i in chosen))
            expected[list(chosen)] = np.maximum(expected[list(chosen)], p)
    assert holm(p_values) == pytest.approx(expected)


@settings(deadline=None, max_examples=20)  # a call of statsmodels takes long
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_as_in_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_keeps_the_family_wise_rate():
    rng, runs = np.random.default_rng(4), 3000
    p_values = rng.random((runs, 10))
    family_wise = np.mean([holm(p).min() < ALPHA for p in p_values])
    assert abs(family_wise - ALPHA) < four_errors(runs)
    assert (p_values.min(axis=1) < ALPHA).mean() > 0.3


# --- Friedman and Nemenyi ---


def test_friedman_as_in_r():
    """friedman.test(RoundingTimes): chi-squared = 11.143, df = 2, p-value = 0.003805."""
    test = friedman_test(-ROUNDING_TIMES)  # less time is better
    assert test.statistic == pytest.approx(11.143, abs=5e-4)
    assert test.p_value == pytest.approx(0.003805, abs=5e-7)
    assert test.mean_ranks.argmin() == 2
    assert 22 * test.mean_ranks == pytest.approx([53, 47, 32])
    assert friedman_test(ROUNDING_TIMES).mean_ranks == pytest.approx(4 - test.mean_ranks)


def test_friedman_and_nemenyi_as_in_demsar():
    """Mean ranks 3.143, 2.000, 2.893, 1.964; chi square 9.28, to which the paper does not apply
    the correction for ties; critical difference 1.25, which no difference reaches; at level 0.10
    C4.5 is worse than C4.5+m and C4.5+m+cf, and nothing else differs."""
    test = friedman_test(DEMSAR)
    assert test.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=6e-4)
    tied = sum((c**3 - c).sum() for c in (np.unique(row, return_counts=True)[1] for row in DEMSAR))
    uncorrected = test.statistic * (1 - tied / (14 * (4**3 - 4)))
    # The paper rounds the ranks before it squares them.
    assert uncorrected == pytest.approx(9.28, abs=0.02)
    assert critical_difference(14, 4) == pytest.approx(1.25, abs=5e-3)
    p = nemenyi_test(DEMSAR)
    upper = p[np.triu_indices(4, 1)]
    assert (upper >= 0.05).all()
    assert (upper < 0.10).tolist() == [True, False, True, False, False, False]


def test_critical_values_as_in_demsars_table_5():
    """The table cuts its digits off or rounds them up: 0.001 either way."""
    table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in zip(range(2, 11), table, strict=True):
        found = critical_difference(20, k) / np.sqrt(k * (k + 1) / (6 * 20))
        assert found == pytest.approx(q, abs=1e-3)


@quickly
@given(rankings)
def test_friedman_by_counting_and_kendalls_formula(values):
    n, k = values.shape
    test = friedman_test(values)
    ranks = np.array([
        [sum(w > v for w in row) + (sum(w == v for w in row) + 1) / 2 for v in row]
        for row in values
    ])  # fmt: skip
    assert test.mean_ranks == pytest.approx(ranks.mean(axis=0))
    sums = ranks.sum(axis=0)
    ties = sum((c**3 - c).sum() for c in (np.unique(row, return_counts=True)[1] for row in values))
    most = n * n * (k**3 - k) - n * ties
    assert np.isnan(test.p_value) == (most == 0)
    if not most:
        return
    w = 12 * np.square(sums - sums.mean()).sum() / most
    assert test.concordance == pytest.approx(w, abs=1e-12)
    assert 0 <= test.concordance <= 1
    assert test.statistic == pytest.approx(n * (k - 1) * w, abs=1e-9)
    assert test.p_value == pytest.approx(stats.chi2.sf(n * (k - 1) * w, k - 1))


@quickly
@given(rankings)
def test_nemenyi_as_in_scikit_posthocs(values):
    tied = (values == values[:, :1]).all()
    expected = posthoc_nemenyi_friedman(-values).to_numpy()
    assert tied or nemenyi_test(values) == pytest.approx(expected)


def test_rounding_does_not_lift_the_concordance_above_one():
    for n in range(2, 9):
        assert 1 - 1e-12 < friedman_test(np.tile([0.0, 1.0, 0.0, 0.0], (n, 1))).concordance <= 1


def test_where_all_are_tied_there_is_no_test():
    test = friedman_test(np.full((5, 3), 0.1))
    assert np.isnan([test.statistic, test.p_value, test.concordance]).all()
    assert test.mean_ranks.tolist() == [2, 2, 2]
    assert (np.isnan(nemenyi_test(np.full((5, 3), 0.1))) == ~np.eye(3, dtype=bool)).all()


@quickly
@given(rankings)
def test_nemenyi_rejects_where_ranks_differ_critically(values):
    n, k = values.shape
    p, ranks = nemenyi_test(values), friedman_test(values).mean_ranks
    assert p.shape == (k, k)
    np.testing.assert_array_equal(p, p.T)
    assert (np.diag(p) == 1).all()
    apart = np.abs(ranks[:, None] - ranks)
    assert ((p < ALPHA) == (apart > critical_difference(n, k))).all()


def test_nemenyis_p_value_is_that_of_a_range_of_normals():
    """Mean ranks behave as independent normals of variance k (k + 1) / 12 n; their range."""
    n, k = len(DEMSAR), 4
    normals = np.random.default_rng(5).normal(size=(400_000, k)) * np.sqrt(k * (k + 1) / (12 * n))
    spread = np.ptp(normals, axis=1)
    ranks, p = friedman_test(DEMSAR).mean_ranks, nemenyi_test(DEMSAR)
    for a, b in combinations(range(k), 2):
        expected = (spread >= abs(ranks[a] - ranks[b])).mean()
        assert p[a, b] == pytest.approx(expected, abs=four_errors(400_000, 0.5))


@pytest.mark.slow
def test_friedman_and_nemenyi_keep_their_level():
    """20 data sets, 5 methods, nothing between them. Both are approximations, Nemenyi's on the
    safe side: hence the lower bounds."""
    rng, runs = np.random.default_rng(6), 2000
    draws = rng.normal(size=(runs, 20, 5))
    friedman = np.mean([friedman_test(values).p_value < ALPHA for values in draws])
    assert abs(friedman - ALPHA) < four_errors(runs) + 0.005
    nemenyi = np.mean([nemenyi_test(values).min() < ALPHA for values in draws])
    assert ALPHA / 2 < nemenyi < ALPHA + four_errors(runs)


# --- Wilcoxon and Holm ---


def test_wilcoxon_as_in_r():
    """wilcox.test's example, Hollander and Wolfe 1973, p. 29: V = 40, one-sided p = 0.01953."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    p, effects = wilcoxon_holm(np.transpose([before, after]))
    assert p[0, 1] / 2 == pytest.approx(0.01953, abs=5e-6)
    assert effects[0, 1] == pytest.approx((40 - 5) / 45)
    assert effects[1, 0] == -effects[0, 1]
    assert (p == p.T).all()
    assert (np.diag(p) == 1).all()


@pytest.mark.parametrize("n", [2, 5, 20, 40])
def test_wilcoxon_without_ties_agrees_with_scipy(n):
    values = np.random.default_rng(n).normal([0, 0.4, 0.8], 1, size=(n, 3))
    p, effects = wilcoxon_holm(values)
    pairs = list(combinations(range(3), 2))
    tests = [stats.wilcoxon(values[:, a], values[:, b], method="exact") for a, b in pairs]
    assert [p[pair] for pair in pairs] == pytest.approx(holm([test.pvalue for test in tests]))
    for (a, b), test in zip(pairs, tests, strict=True):
        share = 2 * test.statistic / (n * (n + 1))  # of the smaller rank sum
        assert abs(effects[a, b]) == pytest.approx(1 - 2 * share)


@quickly
@given(arrays(np.float64, st.integers(1, 8), elements=st.integers(-4, 4).map(float)))
def test_wilcoxon_by_trying_all_signs(d):
    """With ties and zeros, which keep their ranks and cannot change sides."""
    ranks = stats.rankdata(np.abs(d))
    observed = (ranks * np.sign(d)).sum()
    sums = [(ranks * np.abs(np.sign(d)) * s).sum() for s in product([-1, 1], repeat=len(d))]
    p, effects = wilcoxon_holm(np.stack([d, np.zeros_like(d)], axis=1))
    assert np.isnan(p[0, 1]) == (not d.any())
    if not d.any():
        return
    assert p[0, 1] == pytest.approx(np.mean(np.abs(sums) >= abs(observed)))
    assert effects[0, 1] == pytest.approx(observed / ranks.sum())
    assert p[0, 1] >= 2.0 ** (1 - len(d))


def test_wilcoxon_by_hand():
    """Differences 1, -2, 3, 3, 0: ranks 2, 3, 4.5, 4.5, 1; for 11, against 3, the zero for none."""
    a = np.array([1.0, -2.0, 3.0, 3.0, 0.0])
    _, effects = wilcoxon_holm(np.stack([a, np.zeros(5)], axis=1))
    assert effects[0, 1] == pytest.approx((11 - 3) / 15)
    p, effects = wilcoxon_holm(np.full((6, 3), 0.3))
    assert (np.isnan(p) == ~np.eye(3, dtype=bool)).all()
    assert (effects == 0).all()
    p, effects = wilcoxon_holm(np.stack([np.arange(8.0) + 1, np.zeros(8)], axis=1))
    assert p[0, 1] == 2.0**-7
    assert effects[0, 1] == 1


def test_rounding_does_not_undo_a_tie():
    """0.3 - 0.2, 0.2 - 0.1, 0.4 - 0.3 are three different floats, but differences of one size."""
    a, b = np.array([0.3, 0.2, 0.3, 0.7]), np.array([0.2, 0.1, 0.4, 0.2])
    _, effects = wilcoxon_holm(np.stack([a, b], axis=1))
    assert effects[0, 1] == pytest.approx((2 + 2 - 2 + 4) / 10, abs=1e-15)


@pytest.mark.slow
def test_wilcoxon_holm_keeps_the_family_wise_rate():
    """12 data sets, 4 methods; the adjustment is what keeps it: single pairs add up."""
    rng, runs = np.random.default_rng(7), 800
    draws = np.round(rng.normal(size=(runs, 12, 4)), 1)  # with ties and zeros
    pairs = list(combinations(range(4), 2))
    family_wise = np.mean([wilcoxon_holm(values)[0].min() < ALPHA for values in draws])
    assert ALPHA / 5 < family_wise < ALPHA + four_errors(runs)
    single = [min(wilcoxon_holm(v[:, pair])[0][0, 1] for pair in pairs) for v in draws[:300]]
    assert np.mean(np.array(single) < ALPHA) > 2.5 * ALPHA


# --- bootstrap ---


@pytest.mark.parametrize("equal", [True, False])
def test_bootstrap_agrees_with_scipy(equal):
    """Ends of the interval vary by 0.03 standard errors with 20000 draws; 0.15 are allowed, a
    level of 90 % would move them by 0.3."""
    rng = np.random.default_rng(8)
    values = rng.gamma(2.0, size=150)
    weights = np.ones(150) if equal else rng.choice([1.0, 4.0], size=150)
    low, high = bootstrap_intervals(values[:, None], weights, np.random.SeedSequence(1), 20_000)
    expected = stats.bootstrap(
        (values, weights),
        lambda v, w, axis: (v * w).sum(axis=axis) / w.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    tolerance = 0.15 * expected.standard_error
    assert low[0] == pytest.approx(expected.confidence_interval.low, abs=tolerance)
    assert high[0] == pytest.approx(expected.confidence_interval.high, abs=tolerance)


def test_bootstrap_covers_the_mean_in_95_percent():
    """Of 3000 samples of 200 values; a percentile interval of so many covers 94.5 %."""
    rng, runs = np.random.default_rng(9), 3000
    covered = []
    for seed in range(30):
        values = rng.exponential(size=(200, runs // 30))
        low, high = bootstrap_intervals(
            values, np.full(200, 0.005), np.random.SeedSequence(seed), 1000
        )
        covered += ((low <= 1) & (1 <= high)).tolist()
    assert abs(np.mean(covered) - 0.945) < four_errors(runs)


def test_bootstrap_is_a_plain_loop_over_draws():
    """3000 instances make two blocks of the 2000 draws: no number depends on the blocks."""
    rng = np.random.default_rng(10)
    values, weights = rng.normal(size=(3000, 2)), rng.random(3000) + 0.1
    seed = np.random.SeedSequence(5)
    low, high = bootstrap_intervals(values, weights, seed)
    draws = np.random.default_rng(seed)
    means = []
    for _ in range(2000):
        drawn = draws.integers(3000, size=3000)
        means.append(np.average(values[drawn], axis=0, weights=weights[drawn]))
    assert low == pytest.approx(np.percentile(means, 2.5, axis=0), abs=1e-12)
    assert high == pytest.approx(np.percentile(means, 97.5, axis=0), abs=1e-12)


def test_bootstrap_is_repeatable_and_draws_the_same_instances_for_all_columns():
    values = np.random.default_rng(11).normal(size=(50, 1))
    weights, seed = np.ones(50), np.random.SeedSequence(3)
    columns = np.concatenate([values, values + 2, -values, np.full((50, 1), 0.7)], axis=1)
    low, high = bootstrap_intervals(columns, weights, seed)
    again, _ = bootstrap_intervals(columns, weights, np.random.SeedSequence(3))
    assert (low == again).all()
    assert low[0] != bootstrap_intervals(values, weights, np.random.SeedSequence(4))[0][0]
    assert low[1] == pytest.approx(low[0] + 2)
    assert low[2] == pytest.approx(-high[0])
    assert low[3] == pytest.approx(0.7)
    assert high[3] == pytest.approx(0.7)
    columns[7, 1] = np.nan
    low_with, high_with = bootstrap_intervals(columns, weights, seed)
    assert np.isnan(low_with).tolist() == np.isnan(high_with).tolist() == [0, 1, 0, 0]
    assert low_with[0] == pytest.approx(low[0])


def test_bootstrap_of_one_and_of_two_instances():
    """Of two, both ends are drawn alone in a quarter of the draws; weights do not matter then."""
    seed = np.random.SeedSequence(0)
    assert np.isnan(bootstrap_intervals([[3.0, 4.0]], [0.5], seed)).all()
    low, high = bootstrap_intervals([[0.0], [1.0]], [0.25, 0.75], seed)
    assert (low[0], high[0]) == (0, 1)


@pytest.mark.parametrize(("n", "columns"), [(20_000, 8), (300, 40)])
def test_bootstrap_takes_the_memory_that_it_says(n, columns):
    """128 MB of counts at most, whatever the number of draws, the means, and the values twice."""
    values, weights = np.ones((n, columns)), np.ones(n)
    tracemalloc.start()
    bootstrap_intervals(values, weights, np.random.SeedSequence(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    block = 8 * min(16_000_000, 2000 * n)
    assert peak < 1.1 * block + 8 * 3 * 2000 * columns + 2 * values.nbytes


# --- effect sizes over instances ---


def test_paired_effects_by_hand():
    """Differences 1, 2, 3, -2, 0, 2: mean 1, variance 16 / 5; won 4, lost 1, tied 1."""
    standardised, share = paired_effects([1.0, 2.0, 3.0, -2.0, 0.0, 2.0])
    assert standardised == pytest.approx(1 / np.sqrt(16 / 5))
    assert share == pytest.approx(4.5 / 6)
    assert paired_effects([0.0, 0.0]) == (0, 0.5)
    for same, won in (([0.1] * 7, 1), ([-0.1] * 7, 0), ([0.5], 1)):
        standardised, share = paired_effects(same)
        assert np.isnan(standardised)
        assert share == won
