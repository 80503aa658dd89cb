"""Projection against all supports tried in turn, clipping, and log-ratios."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from baselines.simplex import LOG_SMOOTHING, clip, from_log_ratios, log_ratios, project


def nearest_by_brute_force(v):
    """Solve the quadratic program by trying every set of labels that may be positive."""
    best, least = None, np.inf
    for size in range(1, len(v) + 1):
        for support in combinations(range(len(v)), size):
            chosen = list(support)
            point = np.zeros(len(v))
            point[chosen] = v[chosen] + (1 - v[chosen].sum()) / size  # nearest with that sum
            distance = ((point - v) ** 2).sum()
            if point.min() >= 0 and distance < least:
                best, least = point, distance
    return best


@pytest.mark.parametrize("c", [2, 3, 7])
@pytest.mark.parametrize("size", [0.1, 1.0, 30.0])
def test_projection_is_the_nearest_point(c, size):
    V = np.random.default_rng(c).normal(1 / c, size, (40, c))
    expected = np.array([nearest_by_brute_force(v) for v in V])
    np.testing.assert_allclose(project(V), expected, atol=1e-12)


def test_projection_keeps_distributions_and_bears_ties_and_large_values():
    D = np.random.default_rng(0).dirichlet(np.ones(5), 30)
    np.testing.assert_allclose(project(D), D, atol=1e-15)
    np.testing.assert_allclose(project(np.full((1, 4), 9.0)), np.full((1, 4), 0.25))
    np.testing.assert_allclose(project(np.array([[1e200, 1e200, -1e200]])), [[0.5, 0.5, 0.0]])
    shifted = project(np.array([[1e9 + 0.25, 1e9]]))  # the same as of (0.25, 0)
    np.testing.assert_allclose(shifted, [[0.625, 0.375]])


def test_clipping_divides_what_is_positive_and_falls_back():
    otherwise = np.array([0.2, 0.3, 0.5])
    V = np.array([[0.3, -0.5, 0.1], [-1.0, 0.0, -2.0], [0.0, 0.0, 0.0], [1e308, 1e308, 0.0]])
    expected = [[0.75, 0.0, 0.25], otherwise, otherwise, [0.5, 0.5, 0.0]]
    np.testing.assert_allclose(clip(V, otherwise), expected)


def test_log_ratios_are_centred_finite_and_undone_by_the_softmax():
    D = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    Z = log_ratios(D)
    np.testing.assert_allclose(Z.sum(axis=1), 0.0, atol=1e-12)
    mixed = (1 - LOG_SMOOTHING) * D + LOG_SMOOTHING / 3
    np.testing.assert_allclose(from_log_ratios(Z), mixed, atol=1e-15)
