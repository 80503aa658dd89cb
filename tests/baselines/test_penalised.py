"""Maximum entropy models with further terms, against their objectives written out.

`baselines.penalised`, `baselines.ldllc`, `baselines.ldl_lclr`, `baselines.ldl_lrr`,
`baselines.ldl_scl`.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax, xlogy

from baselines import LDLLC
from baselines.ldllc import distances, signs_of


def divergence(X, D, W, b=0.0):
    """Sum of the Kullback-Leibler divergences."""
    return float(xlogy(D, D).sum() - (D * log_softmax(X @ W + b, axis=1)).sum())


def test_slopes_of_terms_are_those_of_finite_differences():
    rng = np.random.default_rng(0)
    shape = (4, 3)
    squares, signs = rng.uniform(0.1, 2, 3), signs_of(rng.normal(size=(5, 4)))

    def check(term, start):
        error = check_grad(
            lambda x: term(x.reshape(start.shape))[0],
            lambda x: term(x.reshape(start.shape))[1].ravel(),
            start.ravel(),
        )
        assert error < 1e-5

    check(lambda A: distances(A, squares, signs, 1e-3), rng.normal(size=shape))


@pytest.mark.parametrize("settings", [{}, {"fit_intercept": True, "unit": "data"}])
def test_ldllc_is_the_minimum_for_its_signs(settings, problem):
    X, D = problem
    X = X[:, :3] * 2 + 1
    scale = 0.02 if settings else 1.0
    model = LDLLC(alpha=1.0 * scale, beta=0.5 * scale, tol=1e-9, **settings).fit(X, D)
    n, size = len(X), np.sqrt(((X - X.mean(axis=0)) ** 2).sum() / len(X))
    alpha, beta = 1.0, 0.5
    if settings:
        alpha, beta = alpha * scale * n * size / 6, beta * scale * n * size**2
    signs = np.sign(np.corrcoef(model.weights_.T))

    def objective(flat):
        W, b = flat[:12].reshape(3, 4), flat[12:] if settings else 0.0
        apart = sum(
            signs[j, k] * np.linalg.norm(W[:, j] - W[:, k]) for j in range(4) for k in range(j)
        )
        return divergence(X, D, W, b) + beta * (W**2).sum() + alpha * apart

    start = np.append(model.weights_.ravel(), model.intercept_ if settings else [])
    assert model.objective_ == pytest.approx(objective(start), rel=1e-9)
    again = minimize(objective, start + 0.01, method="Powell", options={"ftol": 1e-12})
    assert model.objective_ <= again.fun + 1e-5
    assert model.converged_
    plain = LDLLC(alpha=0.0, beta=0.5 * scale, **settings).fit(X, D)
    assert objective(np.append(plain.weights_.ravel(), plain.intercept_)[: len(start)]) > (
        model.objective_ + 1e-3
    )
