"""Preprocessing against formulas written out, and principal components against an SVD."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import ParameterGrid

from baselines import AABP, KernelRidgeLDL, PTBayes, RidgeLDL
from baselines.early_stopping import kl_divergence
from baselines.preprocessing import are_components, fit_preprocessing

rng = np.random.default_rng(0)


def test_scalings_are_learned_from_the_training_rows():
    X, new = rng.normal(3.0, 2.0, (40, 4)), rng.normal(size=(5, 4))
    X[:, 3] = 7.0
    new[:, 3] = 7.0
    assert fit_preprocessing(X) is None
    standard = fit_preprocessing(X, "standard").transform(new)
    deviation = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    np.testing.assert_allclose(standard, (new - X.mean(axis=0)) / deviation, atol=1e-12)
    minmax = fit_preprocessing(X, "minmax").transform(new)
    span = np.where(np.ptp(X, axis=0) > 0, np.ptp(X, axis=0), 1.0)
    np.testing.assert_allclose(minmax, (new - X.min(axis=0)) / span, atol=1e-12)
    assert (minmax[:, 3] == 0.0).all()


@pytest.mark.parametrize("shape", [(60, 5), (6, 20)])
def test_components_are_those_of_a_singular_value_decomposition(shape):
    X, new = rng.normal(size=shape) * np.arange(1, shape[1] + 1), rng.normal(size=(3, shape[1]))
    made = fit_preprocessing(X, components=3).transform(new)
    centre = X.mean(axis=0)
    axes = np.linalg.svd(X - centre, full_matrices=False)[2][:3]
    np.testing.assert_allclose(np.abs(made), np.abs((new - centre) @ axes.T), atol=1e-9)
    assert fit_preprocessing(X, components=50).transform(new).shape == (3, min(shape))
    assert fit_preprocessing(X, "standard", 2).transform(new).shape == (3, 2)


@pytest.mark.parametrize("scaling", ["none", "minmax"])
def test_a_large_offset_does_not_change_the_components(scaling):
    """Such as a column with seconds since 1970."""
    X = rng.normal(size=(40, 6)).round(3) * np.arange(1, 7)
    plain, shifted = (fit_preprocessing(Z, scaling, 2).transform(Z) for Z in (X, X + 1e9))
    np.testing.assert_allclose(np.abs(shifted), np.abs(plain), atol=1e-4)


def test_independent_features_in_falling_units_are_no_components():
    X = rng.normal(size=(200, 4)) * [1e3, 10.0, 1.0, 1e-2]
    X -= X.mean(axis=0)
    assert are_components(X)
    assert not are_components(np.array([5e3, 20.0, 7.0, 0.3]) + X)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (9, 5)])
@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "auto"])
def test_components_of_features_that_do_not_vary_are_zero(shape, scaling):
    made = fit_preprocessing(np.full(shape, 0.1), scaling, 3).transform(np.full(shape, 0.1))
    np.testing.assert_allclose(made, 0.0, atol=1e-15)


def test_what_does_not_exist_is_refused():
    X = rng.normal(size=(9, 3))
    with pytest.raises(ValueError, match="scaling must be"):
        fit_preprocessing(X, "whiten")
    with pytest.raises(ValueError, match="components must be a whole number of at least 1, not 0"):
        fit_preprocessing(X, components=0)


def test_auto_tells_principal_components_by_their_variances():
    X = rng.normal(size=(90, 12)) @ rng.normal(size=(12, 12)) + rng.normal(size=12)
    X -= X.mean(axis=0)
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    components = U * s
    assert not are_components(X)
    assert are_components(components)
    assert are_components(components[:60])  # made of more rows than these
    assert are_components(np.column_stack([components, np.zeros(90), 1e-17 * X[:, 0]]))
    assert are_components(1e-90 * components)
    assert not are_components(U)  # whitened already: no harm in standardising
    assert not are_components(components[:, ::-1])
    assert not are_components(X * np.logspace(3, -3, 12))  # falling, but correlated
    assert not are_components(np.ones((5, 4)))
    assert not are_components(components[:1])
    for made, expected in ((components, "none"), (X, "standard")):
        auto, same = (fit_preprocessing(made, scaling) for scaling in ("auto", expected))
        if same is None:
            assert auto is None
        else:
            np.testing.assert_array_equal(auto.transform(made), same.transform(made))


@pytest.mark.parametrize("learner", [PTBayes(), AABP(random_state=0), KernelRidgeLDL(), RidgeLDL()])
def test_a_search_can_learn_from_principal_components(learner):
    """All components of features that few directions of large variance have the signal of."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(150, 6))
    X = Z @ rng.normal(size=(6, 150)) + rng.normal(size=(150, 150))
    X -= X.mean(axis=0)
    X = X @ np.linalg.svd(X, full_matrices=False)[2].T
    D = np.exp(0.6 * Z @ rng.normal(size=(6, 4)))
    D /= D.sum(axis=1, keepdims=True)
    train, test = np.arange(150) < 100, np.arange(150) >= 100
    spaces = learner.search_space
    spaces = [spaces] if isinstance(spaces, dict) else spaces
    grid = ParameterGrid([{k: list(v) for k, v in part.items()} for part in spaces])
    made = learner.predict_each(grid, X[train], D[train], X[test])
    mean = np.tile(D[train].mean(axis=0), (50, 1))
    best = min(kl_divergence(D[test], P) for P in made)
    assert best < 0.5 * kl_divergence(D[test], mean)
