"""The extended baselines, each against another implementation of what its docstring says.

`baselines.ridge`, `baselines.kernel_ridge`, `baselines.weighted_knn`, `baselines.forests`,
`baselines.boosting`, `baselines.logistic`.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from baselines import (
    BoostingLDL,
    ExtraTreesLDL,
    ForestLDL,
    KernelRidgeLDL,
    LogisticLDL,
    RidgeLDL,
    WeightedKNN,
)
from baselines.boosting import BINS
from baselines.simplex import project
from benchmark.metrics import kl_divergence
from benchmark.plugins.spaces import configurations

ALL = [
    RidgeLDL,
    KernelRidgeLDL,
    LogisticLDL,
    WeightedKNN,
    ForestLDL,
    ExtraTreesLDL,
    BoostingLDL,
]
OF_TREES = (ForestLDL, ExtraTreesLDL, BoostingLDL)


def make(cls, **settings):
    """Make a learner with a seed, and with few trees."""
    seeded = {"random_state": 0} if cls in OF_TREES else {}
    few = {"n_estimators": 10} if cls in OF_TREES[:2] else {}
    return cls(**{**seeded, **few, **settings})


@pytest.mark.parametrize("shape", [(40, 5), (40, 60)])
@pytest.mark.parametrize("alpha", [1e-4, 0.1])
def test_ridge_is_ridge_regression_with_a_relative_penalty(shape, alpha):
    rng = np.random.default_rng(0)
    X, D = rng.normal(5.0, 3.0, shape), rng.dirichlet(np.ones(4), shape[0])
    new = rng.normal(5.0, 9.0, (50, shape[1]))
    predicted = RidgeLDL(alpha, smoothing=0.0, scaling="none").fit(X, D).predict(new)
    penalty = alpha * ((X - X.mean(axis=0)) ** 2).sum()
    reference = Ridge(penalty).fit(X, D).predict(new)
    np.testing.assert_allclose(predicted, project(reference), atol=1e-10)
    np.testing.assert_allclose(
        RidgeLDL(alpha, scaling="none").fit(X * 1e-3, D).predict(new * 1e-3),
        RidgeLDL(alpha, scaling="none").fit(X, D).predict(new),
        atol=1e-10,
    )


def test_kernel_ridge_is_kernel_ridge_regression_with_relative_settings(problem):
    X, D = problem
    settings = {"alpha": 0.05, "gamma": 0.7, "smoothing": 0.0, "scaling": "none"}
    predicted = KernelRidgeLDL(**settings).fit(X[:40], D[:40]).predict(X[40:])
    squares = ((X[:40, None] - X[None, :40]) ** 2).sum(axis=2)
    mean = D[:40].mean(axis=0)
    reference = KernelRidge(alpha=0.05 * 40, kernel="rbf", gamma=0.7 / squares.mean())
    expected = mean + reference.fit(X[:40], D[:40] - mean).predict(X[40:])
    np.testing.assert_allclose(predicted, project(expected), atol=1e-10)


@pytest.mark.parametrize("k", [1, 7, 500])
def test_weighted_neighbours_are_those_of_another_library(k, problem):
    X, D = problem
    X = StandardScaler().fit_transform(X)
    X[41:43] = X[3:5]  # at distance 0, which counts as a tenth of the farthest
    predicted = WeightedKNN(k, smoothing=0.0, scaling="none").fit(X[:40], D[:40]).predict(X[40:])

    def bounded(d):
        return 1 / np.maximum(d, np.maximum(0.1 * d.max(axis=1, keepdims=True), 1e-9))

    reference = KNeighborsRegressor(min(k, 40), weights=bounded, algorithm="brute")
    expected = reference.fit(X[:40], D[:40]).predict(X[40:])
    np.testing.assert_allclose(predicted, expected, atol=1e-12)
    plain = KNeighborsRegressor(min(k, 40), weights="distance").fit(X[:40], D[:40])
    np.testing.assert_allclose(predicted[3:], plain.predict(X[43:]), atol=0.02)


@pytest.mark.parametrize(
    ("cls", "reference"), [(ForestLDL, RandomForestRegressor), (ExtraTreesLDL, ExtraTreesRegressor)]
)
def test_forests_hold_mean_distributions_in_their_leaves(cls, reference, problem):
    X, D = problem
    model = make(cls, smoothing=0.0, max_features=0.5)
    predicted = model.fit(X[:40], D[:40]).predict(X[40:])
    trees = reference(10, min_samples_leaf=5, max_features=0.5, random_state=0).fit(X[:40], D[:40])
    np.testing.assert_allclose(predicted, trees.predict(X[40:]), atol=1e-12)


def test_boosting_follows_the_gradient_of_the_cross_entropy():
    """One round with two leaves, against Newton steps written out for each label."""
    rng = np.random.default_rng(0)
    side = np.repeat([0.0, 1.0], 30)
    D = np.where(side[:, None] == 0, rng.dirichlet([4, 2, 1], 60), rng.dirichlet([1, 2, 4], 60))
    settings = {"max_iter": 1, "learning_rate": 0.5, "max_leaf_nodes": 2, "l2": 0.0}
    model = BoostingLDL(**settings, smoothing=0.0).fit(side[:, None], D)
    mean = D.mean(axis=0)
    scores = np.log(mean)
    for value in (0.0, 1.0):
        here = D[side == value]
        gradient = here.sum(axis=0) - len(here) * mean
        curvature = len(here) * mean * (1 - mean)
        expected = np.exp(scores + 0.5 * gradient / curvature)
        predicted = model.predict([[value]])[0]
        assert predicted == pytest.approx(expected / expected.sum(), abs=1e-6)
    assert len(np.unique(side)) < BINS


def test_logistic_is_the_optimum_of_its_objective(problem):
    """At the fitted probabilities the gradient of the penalised loss vanishes."""
    X, D = problem
    Z = (X - X.mean(axis=0)) * 7
    alpha = 0.01
    model = LogisticLDL(alpha, smoothing=0.0, scaling="none", max_iter=5000).fit(Z, D)
    labels = np.unique(D.argmax(axis=1))
    picked = np.eye(4)[D.argmax(axis=1)][:, labels]
    logs = np.log(model.predict(Z)[:, labels])
    # Log-probabilities are linear in the features: centred ones give the weights and intercepts.
    with_ones = np.column_stack([Z, np.ones(len(Z))])
    weights = np.linalg.lstsq(with_ones, logs - logs.mean(axis=1, keepdims=True), rcond=None)[0]
    np.testing.assert_allclose(log_softmax(with_ones @ weights, axis=1), logs, atol=1e-8)
    variances = Z.var(axis=0).sum()
    gradient = Z.T @ (np.exp(logs) - picked) / len(Z) + alpha * variances * weights[:-1]
    assert np.abs(gradient).max() < 1e-3 * np.sqrt(variances)
    assert model.converged_
    stopped = LogisticLDL(alpha, max_iter=1).fit(X, D)
    assert (stopped.n_iter_, stopped.converged_) == (1, False)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_the_space_has_the_common_budget_and_begins_near_the_mean(cls, problem):
    X, D = problem
    own = cls().get_params(deep=False)
    assert len(configurations(cls, own, 100, 0)) == 24  # the defaults are among them
    simplest = {name: values[0] for name, values in cls.search_space.items()}
    predicted = make(cls, **simplest).fit(X, D).predict(X)
    mean = np.tile(D.mean(axis=0), (len(X), 1))
    assert kl_divergence(mean, predicted).mean() < 0.2 * kl_divergence(D, mean).mean()


@pytest.mark.slow
@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_configurations_that_share_work_equal_separate_fits(cls, problem):
    X, D = problem
    tried = configurations(cls, cls().get_params(deep=False), 24, 0)
    made = make(cls).predict_each(tried, X[:40], D[:40], X[40:])
    for configuration, predicted in zip(tried, made, strict=True):
        alone = make(cls, **configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_allclose(predicted, alone, atol=1e-12)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_label_that_occurs_is_never_predicted_as_zero(cls):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(40, 3)), np.eye(5)[rng.integers(0, 4, 40)]
    predicted = make(cls).fit(X, D).predict(X)
    assert predicted[:, :4].min() > 1e-3
    assert predicted[:, 4].max() < 1e-2


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_features_that_tell_nothing_leave_the_mean(cls, problem):
    _, D = problem
    every = {"k": 60} if cls is WeightedKNN else {}
    model = make(cls, **every).fit(np.full((60, 2), 3.0), D)
    predicted = model.predict(np.full((2, 2), 3.0))
    mean = np.tile(D.mean(axis=0), (2, 1))
    if cls is LogisticLDL:
        dominant = np.bincount(D.argmax(axis=1), minlength=4) / 60
        mean = 0.99 * dominant + 0.01 * mean
    sampled = cls is ForestLDL  # each tree sees a bootstrap sample
    np.testing.assert_allclose(predicted, mean, atol=0.05 if sampled else 1e-4)


@pytest.mark.parametrize(
    ("cls", "settings", "sentence"),
    [
        (RidgeLDL, {"alpha": 0.0}, "alpha must be a finite number, greater than 0"),
        (KernelRidgeLDL, {"alpha": -1}, "alpha must be a finite number, greater than 0"),
        (KernelRidgeLDL, {"gamma": 0}, "gamma must be a finite number, greater than 0"),
        (WeightedKNN, {"k": 0}, "k must be a whole number of at least 1, not 0"),
        (ForestLDL, {"n_estimators": 2.5}, "n_estimators must be a whole number"),
        (ForestLDL, {"min_samples_leaf": -1}, "min_samples_leaf"),
        (BoostingLDL, {"max_iter": 0}, "max_iter must be a whole number of at least 1"),
        (BoostingLDL, {"max_leaf_nodes": 1}, "max_leaf_nodes must be a whole number of at least 2"),
        (LogisticLDL, {"alpha": None}, "alpha must be a finite number"),
    ],
)
def test_settings_without_meaning_are_refused(cls, settings, sentence, problem):
    with pytest.raises(ValueError, match=sentence):
        cls(**settings).fit(*problem)


@pytest.mark.parametrize("cls", [RidgeLDL, KernelRidgeLDL, LogisticLDL, WeightedKNN])
def test_principal_components_are_not_whitened_by_default(cls):
    """Components of falling variance, as the harness makes them of images' activations."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 30)) @ rng.normal(size=(30, 30)) * 0.8 ** np.arange(30)
    X -= X.mean(axis=0)
    X = X @ np.linalg.svd(X, full_matrices=False)[2].T
    D = rng.dirichlet([1.0, 2.0, 3.0], 90)
    given, plain = (make(cls, **s).fit(X, D).predict(X) for s in ({}, {"scaling": "none"}))
    np.testing.assert_array_equal(given, plain)
    assert np.abs(make(cls, scaling="standard").fit(X, D).predict(X) - plain).max() > 1e-3
