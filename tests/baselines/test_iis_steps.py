"""The steps of IIS: against a scalar root finder, also where no series serves."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax

import baselines.iis_steps as iis_steps
from baselines.iis_moments import Moments
from baselines.iis_steps import StepSolver, intercept_steps


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

    monkeypatch.setattr(iis_steps, "solve_exactly", refuse)
    assert_steps_are_roots(X, D, P)


def test_search_cell_by_cell_alone(monkeypatch):
    """The fallback, made to do all the work, finds the same roots."""
    X, D, rng = data(4)
    monkeypatch.setattr(iis_steps, "LONGEST_SERIES", -1.0)
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
            t, _ = iis_steps.solve_series(
                moments[:, None, None], np.full((1, 1), target), np.zeros((1, 1))
            )
            exact = root(np.ones(8), x, g, target)
            residual = sum(moments[r] * t[0, 0] ** r / np.prod(np.arange(1, r + 1), initial=1.0)
                           for r in range(power + 1)) - target  # fmt: skip
            if abs(t[0, 0]) < 2.5 and abs(residual) < 1e-12:
                bound = iis_steps.series_error(np.abs(t), power)[0, 0] * moments[power] / moments[1]
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
    longest = iis_steps.LONGEST_STEP / 6.0
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


def test_steps_of_intercepts_are_roots_and_cut():
    rng = np.random.default_rng(7)
    P, D = rng.dirichlet(np.ones(3), size=20), rng.dirichlet(np.ones(3), size=20)
    D[:, 2] = 0.0
    with np.errstate(divide="ignore"):
        steps = intercept_steps(np.log(P.T), np.log(D.sum(axis=0)))
    for j in (0, 1):
        assert steps[j] == pytest.approx(root(P[:, j], np.ones(20), np.ones(20), D[:, j].sum()))
    assert steps[2] == -iis_steps.LONGEST_STEP
    far = intercept_steps(np.full((1, 4), -2000.0), np.log([4.0 * np.exp(-3.0)]))
    assert far[0] == iis_steps.LONGEST_STEP


@pytest.mark.parametrize("shape", [(700, 40, 3), (90, 3, 9), (150, 300, 4)])
def test_steps_in_blocks_of_rows_and_with_more_powers_for_some_features(shape, monkeypatch):
    """The same iterations, with every feature given all powers in one block."""
    n, q, c = shape
    rng = np.random.default_rng(8)
    X, D = rng.normal(size=(n, q)), rng.dirichlet(np.ones(c), size=n)
    X[:, 0] *= 20.0
    W = np.zeros((q, c))
    plain = StepSolver(X, D)
    blocked = StepSolver(X, D)
    plain._moments = Moments(X, 1)
    plain._g = plain._moments.split(plain._f[None, :] / plain._top)
    monkeypatch.setattr(plain, "_choose_power", lambda *_: None)
    plain._power = iis_steps.MAX_POWER
    for _ in range(8):
        logs = log_softmax(X @ W, axis=1).T
        expected, found = plain.steps(logs), blocked.steps(logs)
        np.testing.assert_allclose(found * blocked._top, expected * plain._top, atol=2e-11)
        W = W + found.T
    assert blocked._power < iis_steps.MAX_POWER
