"""Newer methods of the field, each against a slow, obvious version of what its docstring says.

`baselines.bd_ldl`, `baselines.ldsvr`, `baselines.margins`, `baselines.ldl4c`, `baselines.ldl_hr`,
`baselines.ldlm`.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit, logit

from baselines import BDLDL, LDL4C, LDLHR, LDLM, LDSVR
from baselines.simplex import project


@pytest.mark.parametrize("shape", [(12, 4), (6, 9)])
@pytest.mark.parametrize("settings", [{}, {"unit": "data", "fit_intercept": True, "alpha": 0.3}])
def test_bd_ldl_is_the_minimum_of_its_objective(shape, settings):
    """Written out, and minimised by a search that knows nothing of Sylvester's equation."""
    rng = np.random.default_rng(0)
    (n, q), c = shape, 3
    X, D = rng.normal(1.0, 2.0, shape), rng.dirichlet(np.ones(c), n)
    model = BDLDL(beta=0.2, **settings).fit(X, D)
    Z, T, beta = X, D, 0.2
    if settings:
        Z, T = X - X.mean(axis=0), D - D.mean(axis=0)
        Z, beta = Z / np.sqrt((Z**2).sum() / n), 0.2 * n

    def objective(flat):
        W = flat.reshape(q, c)
        errors = ((Z @ W - T) ** 2).sum() + model.alpha * ((Z - T @ W.T) ** 2).sum()
        return 0.5 * (errors + beta * (W**2).sum())

    found = minimize(objective, np.zeros(q * c), method="BFGS", options={"gtol": 1e-7})
    assert model.objective_ == pytest.approx(found.fun, rel=1e-9)
    predicted = Z @ found.x.reshape(q, c) + D.mean(axis=0) * bool(settings)
    np.testing.assert_allclose(model.predict(X), project(predicted), atol=1e-5)


@pytest.mark.parametrize("epsilon", [0.0, 0.05, 0.3])
def test_ldsvr_is_the_minimum_of_its_objective(epsilon):
    rng = np.random.default_rng(1)
    X, D = rng.normal(size=(14, 2)), rng.dirichlet([1.0, 2.0, 3.0], 14)
    model = LDSVR(C=7.0, epsilon=epsilon, tol=1e-9, max_iter=20000).fit(X, D)
    lengths = np.sqrt(((X[:, None] - X[None]) ** 2).sum(axis=2))
    width = lengths[np.triu_indices(14, 1)].mean()
    K = np.exp(-(lengths**2) / (2 * width**2))
    Z = logit(np.clip(D, 0.001, 0.999))

    def objective(flat):
        A, b = flat[:-3].reshape(14, 3), flat[-3:]
        u = np.linalg.norm(Z - K @ A - b, axis=1) / 4
        return 0.5 * np.trace(A.T @ K @ A) + 7.0 * (np.maximum(0, u - epsilon) ** 2).sum()

    found = minimize(objective, np.zeros(45), method="BFGS", options={"gtol": 1e-8})
    assert model.converged_
    assert model.objective_ == pytest.approx(found.fun, rel=1e-6)
    shares = expit(K @ found.x[:-3].reshape(14, 3) + found.x[-3:])
    np.testing.assert_allclose(
        model.predict(X), shares / shares.sum(axis=1, keepdims=True), atol=1e-3
    )


def test_ldsvr_has_nothing_to_learn_within_its_zone(problem):
    """Where shares hardly differ all rows lie in the zone of the mean argument."""
    X, _ = problem
    D = np.full((60, 4), 0.25) + np.random.default_rng(0).normal(0, 1e-3, (60, 4))
    D /= D.sum(axis=1, keepdims=True)
    model = LDSVR().fit(X, D)
    assert (model.n_iter_, model.converged_, model.objective_) == (0, True, 0.0)
    np.testing.assert_allclose(model.predict(X), np.full((60, 4), 0.25), atol=1e-3)


def written_out(cls, model, P, D):
    """The loss of LDL4C, LDL-HR or LDLM by loops over rows and labels, as the papers have it."""
    total = 0.0
    for p, d in zip(P, D, strict=True):
        order = sorted(range(len(d)), key=lambda j: -d[j])
        top, rest = order[0], order[1:]
        hinges = {k: max(0.0, 1 - (p[top] - p[k]) / model.rho) for k in rest}
        if cls is LDL4C:
            entropy = -sum(x * np.log(x) for x in d if x > 0)
            total += entropy * sum(abs(p - d)) + model.alpha * hinges[order[1]]
            continue
        highest = sum(abs(p[j] - (j == top)) for j in range(len(d)))
        others = sum(abs(p[k] - d[k]) for k in rest)
        if cls is LDLM:
            highest = max(0.0, highest - model.rho)
            others = max(0.0, others - (d[rest[0]] - (d[rest[1]] if len(rest) > 1 else 0.0)))
        total += highest + model.alpha * sum(hinges.values()) + model.beta * others
    return total


@pytest.mark.parametrize("c", [2, 4])
@pytest.mark.parametrize("cls", [LDL4C, LDLHR, LDLM])
def test_losses_with_margins_are_the_published_ones_with_their_gradient(cls, c):
    rng = np.random.default_rng(3)
    X, D = rng.normal(size=(30, 3)), rng.dirichlet(np.full(c, 0.7), 30)
    D[:3] = np.eye(c)[0]  # no entropy, and shares of exactly 0
    settings = {"rho": 0.3, "alpha": 0.4} | ({} if cls is LDL4C else {"beta": 0.6})
    model = cls(**settings, l2=0.02).fit(X, D)
    features, penalty = np.column_stack((X, np.ones(30))), np.array([[0.02]] * 3 + [[0.0]])
    weights = rng.normal(size=(4, c))
    P = np.exp(features @ weights)
    P /= P.sum(axis=1, keepdims=True)
    value, gradient = model._objective(features, penalty, weights)
    assert value == pytest.approx(
        written_out(cls, model, P, D) + 0.01 * (weights[:3] ** 2).sum(), rel=1e-10
    )
    numeric = approx_fprime(
        weights.ravel(), lambda w: model._objective(features, penalty, w.reshape(4, c))[0], 1e-7
    )
    np.testing.assert_allclose(gradient, numeric, atol=1e-4)
    # What `fit` found: its objective, below that of the mean distribution and of zeros.
    found = model.predict(X)
    penalised = 0.01 * (model.weights_**2).sum()
    assert model.objective_ == pytest.approx(written_out(cls, model, found, D) + penalised)
    for plain in (np.full(D.shape, 1 / c), np.tile(D.mean(axis=0), (30, 1))):
        assert model.objective_ < written_out(cls, model, plain, D)
