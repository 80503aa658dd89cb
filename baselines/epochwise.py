"""Learners trained epoch by epoch: stopping early, and one training for many numbers of epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from baselines.backprop import Trained
from baselines.base import LDLEstimator, alike
from baselines.early_stopping import EPSILON, best_epoch, held_out, kl_divergence
from baselines.settings import check_choice, check_count, check_flag, check_number
from features.arrays import FloatArray

#: Where training may start, by the `start` setting.
STARTS = ("uniform", "prior")


def log_prior(D: FloatArray) -> FloatArray:
    """Return the logarithms of the mean distribution; a label that never occurs counts as 1e-10."""
    logarithms: FloatArray = np.log(np.maximum(D.mean(axis=0), EPSILON))
    return logarithms


class EpochLearner(LDLEstimator):
    """A learner whose training of e epochs is the beginning of a longer one.

    A subclass has the settings ``epochs``, ``start``, ``early_stopping``, ``validation_fraction``,
    ``refit``, ``batch_size`` and ``random_state``, and supplies
    ``_train(X, D, epochs, watch)``, which passes the number of epochs made and the weights to
    `watch` before every epoch and at the end, and ``_outputs(weights, X)``. What else predictions
    need `_train` keeps on the learner.
    """

    epochs: int
    start: str
    early_stopping: bool
    validation_fraction: float
    refit: bool
    batch_size: int | None
    random_state: int | None

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._check_settings()
        epochs, rows = self.epochs, np.arange(len(X))
        if self.early_stopping:
            training, validation = held_out(D, self.validation_fraction, self.random_state)
            curve: list[float] = []

            def note(_epoch: int, weights: FloatArray) -> None:
                predicted = self._outputs(weights, X[validation])
                curve.append(kl_divergence(D[validation], predicted))

            self._train(X[training], D[training], epochs, note)
            epochs = best_epoch(curve)
            self.validation_curve_ = np.array(curve)
            rows = rows if self.refit else training
        end = self._train(X[rows], D[rows], epochs)
        self.weights_, self.n_iter_ = end.weights, end.epochs
        self.converged_, self.objective_ = end.converged, end.value

    def _predict(self, X: FloatArray) -> FloatArray:
        return self._outputs(self.weights_, X)

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Train once, to the largest number of epochs, where nothing but that number differs."""
        predictions: list[Any] = [None] * len(learners)
        for learner in learners:
            learner._check_settings()
        for numbers in alike(learners, "epochs"):
            if learners[numbers[0]].early_stopping:  # which needs a training for each number
                for number in numbers:
                    made = super()._predict_each([learners[number]], X, D, X_new)
                    predictions[number] = made[0]
                continue
            wanted = {learners[number].epochs for number in numbers}
            longest = next(learners[n] for n in numbers if learners[n].epochs == max(wanted))
            met: dict[int, FloatArray] = {}

            def predict(
                epoch: int,
                weights: FloatArray,
                wanted: set[int] = wanted,
                longest: Any = longest,
                met: dict[int, FloatArray] = met,
            ) -> None:
                if epoch in wanted:
                    met[epoch] = longest._outputs(weights, X_new)

            end = longest._train(X, D, longest.epochs, predict)
            if end.epochs < longest.epochs:  # the weights move no more
                last = longest._outputs(end.weights, X_new)
                met |= {epochs: last for epochs in wanted if epochs > end.epochs}
            for number in numbers:
                predictions[number] = met[learners[number].epochs]
        return predictions

    def _train(
        self,
        X: FloatArray,
        D: FloatArray,
        epochs: int,
        watch: Callable[[int, FloatArray], None] | None = None,
    ) -> Trained:
        raise TypeError(f"{type(self).__name__} does not define _train(X, D, epochs, watch)")

    def _outputs(self, weights: FloatArray, X: FloatArray) -> FloatArray:
        raise TypeError(f"{type(self).__name__} does not define _outputs(weights, X)")

    def _check_settings(self) -> None:
        check_count("epochs", self.epochs)
        check_choice("start", self.start, STARTS)
        check_flag("early_stopping", self.early_stopping)
        check_flag("refit", self.refit)
        check_number("validation_fraction", self.validation_fraction, 0.0, 1.0, include_low=False)
        if self.batch_size is not None:
            check_count("batch_size", self.batch_size)
        if self.random_state is not None:
            check_count("random_state", self.random_state, least=0)
