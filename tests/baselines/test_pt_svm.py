import json

import numpy as np
import pytest
from sklearn.base import clone

from baselines import pt_svm
from baselines.pt_svm import PTSVM


def kl(D, P):
    return (D * np.log(np.maximum(D, 1e-10) / np.maximum(P, 1e-10))).sum(axis=1).mean()


def test_it_learns_and_reports(problem):
    X, D = problem
    model = PTSVM(random_state=0).fit(X, D)
    P = model.predict(X)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)
    assert (P >= 0).all()
    assert kl(D, P) < 0.8 * kl(D, np.tile(D.mean(axis=0), (len(D), 1)))
    assert model.converged_
    assert model.violation_ <= model.tol
    assert 0 < model.n_iter_ < model.max_iter
    assert np.isfinite(model.objective_)
    assert (model.sigmoids_[:, 0] < 0).all()


def test_a_spent_budget_is_reported(problem):
    model = PTSVM(random_state=0, max_iter=2, tol=1e-8).fit(*problem)
    assert model.n_iter_ == 2
    assert not model.converged_
    assert model.violation_ > 1e-8


def test_the_seed_decides_the_folds_and_nothing_else(problem):
    X, D = problem
    before = X.copy(), D.copy()
    model = PTSVM(random_state=1)
    P = model.fit(X, D).predict(X)
    np.testing.assert_array_equal(P, clone(model).fit(X, D).predict(X))
    other = PTSVM(random_state=2).fit(X, D)
    np.testing.assert_array_equal(model.beta_, other.beta_)
    assert not np.array_equal(P, other.predict(X))
    assert np.isfinite(PTSVM(random_state=None).fit(X, D).predict(X)).all()
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(D, before[1])


def test_a_rows_own_labels_do_not_reach_its_held_out_decision_values(problem):
    """Other rows' values do change: they were trained with this row."""
    X, D = problem
    changed = D.copy()
    changed[7] = np.roll(D[7], 1)
    a, b = (
        PTSVM(random_state=0, tol=1e-8, max_iter=20_000).fit(X, labels) for labels in (D, changed)
    )
    difference = np.abs(a.held_out_decisions_ - b.held_out_decisions_).max(axis=0)
    assert difference[7] < 1e-5
    assert difference.max() > 1e-3


def test_probabilities_rise_with_the_decision_values(problem):
    """Two labels: the coupling leaves the sigmoid as it is."""
    X, D = problem
    two = D[:, :2] / D[:, :2].sum(axis=1, keepdims=True)
    model = PTSVM(random_state=0, scaling="none").fit(X, two)
    order = np.argsort(model._decision_values(X)[:, 0])
    p = model.predict(X)[order, 0]
    assert (np.diff(p) >= 0).all()
    assert p[-1] > p[0]
    assert np.corrcoef(p, two[order, 0])[0, 1] > 0.7


def test_a_label_without_weight_gets_next_to_nothing(problem):
    X, D = problem
    D = np.insert(D, 2, 0.0, axis=1)
    D = np.insert(D, 0, 0.0, axis=1)
    model = PTSVM(random_state=0).fit(X, D)
    P = model.predict(X)
    assert model.converged_
    assert P[:, [0, 3]].max() < 0.05
    without = PTSVM(random_state=0).fit(*problem).predict(X)
    np.testing.assert_allclose(P[:, [1, 2, 4, 5]], without, atol=0.06)


@pytest.mark.parametrize(
    ("X", "D"),
    [
        (np.zeros((1, 2)), np.array([[0.3, 0.7]])),
        (np.zeros((4, 2)), np.eye(4)),
        (np.arange(3.0)[:, None], np.eye(3)),
        (np.random.default_rng(0).normal(size=(6, 30)), np.full((6, 3), 1 / 3)),
    ],
)
def test_tiny_and_degenerate_problems(X, D):
    P = PTSVM(random_state=0).fit(X, D).predict(np.concatenate([X, X * 1e6, X + 1e6]))
    assert np.isfinite(P).all()
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)


def test_far_features_give_a_distribution(problem):
    X, D = problem
    P = PTSVM(random_state=0).fit(X * [1, 1e-6, 1e6, 0, 1], D).predict(X * 1e6)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"C": 0}, {"gamma": -1.0}, {"tol": 0}, {"max_iter": 0}, {"scaling": "max"}]
)
def test_hyper_parameters_without_meaning_are_refused(problem, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PTSVM(**wrong).fit(*problem)


def test_too_many_rows_are_refused_before_any_memory_is_taken(problem, monkeypatch):
    monkeypatch.setattr(pt_svm, "MAX_ROWS", 59)
    with pytest.raises(ValueError, match="at most 59 rows"):
        PTSVM(random_state=0).fit(*problem)


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_emotion6_lies_among_the_reference_variants(shared, load_real, scaling):
    X, D = load_real("emotion6")
    test = np.zeros(len(X), dtype=bool)
    test[json.loads((shared / "reference" / "folds_emotion6.json").read_text())["0"]] = True
    model = PTSVM(random_state=0, scaling=scaling).fit(X[~test], D[~test])
    P = model.predict(X[test])
    assert model.converged_
    assert (model.sigmoids_[:, 0] < 0).all()
    assert 0.54 < kl(D[test], P) < 0.60
    assert (P.argmax(axis=1) == D[test].argmax(axis=1)).mean() >= 0.28
