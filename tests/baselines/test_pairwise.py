import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from baselines.pairwise import couple, fit_sigmoids, pair_probabilities


def examples(seed, m=3, n=80):
    rng = np.random.default_rng(seed)
    f = rng.normal(size=(m, n))
    p = expit(1.5 * f - 0.4)
    positive = rng.random((m, n)) * p
    negative = rng.random((m, n)) * (1 - p)
    positive[:, :5] = negative[:, :5] = 0
    return f, positive, negative


def two_example_loss(parameters, f, positive, negative):
    """Platt's likelihood over the 2 n weighted examples with hard labels' smoothed targets."""
    q = expit(-(parameters[0] * f + parameters[1]))
    yes = (positive.sum() + 1) / (positive.sum() + 2)
    no = 1 / (negative.sum() + 2)
    as_positive = yes * np.log(q) + (1 - yes) * np.log(1 - q)
    as_negative = no * np.log(q) + (1 - no) * np.log(1 - q)
    return -(positive @ as_positive + negative @ as_negative)


def test_sigmoids_are_the_optimum_of_platts_likelihood():
    f, positive, negative = examples(0)
    sigmoids, converged = fit_sigmoids(f, positive, negative)
    assert converged.all()
    assert (sigmoids[:, 0] < 0).all()
    for k in range(len(f)):
        arguments = (f[k], positive[k], negative[k])
        found = minimize(two_example_loss, [0.0, 0.0], args=arguments, tol=1e-10)
        assert two_example_loss(sigmoids[k], *arguments) <= found.fun + 1e-9
        np.testing.assert_allclose(sigmoids[k], found.x, atol=1e-4)


def test_wrongly_ranked_decisions_give_the_share_of_the_weights():
    f, positive, negative = examples(1)
    sigmoids, converged = fit_sigmoids(-f, positive, negative)
    assert converged.all()
    np.testing.assert_array_equal(sigmoids[:, 0], 0)
    share = positive.sum(axis=1) / (positive + negative).sum(axis=1)
    probability = pair_probabilities(f, sigmoids)
    np.testing.assert_allclose(probability, np.tile(share[:, None], (1, 80)), atol=0.03)


def test_constant_separable_and_weightless_decisions_stay_finite():
    n = 50
    sign = np.where(np.arange(n) % 2, 1.0, -1.0)
    f = np.stack([np.ones(n), 1e3 * sign, sign])
    positive = np.stack([np.full(n, 0.3), sign > 0, np.zeros(n)])
    negative = np.stack([np.full(n, 0.1), sign < 0, np.zeros(n)])
    sigmoids, converged = fit_sigmoids(f, positive, negative)
    assert converged.all()
    assert np.isfinite(sigmoids).all()
    probability = pair_probabilities(f, sigmoids)
    target = (15 * 16 / 17 + 5 / 7) / 20
    np.testing.assert_allclose(probability[0], target, atol=1e-6)
    np.testing.assert_allclose(probability[1], np.where(sign > 0, 26 / 27, 1 / 27), atol=1e-4)
    np.testing.assert_array_equal(probability[2], 0.5)


def test_a_denormal_weight_is_next_to_none():
    f = np.array([[1.0, -1.0]])
    tiny, zero = np.array([[5e-324, 0.0]]), np.zeros((1, 2))
    for positive, negative in ((tiny, zero), (zero, tiny), (tiny, tiny)):
        sigmoids, converged = fit_sigmoids(f, positive, negative)
        assert converged.all()
        np.testing.assert_array_equal(pair_probabilities(f, sigmoids), 0.5)


def pairs(p):
    return p[:, :, None] / (p[:, :, None] + p[:, None, :])


@given(st.lists(st.floats(1e-3, 1.0), min_size=2, max_size=9))
def test_consistent_pairs_are_recovered(values):
    p = np.array([values]) / np.sum(values)
    np.testing.assert_allclose(couple(pairs(p)), p, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_coupling_solves_the_quadratic_program(seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(0.02, 0.98, (5, 5)), 1)
    r = upper + np.tril(1 - upper.T, -1)

    def objective(p):
        return sum(
            (r[j, i] * p[i] - r[i, j] * p[j]) ** 2 for i in range(5) for j in range(5) if i != j
        )

    found = minimize(
        objective,
        np.full(5, 0.2),
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    p = couple(r[None])[0]
    assert objective(p) <= found.fun + 1e-12
    np.testing.assert_allclose(p, found.x, atol=1e-5)


def test_coupling_of_extreme_pairs_is_a_distribution():
    r = np.triu(np.full((6, 6), 1 - 1e-7), 1) + np.tril(np.full((6, 6), 1e-7), -1)
    p = couple(r[None])[0]
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1)
    assert p[0] > 0.99
