"""Mixing the mean distribution in: the formula, its bounds, and one fit for several amounts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from baselines.smoothed import SmoothedLearner


class FirstLabel(SmoothedLearner):
    """Says that every row has the first label alone."""

    learned: ClassVar[list[str]] = []

    def __init__(self, smoothing=0.1, other="a"):
        self.smoothing = smoothing
        self.other = other

    def _learn(self, X, D):
        self.learned.append(self.other)

    def _estimate(self, X):
        return np.tile(np.eye(self.n_labels_)[0], (len(X), 1))


def test_the_mean_is_mixed_in(problem):
    X, D = problem
    predicted = FirstLabel(smoothing=0.3).fit(X[:40], D[:40]).predict(X[40:])
    expected = 0.7 * np.eye(4)[0] + 0.3 * D[:40].mean(axis=0)
    np.testing.assert_allclose(predicted, np.tile(expected, (20, 1)), atol=1e-15)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, "some", None, True, np.nan])
def test_smoothing_must_be_a_share(smoothing, problem):
    with pytest.raises(ValueError, match="smoothing must be a finite number, at least 0 and at"):
        FirstLabel(smoothing=smoothing).fit(*problem)


def test_learners_that_differ_in_smoothing_alone_learn_once(problem):
    X, D = problem
    FirstLabel.learned.clear()
    configurations = [{"smoothing": 1.0}, {"other": "b"}, {}, {"smoothing": 0.0, "other": "b"}]
    made = FirstLabel().predict_each(configurations, X, D, X)
    assert FirstLabel.learned == ["a", "b"]
    for configuration, predicted in zip(configurations, made, strict=True):
        alone = FirstLabel(**configuration).fit(X, D).predict(X)
        np.testing.assert_array_equal(predicted, alone)
