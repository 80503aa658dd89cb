"""Every measure against a hand-worked value, a brute-force loop, and what must hold."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark import metrics
from benchmark.datasets.synthetic.dataset import draw_factors, draw_votes, latent_distributions
from benchmark.metrics import MEASURES, scores

# Worked by hand: d = (1/2, 1/2, 0, 0), p = (1/4, 1/4, 1/2, 0).
HAND_D, HAND_P = [[0.5, 0.5, 0.0, 0.0]], [[0.25, 0.25, 0.5, 0.0]]
HAND = {
    "chebyshev": 0.5,
    "clark": math.sqrt(1 / 9 + 1 / 9 + 1),
    "canberra": 1 / 3 + 1 / 3 + 1,
    "kl_divergence": math.log(2),
    "cosine": 0.25 / (math.sqrt(0.5) * math.sqrt(0.375)),
    "intersection": 0.5,
    "accuracy": 0.0,
    "tie_aware_accuracy": 0.0,
}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_hand_worked(measure):
    assert measure.function(HAND_D, HAND_P) == pytest.approx([HAND[measure.name]], abs=1e-15)


def brute_force(name, d, p):
    """One row, label by label, from the definitions."""
    labels = range(len(d))
    if name == "chebyshev":
        return max(abs(d[j] - p[j]) for j in labels)
    if name in ("clark", "canberra"):
        terms = [abs(d[j] - p[j]) / (d[j] + p[j]) if d[j] + p[j] > 0 else 0.0 for j in labels]
        return math.sqrt(sum(t * t for t in terms)) if name == "clark" else sum(terms)
    if name == "kl_divergence":
        return sum(d[j] * math.log(d[j] / max(p[j], 1e-10)) for j in labels if d[j] > 0)
    if name == "cosine":
        dot = sum(d[j] * p[j] for j in labels)
        return dot / math.sqrt(sum(x * x for x in d)) / math.sqrt(sum(x * x for x in p))
    if name == "intersection":
        return sum(min(d[j], p[j]) for j in labels)
    if name == "accuracy":
        return float(list(d).index(max(d)) == list(p).index(max(p)))
    true = {j for j in labels if d[j] == max(d)}
    predicted = [j for j in labels if p[j] == max(p)]
    return sum(j in true for j in predicted) / len(predicted)


def distributions(labels=4):
    """Rows on the simplex; votes, so that exact zeros and ties are common."""
    votes = arrays(np.int64, (3, labels), elements=st.integers(0, 5))
    return votes.map(lambda v: v + (v.sum(axis=1, keepdims=True) == 0)).map(
        lambda v: v / v.sum(axis=1, keepdims=True)
    )


@settings(max_examples=200, deadline=None)
@given(D=distributions(), P=distributions())
def test_brute_force(D, P):
    for measure in MEASURES:
        expected = [brute_force(measure.name, d, p) for d, p in zip(D, P, strict=True)]
        assert measure.function(D, P) == pytest.approx(expected, abs=1e-12), measure.name


@settings(max_examples=100, deadline=None)
@given(D=distributions(), P=distributions(), seed=st.integers(0, 99))
def test_what_must_hold(D, P, seed):
    order = np.random.default_rng(seed).permutation(D.shape[1])
    for measure in MEASURES:
        perfect = measure.function(D, D)
        assert perfect == pytest.approx(1.0 if measure.higher_is_better else 0.0, abs=1e-12)
        worst = measure.function(D, P)
        assert np.isfinite(worst).all()
        assert np.all(worst <= perfect + 1e-12 if measure.higher_is_better else worst >= -1e-12)
        if measure.name != "accuracy":  # it takes the first of tied labels, so order matters
            assert measure.function(D[:, order], P[:, order]) == pytest.approx(worst, abs=1e-12)


def test_scores_are_means_in_table_order():
    D, P = np.array(HAND_D * 2), np.array([HAND_P[0], HAND_D[0]])
    means = scores(D, P)
    assert list(means) == [measure.name for measure in MEASURES]
    assert means["chebyshev"] == pytest.approx(0.25)
    assert means["intersection"] == pytest.approx(0.75)


def test_directions_and_columns_are_the_papers():
    assert [(m.title, m.higher_is_better) for m in MEASURES[:7]] == [
        ("Cheb", False), ("Clark", False), ("Canber", False), ("KLdiv", False),
        ("Cos", True), ("Int", True), ("Accuracy %", True),
    ]  # fmt: skip
    assert [m.name for m in MEASURES if not m.in_mean_rank] == ["tie_aware_accuracy"]


@pytest.mark.parametrize(
    ("D", "P"), [([[1.0, 0]], [[1.0, 0], [1, 0]]), ([1.0, 0], [1.0, 0]), (np.ones((0, 2)),) * 2]
)
def test_other_shapes_are_refused(D, P):
    with pytest.raises(ValueError, match="matrices of one shape"):
        scores(D, P)


@pytest.mark.parametrize("name", ["emotion6", "SJAFFE"])
@pytest.mark.parametrize("predictor", ["train_mean", "uniform"])
def test_trivial_predictors_match_the_reference(shared, load_real, name, predictor):
    """The reference numbers of others for predictors that anyone can compute."""
    _, D = load_real(name)
    folds = json.loads((shared / "reference" / f"folds_{name}.json").read_text())
    per_fold = []
    for rows in folds.values():
        test = np.zeros(len(D), dtype=bool)
        test[rows] = True
        row = D[~test].mean(axis=0) if predictor == "train_mean" else np.ones(D.shape[1])
        per_fold.append(scores(D[test], np.tile(row / row.sum(), (test.sum(), 1))))
    reference = pd.read_csv(shared / "reference" / "cross_validation.csv")
    expected = reference[(reference["dataset"] == name) & (reference["algo"] == predictor)].iloc[0]
    columns = {"kl_divergence": "kl", "accuracy": "acc"}
    for measure in MEASURES[:7]:
        mean = np.mean([fold[measure.name] for fold in per_fold])
        assert mean == pytest.approx(expected[columns.get(measure.name, measure.name)], abs=6e-6)


def test_uniform_prediction_is_right_by_chance():
    """Tie-aware accuracy of equal shares is the chance of hitting a largest label."""
    D = np.array([[0.6, 0.4, 0.0], [0.4, 0.4, 0.2]])
    assert metrics.tie_aware_accuracy(D, np.full((2, 3), 1 / 3)) == pytest.approx([1 / 3, 2 / 3])


def test_clark_and_canberra_reward_sparse_predictions():
    """On the built-in set nothing beats the raters' distribution in KL; in these two much does."""
    latent = latent_distributions(draw_factors(600, seed=0))
    D = draw_votes(latent, seed=0)
    sparse = np.where(latent < 0.06, 0, latent)
    sparse /= sparse.sum(axis=1, keepdims=True)
    oracle, other = scores(D, latent), scores(D, sparse)
    for name in ("clark", "canberra"):
        assert other[name] < 0.9 * oracle[name]
    assert other["kl_divergence"] > 2 * oracle["kl_divergence"]
    assert (oracle["clark"], other["clark"]) == pytest.approx((1.591, 1.225), abs=5e-4)
    # What does it: a share that is predicted where there is none, however small.
    d, none, little = [[1.0, 0, 0]], [[1.0, 0, 0]], [[1 - 2e-4, 1e-4, 1e-4]]
    assert scores(d, none)["canberra"] == 0
    assert scores(d, little)["canberra"] == pytest.approx(2, abs=1e-3)
    assert scores(d, little)["kl_divergence"] == pytest.approx(0, abs=1e-3)


def test_the_raters_distribution_has_the_lowest_expected_kl():
    """Over many draws of the votes no sparser, flatter or shifted prediction has a lower mean."""
    latent = latent_distributions(draw_factors(50, seed=3))
    D = np.concatenate([draw_votes(latent, seed) for seed in range(60)])
    drawn_from = np.tile(latent, (60, 1))
    best = scores(D, drawn_from)["kl_divergence"]
    rng = np.random.default_rng(0)
    others = [drawn_from**power for power in (0.8, 1.25)]
    others += [0.9 * drawn_from + 0.1 / 7, np.tile(rng.dirichlet(np.ones(7), 50), (60, 1))]
    others += [drawn_from + 0.2 * drawn_from.mean(axis=0)]
    for other in others:
        assert scores(D, other / other.sum(axis=1, keepdims=True))["kl_divergence"] > best


def test_many_rows_are_scored_in_blocks_with_the_same_values(monkeypatch):
    rng = np.random.default_rng(0)
    D, P = rng.dirichlet(np.ones(5), 103), rng.dirichlet(np.ones(5), 103)
    wanted = {m.name: (m.of_rows(D, P), m.mean(D, P)) for m in metrics.ALL_MEASURES if m.per_row}
    monkeypatch.setattr("benchmark.metrics.base.BLOCK", 50)
    for measure in metrics.ALL_MEASURES:
        if measure.per_row:
            sizes = []

            def watched(d, p, function=measure.function, sizes=sizes):
                sizes.append(len(d))
                return function(d, p)

            blocked = replace(measure, function=watched)
            assert np.array_equal(blocked.of_rows(D, P), wanted[measure.name][0])
            assert blocked.mean(D, P) == wanted[measure.name][1]
            assert sizes == [*[10] * 10, 3] * 2
