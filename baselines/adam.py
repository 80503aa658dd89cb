"""Learners trained by Adam on the whole training set, one training for many numbers of epochs."""

from __future__ import annotations

from typing import Any

import numpy as np

from baselines.backprop import Objective, Watch
from baselines.base import alike
from baselines.settings import check_count, check_number
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

#: Training has converged where the gradient is this small, relative to the largest entry met. (The
#: gradient itself tells nothing: a mean divergence of shares that hardly differ has a tiny one.)
TOLERANCE = 1e-6


class Adam:
    """Moves weights by the running mean of gradients over the root of that of their squares.

    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1, with its
    usual constants; for one training.
    """

    def __init__(self, rate: float):
        self.rate = rate
        self.mean: FloatArray = np.zeros(1)
        self.square: FloatArray = np.zeros(1)
        self.steps = 0

    def __call__(self, gradient: FloatArray) -> FloatArray:
        """Return what to add to the weights."""
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        mean = self.mean / (1.0 - 0.9**self.steps)
        square = self.square / (1.0 - 0.999**self.steps)
        return -self.rate * mean / (np.sqrt(square) + 1e-8)


class AdamLearner(SmoothedLearner):
    """A learner whose training by Adam for e epochs is the beginning of a longer one.

    A subclass has the settings below and supplies ``_begin(X, D)``, which returns the first weights
    and the objective, and ``_outputs(weights, X)``. What must be done between steps it does in
    ``_between(epoch, weights)``, which is called before every step and at the end.
    """

    epochs: int
    learning_rate: float
    random_state: int | None

    def _begin(self, X: FloatArray, D: FloatArray) -> tuple[FloatArray, Objective]:
        raise TypeError(f"{type(self).__name__} does not define _begin(X, D)")

    def _outputs(self, weights: FloatArray, X: FloatArray) -> FloatArray:
        raise TypeError(f"{type(self).__name__} does not define _outputs(weights, X)")

    def _between(self, epoch: int, weights: FloatArray) -> None:
        pass

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._train(X, D)

    def _train(self, X: FloatArray, D: FloatArray, watch: Watch | None = None) -> None:
        """Do what `_learn` does; tell `watch` the weights before every step and at the end."""
        check_count("epochs", self.epochs)
        check_number("learning_rate", self.learning_rate, include_low=False)
        if self.random_state is not None:
            check_count("random_state", self.random_state, least=0)
        weights, objective = self._begin(X, D)
        rule, largest = Adam(self.learning_rate), 0.0
        for epoch in range(self.epochs + 1):
            self._between(epoch, weights)
            if watch is not None:
                watch(epoch, weights)
            value, gradient = objective(weights)
            size = float(np.abs(gradient).max())
            largest = max(largest, size)
            self.converged_ = size <= TOLERANCE * largest
            if self.converged_ or epoch == self.epochs:
                break
            weights = weights + rule(gradient)
        self.weights_, self.n_iter_, self.objective_ = weights, epoch, value

    def _estimate(self, X: FloatArray) -> FloatArray:
        return self._outputs(self.weights_, X)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Train once, to the largest number of epochs, where nothing but that number differs."""
        made: list[Any] = [None] * len(learners)
        for numbers in alike(learners, "epochs", "smoothing"):
            for number in numbers:
                check_count("epochs", learners[number].epochs)
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

            longest._train(X, D, predict)
            last = longest._estimate(X_new)  # where the weights moved no more before
            for number in numbers:
                made[number] = met.get(learners[number].epochs, last)
        return made
