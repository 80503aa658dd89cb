"""Linear maps with further terms, against their objectives written out.

`baselines.linear_maps`, `baselines.ldlsf`, `baselines.lrldl`.
"""

from __future__ import annotations

import numpy as np
import pytest

from baselines import LDLSF, TKLRLDL, TLRLDL
from baselines.ldlsf import laplacian, soft, soft_rows
from baselines.lrldl import largest, shrunk
from baselines.simplex import project


def test_shrinking_is_the_minimum_of_its_term():
    """No small step lowers the term plus half the squared distance."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 3))
    for shrink, term in (
        (soft, lambda B: np.abs(B).sum()),
        (soft_rows, lambda B: np.linalg.norm(B, axis=1).sum()),
        (shrunk, lambda B: np.linalg.svd(B, compute_uv=False).sum()),
    ):
        found = shrink(A, 0.9)

        def value(B, term=term):
            return 0.9 * term(B) + 0.5 * ((B - A) ** 2).sum()

        for _ in range(50):
            assert value(found) < value(found + 1e-3 * rng.normal(size=A.shape))
        assert np.linalg.norm(shrink(A, 50.0)) < 1e-12


@pytest.mark.parametrize("shape", [(30, 4), (8, 12)])
@pytest.mark.parametrize("settings", [{}, {"fit_intercept": True, "unit": "data"}])
def test_ldlsf_is_at_the_minimum_of_its_objective(shape, settings):
    """The optimality conditions of W1 and W2, each by itself."""
    rng = np.random.default_rng(1)
    X, D = rng.normal(1.0, 2.0, shape), rng.dirichlet([1.0, 2.0, 3.0], shape[0])
    n = len(X)
    scale = 1 / n if settings else 1.0
    weights = {"alpha": 0.3 * scale, "beta": 0.5 * scale, "gamma": 0.05, "rho": 0.2}
    model = LDLSF(**weights, **settings, tol=1e-10, max_iter=20000).fit(X, D)
    Z, T, total = X, D, 1.0
    if settings:
        Z, T, total = X - X.mean(axis=0), D - D.mean(axis=0), 0.0
        Z = Z / np.sqrt((Z**2).sum() / n)
    W1, W2 = model.specific_, model.common_
    assert model.converged_
    assert ((W1 == 0).any(), (np.abs(W1) + np.abs(W2) > 0).any()) == (True, True)
    F = Z @ (W1 + W2)
    L = np.diag(np.corrcoef(D.T).sum(axis=1)) - np.corrcoef(D.T)
    slope = Z.T @ (F - T + 2 * 0.05 * F @ L + 0.2 * (F.sum(axis=1, keepdims=True) - total))
    tight = {"atol": 1e-6}
    np.testing.assert_allclose(slope[W1 != 0], -0.3 * np.sign(W1[W1 != 0]), **tight)
    assert np.abs(slope[W1 == 0]).max() <= 0.3 + 1e-6
    lengths = np.linalg.norm(W2, axis=1)
    on = lengths > 0
    np.testing.assert_allclose(slope[on], -0.5 * W2[on] / lengths[on, None], **tight)
    assert np.linalg.norm(slope[~on], axis=1).max(initial=0.0) <= 0.5 + 1e-6
    objective = 0.5 * ((F - T) ** 2).sum() + 0.3 * np.abs(W1).sum() + 0.5 * lengths.sum()
    objective += 0.05 * np.trace(F @ L @ F.T) + 0.1 * ((F.sum(axis=1) - total) ** 2).sum()
    assert model.objective_ == pytest.approx(objective, rel=1e-9)
    np.testing.assert_allclose(
        model.predict(X), project(F + D.mean(axis=0) * bool(settings)), atol=1e-12
    )


def test_a_constant_label_has_no_correlation():
    D = np.array([[0.2, 0.3, 0.5], [0.2, 0.5, 0.3], [0.2, 0.4, 0.4]])
    np.testing.assert_allclose(laplacian(D), [[0, 0, 0], [0, -1, 1], [0, 1, -1]], atol=1e-9)


def test_which_labels_count():
    D = np.array([[0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]])
    np.testing.assert_array_equal(TLRLDL()._counting(D), [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]])
    np.testing.assert_array_equal(
        TKLRLDL(k=3)._counting(D), [[1, 1, 1, 0], [1, 1, 1, 0], [0, 1, 1, 1]]
    )
    np.testing.assert_array_equal(TKLRLDL()._counting(D[:, :2] * 2), largest(D[:, :2], np.ones(3)))


@pytest.mark.parametrize("cls", [TLRLDL, TKLRLDL])
def test_low_rank_follows_the_updates_of_the_paper(cls):
    """With the n x n matrix standing there, and every system solved as it is written."""
    rng = np.random.default_rng(2)
    X, D = rng.normal(size=(14, 5)), rng.dirichlet(np.ones(4), 14)
    alpha, beta = 0.2, 0.05
    model = cls(alpha=alpha, beta=beta, max_iter=12, tol=1e-12).fit(X, D)
    L = model._counting(D)
    lead, Z, G, rho = np.zeros((14, 14)), np.zeros((14, 4)), np.zeros((14, 4)), 1e-3
    for _ in range(12):
        M = X.T @ X + 2 * beta * np.eye(5) + (1 + rho) * X.T @ lead @ lead.T @ X
        W = np.linalg.solve(M, X.T @ D + X.T @ lead @ (L + rho * Z - G))
        A = X @ W
        lead = np.linalg.solve((1 + rho) * A @ A.T + 2 * beta * np.eye(14), A @ (L + rho * Z - G).T)
        Z = shrunk(lead.T @ A + G / rho, alpha / rho)
        G = G + rho * (lead.T @ A - Z)
        rho *= 1.1
    np.testing.assert_allclose(model.weights_, W, atol=1e-9)
    objective = 0.5 * ((A - D) ** 2).sum() + 0.5 * ((lead.T @ A - L) ** 2).sum()
    objective += alpha * np.linalg.svd(lead.T @ A, compute_uv=False).sum()
    objective += beta * ((W**2).sum() + (lead**2).sum())
    assert model.objective_ == pytest.approx(objective, rel=1e-9)
    assert (model.n_iter_, model.converged_) == (12, False)
