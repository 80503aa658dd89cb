"""Linear maps from features to shares, projected: what LDLSF, TLRLDL and TKLRLDL share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from baselines.coordinates import Spectrum, decompose, decompose_gram
from baselines.maxent import check_not_tiny
from baselines.settings import check_choice, check_flag
from baselines.simplex import project
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray


class Targets(NamedTuple):
    """What a method of the family gets to fit.

    Attributes
    ----------
    X : ndarray of shape (n, q)
        Features; less their mean where there are intercepts, in their unit where that is asked for.
    D : ndarray of shape (n, c)
        Shares; less their mean where there are intercepts.
    decomposition : Spectrum
        Of X.
    rows : float
        Number of rows where penalties are multiplied by it, else 1.
    """

    X: FloatArray
    D: FloatArray
    decomposition: Spectrum
    rows: float


class LinearMap(SmoothedLearner):
    """Base of the family: a subclass supplies `_solve`, and checks its own settings.

    A subclass has the parameters ``fit_intercept``, ``unit``, ``smoothing``, ``scaling`` and
    ``components``.
    """

    fit_intercept: bool
    unit: str

    weights_: FloatArray
    n_iter_: int
    converged_: bool
    objective_: float

    def _solve(self, targets: Targets) -> FloatArray:
        """Return the weights, and set what the method tells of its search."""
        raise TypeError(f"{type(self).__name__} does not define _solve(targets)")

    def _check_settings(self) -> None:
        check_flag("fit_intercept", self.fit_intercept)
        check_choice("unit", self.unit, ("one", "data"))

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._learn_knowing(X, D, {})

    def _learn_knowing(self, X: FloatArray, D: FloatArray, known: dict[Any, Spectrum]) -> None:
        """Do what `_learn` does; decompositions are looked up in `known` and added to it."""
        self._check_settings()
        check_not_tiny(X)
        n, q = X.shape
        self.centre_, self.level_ = np.zeros(q), np.zeros(D.shape[1])
        if self.fit_intercept:
            self.centre_, self.level_ = X.mean(axis=0), self.mean_
            X = np.where(np.ptp(X, axis=0) > 0, X - self.centre_, 0.0)
        # Relative penalties hide what the faster decomposition of X'X loses.
        make = decompose_gram if self.unit == "data" and n > 2 * q else decompose
        kind = make.__name__, self.fit_intercept
        if kind not in known:
            known[kind] = make(X)
        seen = known[kind]
        size = 1.0
        if self.unit == "data":
            size = float(np.sqrt((X**2).sum() / n)) or 1.0
            seen = Spectrum(seen.scores / size, seen.s / size, seen.basis)
        rows = float(n) if self.unit == "data" else 1.0
        self.weights_ = self._solve(Targets(X / size, D - self.level_, seen, rows)) / size

    def _estimate(self, X: FloatArray) -> FloatArray:
        return project(self.level_ + (X - self.centre_) @ self.weights_)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Decompose the features once for all settings."""
        known: dict[Any, Spectrum] = {}
        made = []
        for learner in learners:
            learner._learn_knowing(X, D, known)
            made.append(learner._estimate(X_new))
        return made
