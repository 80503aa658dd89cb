"""Tests of a single split, and intervals over groups: against formulas and draws by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made import make_evidence
from scipy import stats

from benchmark.analysis.instances import instance_weights
from benchmark.analysis.resampling import FEWEST_UNITS, bootstrap_test
from benchmark.analysis.statistics import corrected_t_test
from benchmark.metrics import MEASURES

MODELS = {"Good": 0.3, "Twin": 0.3, "Poor": 0.9}
RNG = np.random.default_rng(0)
ALL = (np.array([0, 0, 1]), np.array([1, 2, 2]))
SEED = np.random.SeedSequence(1)


def compared(values):
    return bootstrap_test(values, np.ones(len(values)), ALL, 0.1, SEED)


def test_of_rows_it_is_nearly_the_paired_t_test():
    values = RNG.normal([0.3, 0.0, 0.1], 1.0, size=(200, 3))
    test, (worse, equal, better) = compared(values)
    d = values[:, ALL[0]] - values[:, ALL[1]]
    wanted = stats.ttest_1samp(d, 0)
    np.testing.assert_allclose(test.difference, d.mean(axis=0))
    np.testing.assert_allclose(test.statistic, wanted.statistic, rtol=0.05)
    np.testing.assert_allclose(test.low, wanted.confidence_interval().low, atol=0.02)
    np.testing.assert_allclose(worse + equal + better, 1)
    error = d.std(axis=0, ddof=1) / np.sqrt(200)
    np.testing.assert_allclose(better, stats.norm.sf((0.1 - d.mean(axis=0)) / error), atol=0.03)


def test_it_rarely_finds_a_difference_where_there_is_none():
    found = 0
    for number in range(100):
        values = np.random.default_rng(number).exponential(size=(12, 3))
        test, _ = bootstrap_test(values, np.ones(12), ALL, 0.1, np.random.SeedSequence(number))
        found += int(test.p_value[0] < 0.05)
    assert 1 <= found <= 13  # 5 expected


def test_few_units_and_equal_values_have_no_test():
    values = RNG.normal(size=(FEWEST_UNITS - 1, 3))
    test, chances = compared(values)
    assert np.isnan([test.low, test.p_value, *chances]).all()
    assert not np.isnan(test.difference).any()
    same = RNG.normal(size=(20, 1)) + np.array([0.0, 0.0, 1.0])
    test, chances = compared(same)
    np.testing.assert_allclose(test.difference, [0, -1, -1])
    assert np.isnan([test.p_value, *chances]).all()
    missing = np.where(np.arange(3) == 1, np.nan, RNG.normal(size=(20, 3)))
    assert np.isnan(compared(missing)[0].p_value).tolist() == [True, False, True]


@pytest.mark.parametrize("groups", [0, 12])
def test_a_single_split_is_tested_on_its_test_rows(tmp_path, groups):
    evidence = make_evidence(tmp_path, MODELS, {"a": 120}, split="hold-out:0.5", groups=groups)
    truth, pairs = evidence.plan.truths["a"], evidence.pairs
    rows = truth.folds.test(0, 0)
    assert (pairs["expected_folds"] == 1).all()
    values = evidence.values["a"]
    for number, measure in enumerate(MEASURES):
        sign = 1 if measure.higher_is_better else -1
        part = pairs[pairs["measure"] == measure.name].set_index(["model_a", "model_b"])
        row = part.loc[("Good", "Poor")]
        d = sign * (values["Good"] - values["Poor"])[rows, number]
        assert row["difference"] == pytest.approx(d.mean())
        assert row["share_won"] == pytest.approx(((np.sign(d) + 1) / 2).mean())
        if groups:  # the error of a ratio of sums over groups
            names = np.array(truth.groups)[rows]
            sums = np.array([(d[names == g] - d.mean()).sum() for g in np.unique(names)])
            k = len(sums)
            error = np.sqrt((sums**2).sum() * k / (k - 1)) / len(d)
        else:
            k, error = len(d), d.std(ddof=1) / np.sqrt(len(d))
        half = stats.t.ppf(0.975, k - 1) * error
        assert row["high"] - row["difference"] == pytest.approx(half, rel=0.15)
        assert row["p_value"] == pytest.approx(
            2 * stats.t.sf(abs(d.mean()) / ((row["high"] - row["low"]) / 2 / stats.t.ppf(
                0.975, k - 1)), k - 1)
        )  # fmt: skip


def test_intervals_of_means_draw_groups_where_there_are_some(tmp_path):
    """Rows of a group that are copies of each other tell no more than one of them."""
    wide = make_evidence(tmp_path / "a", MODELS, {"a": 120}, split="hold-out:0.5", groups=12)
    truth = wide.plan.truths["a"]
    weights = instance_weights(truth)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).tolist() == truth.folds.tested.tolist()
    assert np.isnan(wide.values["a"]["Good"][weights == 0]).all()
    assert not np.isnan(wide.values["a"]["Good"][weights > 0]).any()
    row = wide.intervals.set_index(["model", "measure"]).loc[("Good", "chebyshev")]
    mean = wide.summary.set_index("model")["chebyshev"]["Good"]
    d = wide.values["a"]["Good"][truth.folds.test(0, 0), 0]
    names = np.array(truth.groups)[truth.folds.test(0, 0)]
    draws, rng = [], np.random.default_rng(0)
    groups = np.unique(names)
    for _ in range(2000):
        taken = np.concatenate([d[names == g] for g in rng.choice(groups, len(groups))])
        draws.append(taken.mean())
    low, high = np.percentile(draws, [2.5, 97.5])
    assert row["low"] == pytest.approx(low, abs=0.1 * (high - low))
    assert row["high"] == pytest.approx(high, abs=0.1 * (high - low))
    assert row["low"] < mean < row["high"]


@pytest.mark.parametrize(
    ("split", "groups", "repeats", "ratio"),
    [("hold-out:0.25", 0, 6, 1 / 3), ("leave-one-group-out", 12, 1, 1 / 11),
     ("groups", 12, 2, 1 / 3)],
)  # fmt: skip
def test_several_splits_have_the_corrected_t_test_with_their_ratio(
    tmp_path, split, groups, repeats, ratio
):
    sizes = {"folds": 4, "repeats": repeats, "groups": groups}
    evidence = make_evidence(tmp_path, MODELS, {"a": 120}, split=split, **sizes)
    table = evidence.scores[evidence.scores["measure"] == "cosine"]
    by_fold = table.pivot(index=["repeat", "fold"], columns="model", values="value")
    wanted = corrected_t_test((by_fold["Good"] - by_fold["Poor"]).to_numpy()[:, None], ratio)
    pairs = evidence.pairs[evidence.pairs["measure"] == "cosine"]
    row = pairs.set_index(["model_a", "model_b"]).loc[("Good", "Poor")]
    assert row["p_value"] == pytest.approx(wanted.p_value[0])
    assert row["expected_folds"] == len(by_fold)
    # The mean over folds is that of instances, each with its weight.
    weights = instance_weights(evidence.plan.truths["a"])
    values = evidence.values["a"]["Good"][:, [m.name for m in MEASURES].index("cosine")]
    assert weights[weights > 0] @ values[weights > 0] == pytest.approx(by_fold["Good"].mean())
