"""When scores are equal: one tolerance, and ties that are an equivalence whatever the order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import make_evidence
from scipy.sparse.csgraph import connected_components

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.ties import beats, levelled, no_spread, ranks, without_ties
from benchmark.metrics import MEASURES, TOLERANCE
from benchmark.planning.plan import Result

LOWER, HIGHER = MEASURES[0], MEASURES[4]

# Multiples of a third of the tolerance: chains, ties and gaps are frequent, and none is doubtful.
STEP = TOLERANCE / 3.1
values = st.lists(st.integers(0, 60).map(lambda i: 0.5 + i * STEP), min_size=1, max_size=12)


def test_ranks_as_in_the_paper():
    """Ties share the smaller rank, direction counts, equal up to rounding is equal."""
    means = pd.Series([0.3, 0.1, 0.1 + 1e-7, 0.2, np.nan])
    assert ranks(means, LOWER).tolist()[:4] == [4, 1, 1, 3]
    assert ranks(means, HIGHER).tolist()[:4] == [1, 3, 3, 2]
    assert np.isnan(ranks(means, LOWER)[4])


@given(values)
def test_ties_are_the_classes_of_an_equivalence(found):
    """The connected components of "no farther apart than the tolerance"."""
    v = np.array(found)
    near = np.abs(v[:, None] - v) <= TOLERANCE
    _, classes = connected_components(near)
    level = levelled(v)
    np.testing.assert_array_equal(level[:, None] == level, classes[:, None] == classes)
    for number in np.unique(classes):
        assert (level[classes == number] == v[classes == number].min()).all()
    np.testing.assert_array_equal(levelled(level), level)
    order = np.random.default_rng(len(v)).permutation(len(v))
    np.testing.assert_array_equal(levelled(v[order]), level[order])


@given(values)
def test_the_rank_is_one_more_than_the_number_of_better_levels(found):
    v = pd.Series(found)
    level = levelled(v)
    for measure, better in ((LOWER, np.less), (HIGHER, np.greater)):
        expected = [1 + len(level[better(level, mine)]) for mine in level]
        assert ranks(v, measure).tolist() == expected


def test_infinite_and_missing_values_have_their_places():
    found = levelled([np.inf, 1.0, np.nan, -np.inf, np.inf, 1.0 + 1e-9])
    np.testing.assert_array_equal(found, [np.inf, 1, np.nan, -np.inf, np.inf, 1])
    assert levelled([]).shape == (0,)
    assert np.isnan(levelled([np.nan])).all()


def test_to_beat_takes_more_than_rounding():
    assert beats(0.1, 0.2, LOWER)
    assert beats(0.2, 0.1, HIGHER)
    for measure in (LOWER, HIGHER):
        for value in (0.1, 0.1 + 1e-7, 0.1 - 1e-7, np.nan):
            assert not beats(value, 0.1, measure)


def test_differences_of_tied_scores_are_zero_and_have_no_sign():
    found = without_ties(np.array([1e-7, -1e-7, -0.0, 1e-3, -1e-3, np.nan]))
    np.testing.assert_array_equal(found, [0, 0, 0, 1e-3, -1e-3, np.nan])
    assert not np.signbit(found[:3]).any()


def test_spread_is_told_relative_to_the_values():
    column = np.array([0.0, 1e-7, -1e-7])
    assert no_spread(np.stack([column, 0.2 + column, 1e6 + column * 1e6], axis=1)).all()
    assert not no_spread(np.stack([column * 100, 0.2 + column * 100], axis=1)).any()


def rounded_twin(evidence: Evidence, name: str) -> Evidence:
    """Let the model Twin predict what another does, in single precision."""
    results = dict(evidence.results)
    for task, result in evidence.results.items():
        if task.model == name:
            (twin,) = (t for t in results if t.model == "Twin" and t.fold == task.fold)
            P = result.predictions.astype(np.float32).astype(np.float64)
            results[twin] = Result(P, results[twin].record)
    return Evidence(evidence.plan, results, 0, evidence.folders, evidence.abouts, evidence.target)


@pytest.mark.parametrize("name", ["Good", "Poor"])
def test_what_differs_by_single_precision_shares_rank_mark_and_verdict(tmp_path, name):
    models = {"Good": 0.1, "Other": 0.4, "Twin": 0.2, "Poor": 0.9}
    evidence = rounded_twin(make_evidence(tmp_path, models, {"d": 80}, folds=4), name)
    summary = evidence.summary.set_index("model")
    assert (summary.loc[name, "kl_divergence"]) != summary.loc["Twin", "kl_divergence"]
    for column in ("mean_rank", *(f"{measure.name}_rank" for measure in MEASURES)):
        assert summary.loc[name, column] == summary.loc["Twin", column], column
    lost = summary["not_better_than_mean"]
    assert lost[name] == lost["Twin"]
    pairs = evidence.pairs.set_index(["measure", "model_a", "model_b"])
    for measure in MEASURES:
        key = (measure.name, *sorted([name, "Twin"], key=list(models).index))
        row = pairs.loc[key]
        assert row["difference"] == 0
        assert row["share_won"] == 0.5
        assert np.isnan(row["p_holm"])


def test_a_model_that_equals_the_mean_distribution_in_single_precision_does_not_beat_it(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.4}, {"d": 60}, folds=3)
    truth = evidence.plan.truths["d"]
    results = dict(evidence.results)
    for task, result in evidence.results.items():
        if task.model == "B":
            train = truth.folds.train(task.repeat, task.fold)
            mean = truth.D[train].mean(axis=0).astype(np.float32).astype(np.float64)
            results[task] = Result(np.tile(mean, (len(result.predictions), 1)), result.record)
    summary = Evidence(
        evidence.plan, results, 0, evidence.folders, evidence.abouts, evidence.target
    ).summary.set_index("model")
    lost = summary.loc["B", "not_better_than_mean"].split()
    assert lost == [measure.name for measure in MEASURES]
