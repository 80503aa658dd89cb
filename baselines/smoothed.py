"""Learners that mix a little of the mean training distribution into what they predict."""

from __future__ import annotations

from typing import Any

from baselines.base import LDLEstimator, alike
from baselines.settings import check_number
from features.arrays import FloatArray


class SmoothedLearner(LDLEstimator):
    """Base of learners that predict ``(1 - smoothing) p + smoothing m``.

    p is what the method says and m the mean training distribution. A method that is no
    probability model may say that a share is exactly 0, which the Kullback-Leibler divergence
    punishes without bound; and a method may be surer than its data allow. With ``smoothing`` = 1
    the mean distribution itself is left.

    A subclass has the parameter ``smoothing`` and supplies ``_learn(X, D)`` and ``_estimate(X)``,
    in place of ``_fit`` and ``_predict``; and, where fits have work in common, `_estimates`.
    """

    smoothing: float
    mean_: FloatArray

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._keep_mean(D)
        self._learn(X, D)

    def _predict(self, X: FloatArray) -> FloatArray:
        return self._mixed(self._estimate(X))

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        raise TypeError(f"{type(self).__name__} does not define _learn(X, D)")

    def _estimate(self, X: FloatArray) -> FloatArray:
        raise TypeError(f"{type(self).__name__} does not define _estimate(X)")

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Return what each of several learners says of new rows, before it is mixed."""
        made = []
        for learner in learners:
            learner._learn(X, D)
            made.append(learner._estimate(X_new))
        return made

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Fit once for all learners that differ in nothing but how much is mixed in."""
        groups = alike(learners, "smoothing")
        for learner in learners:
            learner._keep_mean(D)
        made = cls._estimates([learners[numbers[0]] for numbers in groups], X, D, X_new)
        predictions: list[Any] = [None] * len(learners)
        for numbers, estimate in zip(groups, made, strict=True):
            for number in numbers:
                predictions[number] = learners[number]._mixed(estimate)
        return predictions

    def _keep_mean(self, D: FloatArray) -> None:
        check_number("smoothing", self.smoothing, high=1.0, include_high=True)
        self.mean_ = D.mean(axis=0)

    def _mixed(self, P: FloatArray) -> FloatArray:
        return (1 - self.smoothing) * P + self.smoothing * self.mean_
