"""Machines (`baselines.weighted_svm`, `baselines.splitting`) against LIBSVM and SciPy."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics.pairwise import rbf_kernel as sklearn_rbf
from sklearn.svm import SVC

from baselines.anderson import Anderson
from baselines.splitting import prepare
from baselines.weighted_svm import (
    Box,
    bias_interval,
    kkt_violation,
    rbf_kernel,
    solve_machines,
)


@pytest.fixture
def weighted():
    """Rows, and the weights of 4 machines with many zeros; the last has no negative example."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3))
    positive = rng.random((4, 40)) * (rng.random((4, 40)) > 0.3)
    negative = rng.random((4, 40)) * (rng.random((4, 40)) > 0.3)
    positive[:, 5] = negative[:, 5] = 0
    negative[3] = 0
    return X, positive, negative


def solve(K, positive, negative, C=1.0, tol=1e-9, max_iter=20_000):
    lower, upper = -C * negative, C * positive
    return solve_machines(prepare(K, tol), lower, upper, tol, max_iter)


def libsvm_decisions(X, positive, negative, C, gamma, at):
    """SVC on the 2 n weighted examples."""
    y = np.repeat([1, -1], len(X))
    weight = np.concatenate([positive, negative])
    used = weight > 0
    svc = SVC(C=C, gamma=gamma, tol=1e-10).fit(
        np.concatenate([X, X])[used], y[used], sample_weight=weight[used]
    )
    return svc.decision_function(at)


def test_the_kernel_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(rbf_kernel(X, Z, 0.3), sklearn_rbf(X, Z, 0.3), rtol=1e-12)


def test_the_kernel_keeps_the_distances_within_groups_far_apart():
    X = np.random.default_rng(0).normal(size=(6, 3))
    X[3:] += 1e8
    squares = ((X[:, None] - X) ** 2).sum(axis=2)
    np.testing.assert_allclose(rbf_kernel(X, X, 0.3), np.exp(-0.3 * squares), rtol=1e-12)


@pytest.mark.parametrize("C", [0.05, 1.0, 30.0])
def test_decision_values_are_those_of_libsvm(weighted, C):
    X, positive, negative = weighted
    machines = solve(rbf_kernel(X, X, 0.4), positive, negative, C)
    assert (machines.violation <= 1e-9).all()
    at = np.random.default_rng(4).normal(size=(20, 3))
    ours = machines.beta @ rbf_kernel(X, at, 0.4) + machines.bias[:, None]
    for k in range(3):
        theirs = libsvm_decisions(X, positive[k], negative[k], C, 0.4, at)
        np.testing.assert_allclose(ours[k], theirs, atol=1e-5)


def test_real_pairs_are_those_of_libsvm(load_real):
    X, D = load_real("emotion6")
    X, D = X[::8], D[::8]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    machines = solve(rbf_kernel(X, X, 1 / 168), D.T[[0, 3]], D.T[[1, 6]], tol=1e-7)
    ours = machines.beta @ rbf_kernel(X, X, 1 / 168) + machines.bias[:, None]
    np.testing.assert_allclose(
        ours[0], libsvm_decisions(X, D[:, 0], D[:, 1], 1.0, 1 / 168, X), atol=1e-5
    )
    np.testing.assert_allclose(
        ours[1], libsvm_decisions(X, D[:, 3], D[:, 6], 1.0, 1 / 168, X), atol=1e-5
    )


def test_a_machine_without_negative_examples_stays_constant(weighted):
    X, positive, negative = weighted
    machines = solve(rbf_kernel(X, X, 0.4), positive, negative)
    np.testing.assert_allclose(machines.beta[3], 0, atol=1e-15)
    assert machines.bias[3] == pytest.approx(1)  # no positive example is inside the margin


def test_machines_without_any_weight_are_zero():
    machines = solve(np.eye(4), np.zeros((2, 4)), np.zeros((2, 4)))
    np.testing.assert_array_equal(machines.beta, 0)
    np.testing.assert_array_equal(machines.bias, 0)
    np.testing.assert_array_equal(machines.violation, 0)


def test_the_dual_is_the_two_variable_dual_and_meets_the_primal(weighted):
    """Objectives from their definitions: the gap closes, and a general optimiser agrees."""
    X, positive, negative = weighted
    K, C = rbf_kernel(X, X, 0.4), 2.0
    machines = solve(K, positive, negative, C)
    beta, a, b = machines.beta[0], positive[0], negative[0]
    f = K @ beta + machines.bias[0]
    hinge = a * np.maximum(0, 1 - f) + b * np.maximum(0, 1 + f)
    primal = 0.5 * beta @ K @ beta + C * hinge.sum()
    dual = C * (a + b).sum() - machines.objective[0]
    assert primal == pytest.approx(dual, rel=1e-7)

    signed = np.concatenate([K, -K])
    Q = np.concatenate([signed, -signed], axis=1)
    y = np.repeat([1.0, -1.0], len(X))
    found = minimize(
        lambda alpha: (0.5 * alpha @ Q @ alpha - alpha.sum(), Q @ alpha - 1),
        np.zeros(len(y)),
        jac=True,
        bounds=[(0, C * w) for w in np.concatenate([a, b])],
        constraints={"type": "eq", "fun": lambda alpha: alpha @ y, "jac": lambda _: y},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert -found.fun == pytest.approx(dual, rel=1e-6)


def test_beta_is_feasible_even_when_the_budget_ends_early(weighted):
    X, positive, negative = weighted
    machines = solve(rbf_kernel(X, X, 0.4), positive, negative, max_iter=3)
    assert (machines.n_iter[:3] == 3).all()
    assert (machines.violation[:3] > 1e-9).all()
    assert (machines.beta <= positive).all()
    assert (machines.beta >= -negative).all()
    np.testing.assert_allclose(machines.beta.sum(axis=1), 0, atol=1e-11)


def test_violation_is_that_of_the_maximal_violating_pair(weighted):
    """Against LIBSVM's definition on the two examples of every row."""
    X, positive, negative = weighted
    K = rbf_kernel(X, X, 0.4)
    rng = np.random.default_rng(8)
    # Of the two examples at most one is strictly inside its bounds, as at the best alpha for beta.
    inside = rng.random(40)
    beta = -negative[0] + inside * (positive[0] + negative[0])
    kink = positive[0] - negative[0]
    alpha_up = np.where(beta <= kink, beta + negative[0], positive[0])
    alpha_down = alpha_up - beta
    gradient = K @ beta
    values, up, down = [], [], []
    for label, alpha, bound in ((1, alpha_up, positive[0]), (-1, alpha_down, negative[0])):
        values.append(label - gradient)  # -y_t times the gradient of the 2 n variable dual
        can_grow, can_shrink = alpha < bound - 1e-12, alpha > 1e-12
        up.append(can_grow if label == 1 else can_shrink)
        down.append(can_shrink if label == 1 else can_grow)
    values, up, down = (np.concatenate(part) for part in (values, up, down))
    expected = values[up].max() - values[down].min()
    ends = bias_interval(beta[None], gradient[None], Box.between(-negative[:1], positive[:1]))
    assert kkt_violation(*ends)[0] == pytest.approx(expected)


def test_a_warm_start_gives_the_same_machine_sooner(weighted):
    X, positive, negative = weighted
    lower, upper = -negative, positive
    splitting = prepare(rbf_kernel(X, X, 0.4), tol=1e-8)
    cold = solve_machines(splitting, lower, upper, 1e-8, 5000)
    state = (cold.point, cold.offset)
    upper = upper.copy()
    upper[:, 0] = 0.0
    again = solve_machines(splitting, lower, upper, 1e-8, 5000)
    warm = solve_machines(splitting, lower, upper, 1e-8, 5000, start=state)
    np.testing.assert_allclose(warm.beta, again.beta, atol=1e-6)
    assert warm.n_iter.sum() <= again.n_iter.sum()


def test_single_precision_reaches_the_usual_tolerances(weighted):
    X, positive, negative = weighted
    K = rbf_kernel(X, X, 0.4)
    exact = solve(K, positive, negative)
    for tol in (1e-2, 1e-3):
        rough = solve(K, positive, negative, tol=tol, max_iter=2000)
        assert (rough.violation <= tol).all()
        assert rough.beta.dtype == np.float64
        difference = (rough.beta - exact.beta) @ K + (rough.bias - exact.bias)[:, None]
        assert np.abs(difference).max() < 10 * tol


def test_wide_kernels_with_a_large_penalty_take_half_the_iterations_of_the_plain_method(
    monkeypatch,
):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    D = np.exp(X @ rng.normal(size=(5, 4)) + rng.normal(size=(200, 4)))
    D /= D.sum(axis=1, keepdims=True)
    K, lower, upper = rbf_kernel(X, X, 0.02), -10 * D.T[[1, 2, 3]], 10 * D.T[[0, 0, 2]]
    fast = solve_machines(prepare(K, 0.01), lower, upper, 0.01, 3000)
    monkeypatch.setattr(Anderson, "step", lambda self, point, image: image)
    plain = solve_machines(prepare(K, 0.01), lower, upper, 0.01, 3000)
    assert (fast.violation <= 0.01).all()
    assert 2 * fast.n_iter.max() < plain.n_iter.max()
