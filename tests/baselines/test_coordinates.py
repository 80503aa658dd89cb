"""Coordinates of SA-BFGS: the scores are the same there, whichever decomposition serves."""

import numpy as np
import pytest

from baselines import coordinates
from baselines.coordinates import decompose, decompose_gram, plain, whitened


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 6)) + 100.0  # rank 4 and a constant
    return X, rng.normal(size=(6, 3)), rng.normal(size=3)


@pytest.mark.parametrize("make", [plain, whitened])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("l2", [0.0, 0.5, 1e7])
def test_there_and_back_the_scores_are_the_same(parts, make, intercept, l2):
    X, W, b = parts
    b = b if intercept else np.zeros(3)
    there = make(X, l2, intercept, {})
    own = there.enter(W, b)
    features = there.features
    if intercept:
        features = np.column_stack([features, np.full(len(X), there.constant)])
    np.testing.assert_allclose(features @ own, X @ W + b, atol=1e-9)
    weights, back = there.leave(own, W, False)
    np.testing.assert_allclose(weights, W, atol=1e-9)
    np.testing.assert_allclose(back, b, atol=1e-8)
    penalised, _ = there.leave(own, W, True)
    expected = (there.penalty[:, None] * own[: len(there.penalty)] ** 2).sum()
    assert expected == pytest.approx(l2 * (penalised**2).sum(), rel=1e-9)


def test_whitened_features_are_orthogonal_with_mean_square_one(parts):
    X = parts[0]
    features = whitened(X, 0.0, True, {}).features
    assert features.shape == (30, 4)
    np.testing.assert_allclose(features.T @ features, 30 * np.eye(4), atol=1e-9)
    np.testing.assert_allclose(features.mean(axis=0), 0.0, atol=1e-12)


def test_both_decompositions_are_one(parts):
    X = parts[0]
    first, second = decompose(X), decompose_gram(X)
    np.testing.assert_allclose(np.sort(second.s)[::-1][:5], first.s[:5], rtol=1e-9)
    for spectrum in (first, second):
        np.testing.assert_allclose(spectrum.scores @ spectrum.basis.T, X, atol=1e-5)


def test_the_quick_decomposition_serves_penalties_that_hide_its_rounding(parts, monkeypatch):
    X = parts[0]
    monkeypatch.setattr(coordinates, "decompose", None)
    known = {}
    assert whitened(X, 1e3, True, known).constant == 1.0
    assert len(known) == 1
    with pytest.raises(TypeError):
        whitened(X, 0.0, True, known)
