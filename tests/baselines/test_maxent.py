"""The maximum entropy model: against plain formulas, difference quotients and extreme values."""

import numpy as np
import pytest
from scipy.special import log_softmax

from baselines.maxent import (
    CrossEntropy,
    check_not_tiny,
    gradient,
    log_mean,
    objective,
    probabilities,
    starting_weights,
)


@pytest.fixture(params=[2, 4, 5, 7])
def model(request):
    """X (30, 6), D with zeros and sums a little off 1, and weights, for several label counts."""
    rng = np.random.default_rng(request.param)
    D = rng.dirichlet(np.ones(request.param), size=30)
    D[::4, 0] = 0.0
    D /= D.sum(axis=1, keepdims=True) * rng.uniform(1 - 1e-4, 1 + 1e-4, (30, 1))
    return rng.normal(size=(30, 6)), D, rng.normal(size=(6, request.param))


def test_probabilities_are_the_softmax_of_linear_scores(model):
    X, _, W = model
    expected = np.array([[np.exp(x @ w) for w in W.T] for x in X])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(X, W), expected, rtol=1e-13)


def test_probabilities_survive_scores_beyond_the_range_of_exp(model):
    X, _, W = model
    P = probabilities(X * 1e6, W)
    assert np.isfinite(P).all()
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("l2", [0.0, 0.7])
def test_objective_is_the_summed_cross_entropy_and_penalty(model, l2):
    X, D, W = model
    expected = -(D * log_softmax(X @ W, axis=1)).sum() + l2 / 2 * (W**2).sum()
    assert objective(X, D, W, l2) == pytest.approx(expected, rel=1e-13)
    assert np.isfinite(objective(X * 1e6, D, W, l2))


@pytest.mark.parametrize("l2", [0.0, 0.7])
def test_gradient_is_the_difference_quotient(model, l2):
    X, D, W = model
    slope = gradient(X, D, W, l2)
    step = 1e-5
    for k, j in np.ndindex(W.shape):
        ahead, behind = W.copy(), W.copy()
        ahead[k, j] += step
        behind[k, j] -= step
        quotient = (objective(X, D, ahead, l2) - objective(X, D, behind, l2)) / (2 * step)
        assert slope[k, j] == pytest.approx(quotient, rel=1e-7, abs=1e-7)


def test_gradient_takes_the_row_sums_into_account(model):
    """Without the row sums the slope along a common shift of all weights would not vanish."""
    X, D, W = model
    np.testing.assert_allclose(gradient(X, D, W).sum(axis=1), 0.0, rtol=0, atol=1e-12)


def test_a_penalty_by_feature_and_repeated_evaluation(model):
    X, D, W = model
    l2 = np.linspace(0.1, 2.0, 6)
    fused = CrossEntropy(X, D, l2)
    first = fused.loss_and_gradient(W.T)
    fused.loss_and_gradient(-W.T)
    again = fused.loss_and_gradient(W.T)
    assert first[0] == again[0]
    assert fused.loss(W.T) == pytest.approx(first[0], rel=1e-14)
    np.testing.assert_array_equal(first[1], again[1])
    assert first[0] == pytest.approx(objective(X, D, W) + (l2 @ W**2).sum() / 2, rel=1e-13)
    np.testing.assert_allclose(first[1].T, gradient(X, D, W) + l2[:, None] * W, atol=1e-12)


def test_evaluation_leaves_its_inputs_alone(model):
    X, D, W = model
    before = [a.copy() for a in model]
    CrossEntropy(X, D).loss_and_gradient(W.T)
    for now, then in zip((X, D, W), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_starting_weights():
    np.testing.assert_array_equal(starting_weights("zeros", 3, 2), np.zeros((3, 2)))
    np.testing.assert_array_equal(starting_weights("identity", 3, 2), [[1, 0], [0, 1], [0, 0]])
    given = np.ones((3, 2))
    taken = starting_weights(given, 3, 2)
    np.testing.assert_array_equal(taken, given)
    assert not np.shares_memory(taken, given)


@pytest.mark.parametrize(
    "start", ["random", np.ones((2, 3)), np.full((3, 2), np.nan), None, [["a"]], [[1], [2, 3]]]
)
def test_starting_weights_that_mean_nothing(start):
    with pytest.raises(ValueError, match=r"start (must|is)"):
        starting_weights(start, 3, 2)


def test_features_that_are_all_tiny():
    check_not_tiny(np.zeros((2, 2)))
    check_not_tiny(np.array([[1e-310, -1e-99]]))
    with pytest.raises(ValueError, match="no value beyond 2e-110"):
        check_not_tiny(np.array([[1e-310, -2e-110]]))


def test_a_constant_column_is_not_penalised(model):
    X, D, W = model
    wide = np.column_stack([X, np.full(len(X), 2.5)])
    weights = np.vstack([W, W[:1] * 0.3])
    loss, slope = CrossEntropy(X, D, 0.7, constant=2.5).loss_and_gradient(weights.T)
    assert loss == pytest.approx(objective(wide, D, weights) + 0.35 * (W**2).sum(), rel=1e-13)
    expected = gradient(wide, D, weights)
    expected[:-1] += 0.7 * W
    np.testing.assert_allclose(slope.T, expected, rtol=0, atol=1e-12)
    found, logs = CrossEntropy(X, D, 0.7, constant=2.5).loss_and_log_probabilities(weights.T)
    assert found == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(np.exp(logs.T), probabilities(X, W, 2.5 * weights[-1]), atol=1e-14)


def test_log_mean():
    D = np.array([[0.2, 0.8, 0.0], [0.6, 0.4, 0.0]])
    np.testing.assert_allclose(log_mean(D), [np.log(0.4), np.log(0.6), -30.0])


@pytest.mark.parametrize("constant", [0.0, 2.5])
def test_hessian_is_the_difference_quotient_of_the_gradient(model, constant):
    X, D, W = model
    rng = np.random.default_rng(0)
    weights = W.T if not constant else np.column_stack([W.T, W[0]])
    fused = CrossEntropy(X, D, 0.7, constant)
    direction = rng.normal(size=weights.shape)
    product = fused.hessian(weights)(direction)
    ahead = fused.loss_and_gradient(weights + 1e-5 * direction)[1]
    behind = fused.loss_and_gradient(weights - 1e-5 * direction)[1]
    np.testing.assert_allclose(product, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-6)
