"""Newer methods of the field, each against a slow, obvious version of what its docstring says.

`baselines.bd_ldl`, `baselines.ldsvr`, `baselines.margins`, `baselines.ldl4c`, `baselines.ldl_hr`,
`baselines.ldlm`, `baselines.df_ldl`, `baselines.adam`, `baselines.ldlf`, `baselines.delta_ldl`.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit, logit

from baselines import BDLDL, DFLDL, LDL4C, LDLF, LDLHR, LDLM, LDSVR, SABFGS, DeltaLDL
from baselines.adam import Adam
from baselines.delta_ldl import forward, objective
from baselines.ldlf import path_probabilities, updated
from baselines.simplex import project
from benchmark.metrics import kl_divergence
from benchmark.plugins.spaces import configurations


@pytest.mark.parametrize("shape", [(12, 4), (6, 9)])
@pytest.mark.parametrize("more", [{}, {"unit": "data", "fit_intercept": True, "alpha": 0.3}])
def test_bd_ldl_is_the_minimum_of_its_objective(shape, more):
    """Written out, and minimised by a search that knows nothing of Sylvester's equation."""
    rng = np.random.default_rng(0)
    (n, q), c = shape, 3
    X, D = rng.normal(1.0, 2.0, shape), rng.dirichlet(np.ones(c), n)
    model = BDLDL(beta=0.2, **more).fit(X, D)
    Z, T, beta = X, D, 0.2
    if more:
        Z, T = X - X.mean(axis=0), D - D.mean(axis=0)
        Z, beta = Z / np.sqrt((Z**2).sum() / n), 0.2 * n

    def objective(flat):
        W = flat.reshape(q, c)
        errors = ((Z @ W - T) ** 2).sum() + model.alpha * ((Z - T @ W.T) ** 2).sum()
        return 0.5 * (errors + beta * (W**2).sum())

    found = minimize(objective, np.zeros(q * c), method="BFGS", options={"gtol": 1e-7})
    assert model.objective_ == pytest.approx(found.fun, rel=1e-9)
    predicted = Z @ found.x.reshape(q, c) + D.mean(axis=0) * bool(more)
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
    weights_of = {"rho": 0.3, "alpha": 0.4} | ({} if cls is LDL4C else {"beta": 0.6})
    model = cls(**weights_of, l2=0.02).fit(X, D)
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


def test_df_ldl_asks_the_competent_learner_of_each_pair(problem):
    """Written out row by row and pair by pair; label 3 is never below label 4."""
    X, D = problem
    D = np.column_stack((D, D[:, 3] * 0.5))
    D /= D.sum(axis=1, keepdims=True)
    model = DFLDL(k=3, max_iter=20).fit(X[:40], D[:40])
    parts = {}
    for i in range(5):
        for j in range(i + 1, 5):
            for order, rows in ((True, D[:40, i] >= D[:40, j]), (False, D[:40, i] < D[:40, j])):
                if rows.any():
                    parts[i, j, order] = SABFGS(max_iter=20).fit(X[:40][rows], D[:40][rows])
    assert (3, 4, False) not in parts
    for x, predicted in zip(X[40:45], model.predict(X[40:45]), strict=True):
        nearest = np.argsort(((X[:40] - x) ** 2).sum(axis=1))[:3]
        mean = D[nearest].mean(axis=0)
        said = []
        for i in range(5):
            for j in range(i + 1, 5):
                learner = parts.get((i, j, mean[i] >= mean[j]), parts[i, j, True])
                said.append(learner.predict(x[None])[0])
        np.testing.assert_allclose(predicted, np.mean(said, axis=0), atol=1e-12)


def test_adam_makes_the_published_steps():
    """Algorithm 1 of Kingma and Ba, of which the first step is the rate whatever the gradient."""
    rule, m, v = Adam(0.1), 0.0, 0.0
    for t, g in enumerate([3.0, -1.0, 0.5], start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        expected = -0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        assert rule(np.array([g]))[0] == pytest.approx(expected, rel=1e-12)


def tree_by_loops(splits, leaf):
    """The probability of a leaf along its path, by equation 2: bits say right (1) or left (0)."""
    levels, node, probability = int(np.log2(len(splits) + 1)), 0, 1.0
    for level in range(levels):
        right = (leaf >> (levels - 1 - level)) & 1
        probability *= 1 - splits[node] if right else splits[node]
        node = 2 * node + 1 + right
    return probability


def test_ldlf_paths_and_leaf_updates_are_the_published_ones():
    rng = np.random.default_rng(0)
    n, c, leaves = 6, 3, 8
    splits, D = rng.uniform(size=(7, n)), rng.dirichlet(np.ones(c), n)
    q = rng.dirichlet(np.ones(c), leaves)
    paths = path_probabilities(splits)
    for i in range(n):
        for leaf in range(leaves):
            assert paths[leaf, i] == pytest.approx(tree_by_loops(splits[:, i], leaf), rel=1e-12)

    def loss(q):
        return -(D * np.log(paths.T @ q)).sum()

    moved = np.zeros((leaves, c))
    for leaf in range(leaves):
        for label in range(c):
            for i in range(n):
                g = sum(paths[other, i] * q[other, label] for other in range(leaves))
                moved[leaf, label] += D[i, label] * paths[leaf, i] * q[leaf, label] / g
        moved[leaf] /= moved[leaf].sum()
    again = updated(q, paths, D.T)
    np.testing.assert_allclose(again, moved, rtol=1e-12)
    for _ in range(5):  # each update lowers the loss
        before, q = loss(q), again
        assert loss(q) < before
        again = updated(q, paths, D.T)


@pytest.mark.parametrize("units", [7, 3])
def test_the_gradient_of_ldlf_is_that_of_its_loss(units, problem):
    """Also where nodes of a tree share a unit."""
    X, D = problem
    model = LDLF(n_trees=2, depth=4, units=units, epochs=3, random_state=0, scaling="none")
    model.fit(X, D)
    features, targets = np.column_stack((X, np.ones(len(X)))), np.ascontiguousarray(D.T)
    value, gradient = model._loss(model.weights_, features, targets)
    assert value == model.objective_
    trees = [path_probabilities(model._splits(model.weights_, features)[n]) for n in model._nodes]
    losses = [-(D * np.log(p.T @ q)).sum() / 60 for p, q in zip(trees, model.leaves_, strict=True)]
    assert value == pytest.approx(np.mean(losses), rel=1e-12)
    numeric = approx_fprime(model.weights_, lambda w: model._loss(w, features, targets)[0], 1e-7)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)
    predicted = np.mean([p.T @ q for p, q in zip(trees, model.leaves_, strict=True)], axis=0)
    np.testing.assert_allclose(model.predict(X), predicted, atol=1e-12)


def test_delta_ldl_is_the_integral_over_all_delta(problem):
    X, D = problem
    weights, delta = np.random.default_rng(0).normal(size=3 * 6 + 4 * 4), 0.7
    value, gradient = objective(weights, X, D, delta)
    P = forward(weights, X, 4)[1]
    k = (D * np.log(D / P)).sum(axis=1)
    assert value == pytest.approx(quad(lambda d: expit(k - d).mean(), 0, delta)[0], rel=1e-8)
    numeric = approx_fprime(weights, lambda w: objective(w, X, D, delta)[0], 1e-7)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)


def test_trainings_share_their_epochs(problem):
    """One training of the longest serves all, also where it ends before (constant features)."""
    X, D = problem
    for cls in (LDLF, DeltaLDL):
        for rows in (X, np.ones((60, 2))):
            tried = [{"epochs": e, "smoothing": s} for e in (1, 7, 30) for s in (0.0, 0.5)]
            model = cls(random_state=1)
            for own, found in zip(tried, model.predict_each(tried, rows, D, rows), strict=True):
                alone = cls(random_state=1, **own).fit(rows, D)
                np.testing.assert_allclose(found, alone.predict(rows), atol=1e-12)


ALL = [BDLDL, DFLDL, DeltaLDL, LDL4C, LDLF, LDLHR, LDLM, LDSVR]


def made(cls, **own):
    """Make a learner with a seed, and with little to do."""
    cheap = {DeltaLDL: {"epochs": 20}, LDLF: {"epochs": 20}}.get(cls, {})
    seeded = {"random_state": 0} if "random_state" in cls().get_params() else {}
    return cls(**{**seeded, **cheap, **own})


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_the_space_has_the_common_budget_and_begins_near_the_mean(cls, problem):
    X, D = problem
    assert len(configurations(cls, cls().get_params(deep=False), 100, 0)) == 24
    spaces = [cls.search_space] if isinstance(cls.search_space, dict) else cls.search_space
    simplest = {name: values[0] for name, values in spaces[0].items()}
    predicted = made(cls, **simplest).fit(X, D).predict(X)
    mean = np.tile(D.mean(axis=0), (len(X), 1))
    assert kl_divergence(mean, predicted).mean() < 0.2 * kl_divergence(D, mean).mean()


@pytest.mark.slow
@pytest.mark.parametrize("cls", [BDLDL, DFLDL, LDLHR, LDSVR], ids=lambda cls: cls.__name__)
def test_configurations_that_share_work_equal_separate_fits(cls, problem):
    X, D = problem
    tried = configurations(cls, made(cls).get_params(deep=False), 24, 0)
    together = made(cls).predict_each(tried, X[:40], D[:40], X[40:])
    for configuration, predicted in zip(tried, together, strict=True):
        alone = made(cls, **configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_allclose(predicted, alone, atol=1e-9)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    cls=st.sampled_from(ALL),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 12), st.integers(2, 6)),
    unit=st.sampled_from([0.0, 1e-50, 1.0, 1e60]),
    seed=st.integers(0, 99),
)
def test_any_data_gives_distributions(cls, shape, unit, seed):
    """Few rows, constant features or huge ones, and half of the shares exactly 0; fitted twice."""
    (n, q, c), rng = shape, np.random.default_rng(seed)
    X, D = unit * rng.normal(size=(n, q)), rng.dirichlet(np.ones(c), n)
    D[::2] = np.eye(c)[rng.integers(0, c, len(D[::2]))]
    model = made(cls).fit(X, D)
    assert np.isfinite([model.objective_, model.n_iter_, model.converged_]).all()
    np.testing.assert_array_equal(model.predict(X), made(cls).fit(X, D).predict(X))


@pytest.mark.parametrize(
    ("cls", "wrong", "sentence"),
    [
        (BDLDL, {"beta": 0.0}, "beta must be a finite number, greater than 0"),
        (LDSVR, {"C": 0}, "C must be a finite number, greater than 0"),
        (LDSVR, {"floor": 0.5}, "floor must be a finite number, greater than 0 and less than 0.5"),
        (LDL4C, {"rho": 0.0}, "rho must be a finite number, greater than 0"),
        (LDLM, {"beta": -1}, "beta must be a finite number, at least 0"),
        (LDLHR, {"l2_unit": "n"}, "l2_unit must be 'one' or 'data'"),
        (DFLDL, {"k": 0}, "k must be a whole number of at least 1, not 0"),
        (LDLF, {"depth": 1}, "depth must be a whole number of at least 2, not 1"),
        (DeltaLDL, {"epochs": 2.5}, "epochs must be a whole number"),
    ],
)
def test_settings_without_meaning_are_refused(cls, wrong, sentence, problem):
    with pytest.raises(ValueError, match=sentence):
        cls(**wrong).fit(*problem)
