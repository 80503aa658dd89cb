"""Kernels made of features against the matrices that are not written down."""

import numpy as np
import pytest

from baselines import low_rank
from baselines.low_rank import Gram, fit_features, shrunk_inverse, transformed
from baselines.weighted_svm import rbf_kernel


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_are_those_with_the_matrix(dtype, monkeypatch):
    """The inverse is made in parts of two rows."""
    monkeypatch.setattr("baselines.size.BLOCK", 6)
    rng = np.random.default_rng(0)
    F, rows = rng.normal(size=(7, 3)), rng.normal(size=(2, 7)).astype(dtype)
    exact = 4.0 * np.linalg.inv(F @ F.T + 4.0 * np.eye(7))
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for found, expected in (
        (rows @ shrunk_inverse(F, 4.0, dtype), rows @ exact),
        (rows @ Gram(F.astype(dtype)), rows @ (F @ F.T)),
    ):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, atol=tolerance)


def test_features_of_a_part_of_the_rows_are_the_same(monkeypatch):
    X = np.random.default_rng(0).normal(size=(30, 4))
    K = rbf_kernel(X, X, 0.3)
    fitted = fit_features(X, "nystroem", 0.3, 100, 0)
    Z = transformed(fitted, X)
    np.testing.assert_allclose(Z @ Z.T, K, atol=1e-10)
    monkeypatch.setattr(low_rank, "parts", lambda X, _: [X[:11], X[11:]])
    np.testing.assert_allclose(transformed(fitted, X), Z, atol=1e-12)
    cosines = transformed(fit_features(X, "fourier", 0.3, 20_000, 0), X)
    assert np.abs(cosines @ cosines.T - K).max() < 0.05
