"""SA-BFGS: against the known minima, an independent Newton method, and reference results."""

import csv
import json

import numpy as np
import pytest
from scipy.optimize import OptimizeResult
from scipy.special import rel_entr, softmax
from sklearn.base import clone

from baselines import sa_bfgs
from baselines.sa_bfgs import SABFGS

CASES = [("SJAFFE", "none"), ("SJAFFE", "standard"), ("emotion6", "none"), ("emotion6", "standard")]
SHORT = {"none": "raw", "standard": "std"}


def fold_rows(shared, name, n, fold):
    """Return the training and the test rows of a reference fold."""
    test = np.array(json.loads((shared / f"reference/folds_{name}.json").read_text())[str(fold)])
    return np.setdiff1d(np.arange(n), test), test


def newton_minimum(X, D, l2):
    """Minimise by damped Newton steps with the full Hessian, written out."""
    (n, q), c = X.shape, D.shape[1]
    W = np.zeros((q, c))
    mass = D.sum(axis=1)

    def loss(W):
        return -(D * np.log(softmax(X @ W, axis=1))).sum() + l2 / 2 * (W**2).sum()

    for _ in range(50):
        P = softmax(X @ W, axis=1)
        slope = (X.T @ (mass[:, None] * P - D) + l2 * W).ravel()
        H = l2 * np.eye(q * c)
        for i in range(n):
            H += mass[i] * np.kron(np.outer(X[i], X[i]), np.diag(P[i]) - np.outer(P[i], P[i]))
        step = -(np.linalg.pinv(H) @ slope).reshape(q, c)
        size = 1.0
        while loss(W + size * step) > loss(W) and size > 1e-12:
            size /= 2
        W = W + size * step
    return W, loss(W)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_converged_run_reaches_the_known_minimum(shared, load_real, name, scaling):
    known = json.loads((shared / "reference/maxent_minimum_fold0.json").read_text())
    case = known[f"{name}_{SHORT[scaling]}"]
    X, D = load_real(name)
    train, test = fold_rows(shared, name, len(X), 0)
    model = SABFGS(whiten=True, tol=1e-7, scaling=scaling).fit(X[train], D[train])
    assert model.converged_
    assert model.n_iter_ < 100
    assert model.objective_ == pytest.approx(case["minimum_sum_cross_entropy"], rel=1e-10)
    kl = rel_entr(D[test], model.predict(X[test])).sum(axis=1).mean()
    assert kl == pytest.approx(case["test_at_minimum"]["kl"], abs=1e-5)


@pytest.mark.slow
def test_plain_coordinates_reach_the_minimum_of_standardised_features(shared, load_real):
    known = json.loads((shared / "reference/maxent_minimum_fold0.json").read_text())
    X, D = load_real("SJAFFE")
    train, _ = fold_rows(shared, "SJAFFE", len(X), 0)
    model = SABFGS(tol=1e-7, scaling="standard").fit(X[train], D[train])
    assert model.converged_
    minimum = known["SJAFFE_std"]["minimum_sum_cross_entropy"]
    assert model.objective_ == pytest.approx(minimum, rel=1e-9)


@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("whiten", [False, True])
def test_minimum_and_weights_equal_those_of_newton(problem, l2, whiten):
    X, D = problem
    D = D.copy()
    D[::5] = np.eye(4)[1]
    X = X * np.array([1.0, 3.0, 0.2, 1.0, 1.0])
    expected, lowest = newton_minimum(X, D, l2)
    model = SABFGS(max_iter=5000, tol=1e-10, l2=l2, whiten=whiten).fit(X, D)
    assert model.converged_
    assert model.objective_ == pytest.approx(lowest, rel=1e-12)
    np.testing.assert_allclose(model.weights_, expected, atol=1e-6)


def fold_means(shared, load_real, model, name):
    """Return the mean Chebyshev distance, KL and intersection over the reference folds."""
    X, D = load_real(name)
    found = []
    for fold in range(10):
        train, test = fold_rows(shared, name, len(X), fold)
        T, P = D[test], clone(model).fit(X[train], D[train]).predict(X[test])
        shared_mass = np.minimum(T, P).sum(axis=1)
        found.append((np.abs(T - P).max(axis=1), rel_entr(T, P).sum(axis=1), shared_mass))
    return np.mean([[measure.mean() for measure in fold] for fold in found], axis=0)


def reference_means(shared, name, scaling, algo):
    with (shared / "reference/cross_validation.csv").open() as lines:
        rows = {(r["dataset"], r["scaling"], r["algo"]): r for r in csv.DictReader(lines)}
    row = rows[name, SHORT[scaling], algo]
    return [float(row[measure]) for measure in ("chebyshev", "kl", "intersection")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_folds_mean_measures_at_the_optimum_equal_the_reference(shared, load_real, name, scaling):
    model = SABFGS(whiten=True, tol=1e-8, scaling=scaling)
    expected = reference_means(shared, name, scaling, "MaxEnt_optimum")
    found = fold_means(shared, load_real, model, name)
    # rel_entr has no floor for zeros in D, which the reference KL has: hence not half a digit.
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("scaling", "rounding"), [("standard", 6e-4), ("none", 4e-3)])
def test_folds_mean_measures_of_the_default_equal_the_reference(
    shared, load_real, scaling, rounding
):
    """The path on raw features magnifies rounding; the trivial KL is 0.073, the optimum 0.147."""
    expected = reference_means(shared, "SJAFFE", scaling, "LBFGS500_zero")
    found = fold_means(shared, load_real, SABFGS(scaling=scaling), "SJAFFE")
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)


def test_a_spent_budget_is_reported(problem):
    X, D = problem
    model = SABFGS(max_iter=3, tol=1e-12).fit(X, D)
    assert model.n_iter_ == 3
    assert model.converged_ is False
    assert model.objective_ < len(X) * np.log(4)
    P = softmax(X @ model.weights_, axis=1)
    assert model.objective_ == pytest.approx(-(D * np.log(P)).sum(), rel=1e-12)
    np.testing.assert_allclose(model.predict(X), P, atol=1e-13)


def test_the_defaults_are_the_documented_ones():
    assert SABFGS().get_params() == {
        "max_iter": 500,
        "tol": 1e-5,
        "l2": 0.0,
        "whiten": False,
        "initial_weights": "zeros",
        "scaling": "none",
    }


def meets(model, X, D, tol):
    """Check the documented test, |g_kj| <= tol sum_i |x_ik|, written out."""
    mass = D.sum(axis=1, keepdims=True)
    slope = X.T @ (mass * softmax(X @ model.weights_, axis=1) - D)
    return bool((np.abs(slope) <= 1.001 * tol * np.abs(X).sum(axis=0)[:, None]).all())


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-3, 1e-2, 1e2, 1e3, 1e5])
def test_converged_means_every_feature_in_its_own_unit(problem, unit):
    X, D = problem
    X = X * np.array([unit, 1, 1, 1, 1])
    short, long = (SABFGS(max_iter=n).fit(X, D) for n in (20, 3000))
    for model in (short, long):
        assert model.converged_ is meets(model, X, D, 1e-5)
    assert not short.converged_
    if unit <= 1e3:
        assert long.converged_
        lowest = SABFGS(whiten=True, tol=1e-10).fit(X, D).objective_
        assert long.objective_ == pytest.approx(lowest, abs=1e-5)
        # It ended at the first point that meets the test.
        assert not SABFGS(max_iter=long.n_iter_ - 1).fit(X, D).converged_


def test_features_that_rounding_hides_are_no_convergence(problem):
    X, D = problem
    model = SABFGS(max_iter=5000).fit(X * np.array([1, 1, 1, 1, 1e-9]), D)
    assert model.n_iter_ < 5000
    assert model.converged_ is False
    # Nothing to gain at all is one.
    assert SABFGS(max_iter=5000, tol=0.0).fit(X, D).converged_


@pytest.mark.parametrize("whiten", [False, True])
def test_the_penalty_of_a_feature_without_content_is_judged(problem, whiten):
    X, D = problem
    X = np.column_stack([np.zeros(len(X)), X])
    model = SABFGS(l2=0.5, whiten=whiten, initial_weights="identity").fit(X, D)
    assert model.converged_
    assert np.abs(model.weights_[0]).max() <= 1e-5


def test_a_failed_line_search_is_reported_with_the_objective_of_its_weights(problem, monkeypatch):
    X, D = problem

    def fail(evaluate, start, **_):
        return OptimizeResult(x=start, fun=-1.0, nit=0, status=2)

    monkeypatch.setattr(sa_bfgs, "minimize", fail)
    model = SABFGS().fit(X, D)
    assert (model.n_iter_, model.converged_) == (0, False)
    assert model.objective_ == pytest.approx(len(X) * np.log(4), rel=1e-12)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("unit", [1e-99, 1e-14, 1e-7, 1e7, 1e13, 1e98])
def test_features_of_extreme_size(problem, unit, whiten):
    X, D = problem
    expected = SABFGS(tol=1e-8).fit(X, D)
    model = SABFGS(tol=1e-8, whiten=whiten).fit(X * unit, D)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected.objective_, rel=1e-9)
    np.testing.assert_allclose(model.weights_ * unit, expected.weights_, atol=1e-5)
    np.testing.assert_allclose(model.predict(X * unit), expected.predict(X), atol=1e-6)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_start_and_penalty_follow_the_unit_of_the_features(problem, unit):
    X, D = problem
    tied = SABFGS(l2=0.3 * unit**2, tol=1e-9).fit(X * unit, D)
    free = SABFGS(l2=0.3, tol=1e-9).fit(X, D)
    np.testing.assert_allclose(tied.weights_ * unit, free.weights_, atol=1e-6)
    assert tied.objective_ == pytest.approx(free.objective_, rel=1e-9)
    begun = SABFGS(initial_weights=free.weights_ / unit, l2=0.3 * unit**2).fit(X * unit, D)
    assert begun.n_iter_ <= 1


@pytest.mark.parametrize("unit", [1e-160, 1e-200, 1e-310])
def test_features_whose_squares_underflow_are_refused(problem, unit):
    X, D = problem
    with pytest.raises(ValueError, match="rescale the features above 1e-100"):
        SABFGS().fit(X * unit, D)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_tolerance_does_not_depend_on_the_unit_of_the_features(problem, unit):
    X, D = problem
    expected = SABFGS(tol=1e-8).fit(X, D)
    model = SABFGS(tol=1e-8).fit(X * unit, D)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected.objective_, rel=1e-9)


@pytest.mark.parametrize("whiten", [False, True])
def test_more_features_than_rows_and_constant_features(whiten):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(8, 20))
    X[:, 4], X[:, 5], X[:, 6] = 0.0, 7.0, X[:, 7]
    D = rng.dirichlet(np.ones(3), size=8)
    model = SABFGS(whiten=whiten, tol=1e-8).fit(X, D)
    np.testing.assert_allclose(model.predict(X), D, atol=1e-5)
    # From zero weights nothing appears in the directions that no training row has.
    null = np.linalg.svd(X)[2][8:]
    np.testing.assert_allclose(null @ model.weights_, 0.0, atol=1e-9)


def test_whitening_keeps_the_start_where_no_row_looks():
    rng = np.random.default_rng(4)
    X, D = rng.normal(size=(6, 10)), rng.dirichlet(np.ones(3), size=6)
    start = rng.normal(size=(10, 3))
    model = SABFGS(whiten=True, tol=1e-8, initial_weights=start).fit(X, D)
    null = np.linalg.svd(X)[2][6:]
    np.testing.assert_allclose(null @ model.weights_, null @ start, atol=1e-9)
    np.testing.assert_allclose(model.predict(X), D, atol=1e-5)
    shrunk = SABFGS(whiten=True, l2=0.1, initial_weights=start).fit(X, D)
    np.testing.assert_allclose(null @ shrunk.weights_, 0.0, atol=1e-9)


@pytest.mark.parametrize("whiten", [False, True])
def test_features_without_content_predict_uniformly(whiten):
    D = np.random.default_rng(0).dirichlet(np.ones(3), size=5)
    model = SABFGS(whiten=whiten).fit(np.zeros((5, 2)), D)
    np.testing.assert_allclose(model.predict(np.ones((4, 2))), 1 / 3, atol=1e-15)
    assert model.converged_


def test_predictions_stay_distributions_far_outside(problem):
    X, D = problem
    for model in (SABFGS(), SABFGS(whiten=True)):
        P = model.fit(X, D).predict(X * 1e6)
        assert (P >= 0).all()
        np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_clone_and_repetition(problem):
    X, D = problem
    model = SABFGS(initial_weights=np.full((5, 4), 0.5), max_iter=20)
    first = model.fit(X, D).weights_
    np.testing.assert_array_equal(clone(model).fit(X, D).weights_, first)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        *[({"max_iter": value}, "max_iter") for value in (0, 2.5, True, None, "5", np.inf)],
        *[({"tol": value}, "tol") for value in (-1.0, np.nan, np.inf, True, None, "0.1")],
        *[({"l2": value}, "l2") for value in (-0.1, np.inf, True, None, "0.1")],
        *[({"whiten": value}, "whiten") for value in ("no", None, 1)],
        ({"initial_weights": [["a"]]}, "initial_weights"),
        ({"initial_weights": None}, "initial_weights"),
        ({"initial_weights": "ones"}, "initial_weights"),
        ({"scaling": "unit"}, "scaling"),
    ],
)
def test_settings_that_mean_nothing(problem, settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        SABFGS(**settings).fit(*problem)
