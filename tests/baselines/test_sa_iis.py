"""SA-IIS: steps against a scalar root finder, trajectories against reference numbers."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import rel_entr, softmax
from sklearn.base import clone

import baselines.sa_iis as sa_iis
from baselines.maxent import objective
from baselines.sa_bfgs import SABFGS
from baselines.sa_iis import SAIIS, StepSolver

CASES = [("SJAFFE", "none"), ("SJAFFE", "standard"), ("emotion6", "none"), ("emotion6", "standard")]
SHORT = {"none": "raw", "standard": "std"}


def fold_rows(shared, name, n, fold):
    """Return the training and the test rows of a reference fold."""
    test = np.array(json.loads((shared / f"reference/folds_{name}.json").read_text())[str(fold)])
    return np.setdiff1d(np.arange(n), test), test


def root(p, x, f, target):
    """Solve one cell by bracketing and Brent's method."""
    z = np.sign(x) * f

    def h(delta):
        return (p * x * np.exp(np.clip(delta * z, -700, 700))).sum() - target

    low, high = -1.0 / f.max(), 1.0 / f.max()
    while h(low) > 0:
        low *= 2
    while h(high) < 0:
        high *= 2
    return brentq(h, low, high, xtol=1e-16, rtol=1e-15)


def assert_steps_are_roots(X, D, P):
    """Compare every step with Brent's root, as exponents ``delta max f``."""
    f = np.abs(X).sum(axis=1)
    steps = StepSolver(X, D).steps(np.log(P.T))
    for j, k in np.ndindex(steps.shape):
        expected = root(P[:, j], X[:, k], f, D[:, j] @ X[:, k])
        assert steps[j, k] * f.max() == pytest.approx(expected * f.max(), rel=1e-10, abs=1e-10)


def data(seed, n=40, q=6, c=4, concentration=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, q)), rng.dirichlet(np.full(c, concentration), size=n), rng


@pytest.mark.parametrize("spread", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("sign", ["mixed", "positive", "negative"])
def test_steps_are_the_roots(spread, sign):
    X, D, rng = data(1)
    X = {"mixed": X, "positive": np.abs(X), "negative": -np.abs(X)}[sign]
    P = softmax(rng.normal(size=D.shape) * spread, axis=1)
    assert_steps_are_roots(X, D, P)


def test_steps_of_rows_that_differ_in_size_by_many_orders():
    X, D, rng = data(2)
    X *= 10.0 ** rng.uniform(-3, 3, size=(len(X), 1))
    assert_steps_are_roots(X, D, softmax(rng.normal(size=D.shape), axis=1))


def test_small_steps_need_no_search_cell_by_cell(monkeypatch):
    X, D, rng = data(3)
    P = 0.9 * D + 0.1 * softmax(rng.normal(size=D.shape), axis=1)

    def refuse(*_):
        raise AssertionError("the series should have sufficed")

    monkeypatch.setattr(sa_iis, "solve_exactly", refuse)
    assert_steps_are_roots(X, D, P)


def test_search_cell_by_cell_alone(monkeypatch):
    """The fallback, made to do all the work, finds the same roots."""
    X, D, rng = data(4)
    monkeypatch.setattr(sa_iis, "LONGEST_SERIES", -1.0)
    assert_steps_are_roots(X, D, softmax(rng.normal(size=D.shape), axis=1))


def test_series_error_bounds_the_true_error():
    """Truncate exp(t g) for g in (0, 1], solve, and compare with the full solution."""
    rng = np.random.default_rng(5)
    for power in (3, 5, 9):
        for _ in range(200):
            g = rng.uniform(0.05, 1, size=8)
            x = rng.normal(size=8)
            target = rng.normal() * 2
            s = np.sign(x)
            moments = np.array([(x * s**r * g**r).sum() for r in range(power + 1)])
            if (x > 0).all() or (x < 0).all():
                continue
            t, _ = sa_iis.solve_series(
                moments[:, None, None], np.full((1, 1), target), np.zeros((1, 1))
            )
            exact = root(np.ones(8), x, g, target)
            residual = sum(moments[r] * t[0, 0] ** r / np.prod(np.arange(1, r + 1), initial=1.0)
                           for r in range(power + 1)) - target  # fmt: skip
            if abs(t[0, 0]) < 2.5 and abs(residual) < 1e-12:
                bound = sa_iis.series_error(np.abs(t), power)[0, 0] * moments[power] / moments[1]
                assert abs(t[0, 0] - exact) <= bound + 1e-12


def test_rows_that_sum_to_one_have_the_closed_step():
    """With f = 1 and no negative value, delta = ln(sum d x / sum p x)."""
    rng = np.random.default_rng(6)
    X, D = rng.dirichlet(np.ones(5), size=30), rng.dirichlet(np.ones(3), size=30)
    P = rng.dirichlet(np.ones(3), size=30)
    steps = StepSolver(X, D).steps(np.log(P.T))
    np.testing.assert_allclose(steps, np.log((D.T @ X) / (P.T @ X)), atol=1e-12)


def test_equations_without_a_finite_root():
    X = np.array([[0.0, 2.0, 0.0, 1.0], [0.0, 3.0, -1.0, 2.0], [0.0, 0.0, -2.0, -1.0]])
    D = np.array([[0.0, 0.5, 0.5], [0.0, 0.3, 0.7], [0.0, 0.8, 0.2]])  # label 0 never occurs
    P = np.full((3, 3), 1 / 3)
    steps = StepSolver(X, D).steps(np.log(P.T))
    longest = sa_iis.LONGEST_STEP / 6.0
    np.testing.assert_array_equal(steps[:, 0], 0.0)  # the feature is zero in every row
    assert steps[0, 1] == pytest.approx(-longest)  # positive feature: weight to minus infinity
    assert steps[0, 2] == pytest.approx(longest)  # negative feature: weight to plus infinity
    f = np.abs(X).sum(axis=1)
    for j, k in [(1, 1), (2, 1), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3)]:
        expected = root(P[:, j], X[:, k], f, D[:, j] @ X[:, k])
        assert steps[j, k] == pytest.approx(expected, rel=1e-10, abs=1e-11)


def test_predictions_that_underflow():
    """Where exp(ln p) is 0 the step still stops before that row's share explodes."""
    X = np.array([[1.0, 1.0], [1.0, -3.0]])
    D = np.array([[0.5, 0.5], [0.5, 0.5]])
    log_P = np.array([[-2000.0, 0.0], [-900.0, 0.0]])
    steps = StepSolver(X, D).steps(log_P)
    # Feature 0, label 0: exp(-2000 + 2 t) + exp(4 t) = 1 with t = delta has its root at t = 0-.
    assert steps[0, 0] == pytest.approx(0.0, abs=1e-15)
    # Feature 1: exp(l + 2 t) - 3 exp(-4 t) = 0.5 - 1.5, where the first term vanishes at the root.
    np.testing.assert_allclose(steps[:, 1], np.log(3.0) / 4, rtol=1e-12)
    # With that second row gone too only the first row can balance the target.
    far = StepSolver(X[:1], D[:1]).steps(log_P[:, :1])
    np.testing.assert_allclose(far[:, 0], [(2000 - np.log(2)) / 2, (900 - np.log(2)) / 2])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_thirty_iterations_from_identity_follow_the_reference(shared, load_real, name, scaling):
    known = json.loads((shared / "reference/iis_trajectory_fold0.json").read_text())
    expected = known["after_30_iterations_from_identity_weights"][f"{name}_{SHORT[scaling]}"]
    X, D = load_real(name)
    train, _ = fold_rows(shared, name, len(X), 0)
    model = SAIIS(max_iter=30, tol=0.0, scaling=scaling).fit(X[train], D[train])
    assert round(model.objective_, 6) == expected
    assert (model.n_iter_, model.converged_) == (30, False)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES[:3])  # the fourth takes as long again
def test_five_hundred_iterations_from_random_follow_the_reference(shared, load_real, name, scaling):
    known = json.loads((shared / "reference/iis_trajectory_fold0.json").read_text())
    after = next(values for key, values in known.items() if key.startswith("after_500"))
    X, D = load_real(name)
    train, _ = fold_rows(shared, name, len(X), 0)
    start = np.random.RandomState(0).random_sample((X.shape[1], D.shape[1]))
    model = SAIIS(max_iter=500, tol=0.0, initial_weights=start, scaling=scaling)
    model.fit(X[train], D[train])
    assert round(model.objective_, 6) == after[f"{name}_{SHORT[scaling]}"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_folds_mean_measures_equal_the_reference(shared, load_real, name, scaling):
    with (shared / "reference/cross_validation.csv").open() as lines:
        row = next(
            r
            for r in csv.DictReader(lines)
            if (r["dataset"], r["scaling"], r["algo"])
            == (name, SHORT[scaling], "IIS30_eye(toolbox)")
        )
    X, D = load_real(name)
    found = []
    for fold in range(10):
        train, test = fold_rows(shared, name, len(X), fold)
        model = SAIIS(max_iter=30, scaling=scaling).fit(X[train], D[train])
        T, P = D[test], model.predict(X[test])
        found.append(
            (
                np.abs(T - P).max(axis=1).mean(),
                rel_entr(T, P).sum(axis=1).mean(),
                np.minimum(T, P).sum(axis=1).mean(),
            )
        )
    expected = [float(row[m]) for m in ("chebyshev", "kl", "intersection")]
    np.testing.assert_allclose(np.mean(found, axis=0), expected, rtol=0, atol=0.6e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    unit=st.sampled_from([1e-3, 1.0, 50.0]),
    sparsity=st.sampled_from([0.0, 0.6]),
    sign=st.sampled_from(["mixed", "positive"]),
    orders=st.sampled_from([0.0, 3.0]),
)
def test_the_objective_never_rises(seed, unit, sparsity, sign, orders):
    """Also where rows differ by orders of magnitude and predictions underflow."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 4)) * unit * 10.0 ** rng.uniform(-orders, orders, size=(12, 1))
    X = np.where(rng.random(X.shape) < sparsity, 0.0, X if sign == "mixed" else np.abs(X))
    D = rng.dirichlet(np.full(3, 0.3), size=12)
    D[D < 0.2] = 0.0
    D /= D.sum(axis=1, keepdims=True)
    W = rng.normal(size=(4, 3))
    for _ in range(6):
        model = SAIIS(max_iter=1, initial_weights=W).fit(X, D)
        before = objective(X, D, W)
        assert model.objective_ <= before + 1e-10 * (1 + before)
        W = model.weights_


def test_it_approaches_the_minimum_of_sa_bfgs(problem):
    X, D = problem
    lowest = SABFGS(tol=1e-9, whiten=True).fit(X, D).objective_
    model = SAIIS(max_iter=5000, tol=1e-10, initial_weights="zeros").fit(X, D)
    assert model.converged_
    assert model.n_iter_ < 5000
    assert model.objective_ == pytest.approx(lowest, rel=1e-6)
    assert model.objective_ >= lowest - 1e-9


def test_it_descends_towards_the_minimum_on_real_data(shared, load_real):
    known = json.loads((shared / "reference/maxent_minimum_fold0.json").read_text())
    X, D = load_real("SJAFFE")
    train, _ = fold_rows(shared, "SJAFFE", len(X), 0)
    reached = [
        SAIIS(max_iter=n, tol=0.0).fit(X[train], D[train]).objective_ for n in (1, 10, 100, 400)
    ]
    assert np.all(np.diff(reached) < 0)
    assert reached[-1] > known["SJAFFE_raw"]["minimum_sum_cross_entropy"]


def test_the_defaults_are_those_of_the_original():
    assert SAIIS().get_params() == {
        "max_iter": 50,
        "tol": 1e-7,
        "initial_weights": "identity",
        "scaling": "none",
    }


def test_a_rise_of_the_objective_is_no_convergence(problem):
    """Sums of D that are off by 9e-5 put the end of IIS beside the minimum, where this begins."""
    X, D = problem
    D = D * (1 + 9e-5 * np.sign(X[:, :1]))
    lowest = SABFGS(tol=0.0, whiten=True).fit(X, D)
    model = SAIIS(max_iter=1, tol=1e-12, initial_weights=lowest.weights_).fit(X, D)
    assert model.objective_ > lowest.objective_ + 1e-10
    assert model.converged_ is False
    # A change below the tolerance is convergence, up or down.
    settled = SAIIS(max_iter=1, tol=1e-2, initial_weights=lowest.weights_).fit(X, D)
    assert settled.objective_ == model.objective_
    assert settled.converged_ is True


def test_tiny_features(problem):
    X, D = problem
    for unit in (1e-110, 1e-310):
        with pytest.raises(ValueError, match="rescale the features above 1e-100"):
            SAIIS().fit(X * unit, D)
    small = SAIIS(max_iter=5, initial_weights="zeros").fit(X * 1e-90, D)
    usual = SAIIS(max_iter=5, initial_weights="zeros").fit(X, D)
    assert small.objective_ == pytest.approx(usual.objective_, rel=1e-9)
    X = X * np.array([1, 1, 1, 1, 1e-310])
    assert np.isfinite(SAIIS(max_iter=5).fit(X, D).predict(X)).all()


def test_the_default_start_is_the_identity(problem):
    X, D = problem
    default = SAIIS(max_iter=2).fit(X, D)
    given_start = SAIIS(max_iter=2, initial_weights=np.eye(5, 4)).fit(X, D)
    np.testing.assert_array_equal(default.weights_, given_start.weights_)


def test_predictions_are_the_softmax_and_stay_distributions_far_outside(problem):
    X, D = problem
    model = SAIIS().fit(X, D)
    np.testing.assert_allclose(model.predict(X), softmax(X @ model.weights_, axis=1), atol=1e-13)
    P = model.predict(X * 1e6)
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert np.isfinite(SAIIS(max_iter=5).fit(X * 1e6, D).objective_)


def test_features_without_content_predict_uniformly():
    D = np.random.default_rng(0).dirichlet(np.ones(3), size=5)
    model = SAIIS(initial_weights="zeros").fit(np.zeros((5, 2)), D)
    assert model.converged_
    np.testing.assert_allclose(model.predict(np.ones((4, 2))), 1 / 3, atol=1e-15)


def test_clone_repetition_and_untouched_inputs(problem):
    X, D = problem
    before = X.copy(), D.copy()
    model = SAIIS(max_iter=5)
    first = model.fit(X, D).weights_
    np.testing.assert_array_equal(clone(model).fit(X, D).weights_, first)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(D, before[1])


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        *[({"max_iter": value}, "max_iter") for value in (0, 2.5, True, None, "5", np.inf)],
        *[({"tol": value}, "tol") for value in (-1.0, np.nan, np.inf, True, None, "0.1")],
        ({"initial_weights": "ones"}, "initial_weights"),
        ({"initial_weights": np.ones((4, 5))}, "initial_weights"),
    ],
)
def test_settings_that_mean_nothing(problem, bad, complaint):
    with pytest.raises(ValueError, match=complaint):
        SAIIS(**bad).fit(*problem)
