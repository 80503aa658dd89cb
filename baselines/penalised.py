"""Maximum entropy models with further terms: what LDLLC, LDL-LCLR, LDL-SCL and LDL-LRR share.

All of them predict ``p_ij = exp(x_i . w_j + b_j) / sum_k exp(x_i . w_k + b_k)`` and minimise the
Kullback-Leibler divergence to it with a squared penalty of the weights and one or two terms of
their own. They search in coordinates in which the features are orthogonal, by L-BFGS: a few tens of
iterations, where the features as given take thousands.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import xlogy

from baselines.base import LDLEstimator
from baselines.coordinates import Coordinates, Spectrum, whitened
from baselines.maxent import check_not_tiny, log_mean, probabilities
from baselines.settings import check_choice, check_count, check_flag, check_number
from features.arrays import FloatArray


def space(
    ridge: str, weight: str, tried: tuple[float, ...], otherwise: float, max_iter: int = 100
) -> tuple[dict[str, Any], ...]:
    """Return the search space of a method of the family, in 24 configurations with the default.

    Parameters
    ----------
    ridge, weight : str
        Names of the squared penalty and of the weight of the method's own term.
    tried : tuple of float
        Values of that weight where features are scaled as suits them.
    otherwise : float
        Its value for features as given, and for principal components.
    max_iter : int
        Budget of a search.
    """
    common: dict[str, Any] = {
        "fit_intercept": (True,),
        "unit": ("data",),
        "max_iter": (max_iter,),
        "tol": (1e-4,),
    }
    few, many = (10.0, 0.03, 0.01, 0.003, 0.001), (10.0, 0.03, 0.01, 0.003, 0.001, 0.0003)
    return (
        {ridge: many, weight: tried, **common, "scaling": ("auto",)},
        {ridge: many, weight: (otherwise,), **common, "scaling": ("none",)},
        {ridge: few, weight: (otherwise,), **common, "scaling": ("standard",), "components": (20,)},
    )


class Found(NamedTuple):
    """Where a search ended: the point, the objective there, iterations, whether it converged."""

    point: FloatArray
    objective: float
    n_iter: int
    converged: bool


class Problem(NamedTuple):
    """What a method of the family gets to minimise.

    Attributes
    ----------
    coordinates : Coordinates
        The features, orthogonal, and the way back to weights.
    D : ndarray of shape (n, c)
        Description degrees.
    start : ndarray of shape (c, r)
        Weights zero, and as the last column intercepts where there are any: label-major.
    size : float
        Root of the sum of the features' mean squares: by how much weights grow where features
        shrink.
    units : tuple of float
        By what terms of the weights' first power and of their square are multiplied.
    rows : float
        Number of rows where the divergence counts as a mean over them, else 1: what the objective
        of the search is divided by to get that of the method, and terms that see neither rows nor
        features are multiplied by.
    """

    coordinates: Coordinates
    D: FloatArray
    start: FloatArray
    size: float
    units: tuple[float, float]
    rows: float

    @property
    def entropy(self) -> float:
        """``sum_ij d_ij ln d_ij``: the divergence less the cross entropy."""
        return float(xlogy(self.D, self.D).sum())

    def weights(self, point: FloatArray) -> FloatArray:
        """Return the weights (q, c) of the features as given, of a point (c, r)."""
        zeros = np.zeros((len(self.coordinates.mean), len(point)))
        return self.coordinates.leave(point.T, zeros, True)[0]

    def design(self) -> FloatArray:
        """Return the features (n, r), with a column of ones where there are intercepts."""
        features, constant = self.coordinates.features, self.coordinates.constant
        if not constant:
            return features
        return np.column_stack((features, np.full(len(features), constant)))

    def squares(self) -> FloatArray:
        """Return what the squared weights of each column count: ``||W||^2 = sum_k s_k ||a_k||^2``.

        Intercepts count nothing.
        """
        lengths = self.coordinates.lengths**2
        return np.append(lengths, 0.0) if self.coordinates.constant else lengths


class PenalisedMaxent(LDLEstimator):
    """Base of the family: a subclass supplies `_l2` and `_minimise`, and checks its own settings.

    A subclass has the parameters ``fit_intercept``, ``unit``, ``max_iter``, ``tol``, ``scaling``
    and ``components``.
    """

    #: Whether the method's divergence is a mean over rows, whatever the unit.
    mean_of_rows: ClassVar[bool] = False

    fit_intercept: bool
    unit: str
    max_iter: int
    tol: float

    weights_: FloatArray
    intercept_: FloatArray
    n_iter_: int
    converged_: bool
    objective_: float

    def _l2(self) -> float:
        """Return the weight of ``||W||^2``."""
        raise TypeError(f"{type(self).__name__} does not define _l2()")

    def _minimise(self, problem: Problem) -> Found:
        """Return the minimum of the method's objective; its point begins with ``start``'s shape."""
        raise TypeError(f"{type(self).__name__} does not define _minimise(problem)")

    def _check_settings(self) -> None:
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol, include_low=False)
        check_flag("fit_intercept", self.fit_intercept)
        check_choice("unit", self.unit, ("one", "data"))

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._learn(X, D, {})

    def _learn(self, X: FloatArray, D: FloatArray, known: dict[str, Spectrum]) -> None:
        """Do what `_fit` does; decompositions of X are looked up in `known` and added to it."""
        self._check_settings()
        check_not_tiny(X)
        problem = stated(X, D, self, known)
        found = self._minimise(problem)
        self.weights_ = problem.weights(found.point)
        self.intercept_ = np.zeros(D.shape[1])
        coordinates = problem.coordinates
        if coordinates.constant:
            shift = coordinates.mean @ self.weights_
            self.intercept_ = coordinates.constant * found.point[:, -1] - shift
        self.objective_, self.n_iter_ = found.objective, found.n_iter
        self.converged_ = found.converged

    def _predict(self, X: FloatArray) -> FloatArray:
        return probabilities(X, self.weights_, self.intercept_)

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Decompose the features once for all settings."""
        known: dict[str, Spectrum] = {}
        predictions = []
        for learner in learners:
            learner._learn(X, D, known)
            predictions.append(learner._predict(X_new))
        return predictions


def stated(
    X: FloatArray, D: FloatArray, learner: PenalisedMaxent, known: dict[str, Spectrum]
) -> Problem:
    """Return the problem of a learner on these data."""
    n, c = D.shape
    centred = X - X.mean(axis=0) if learner.fit_intercept else X
    size = float(np.sqrt((centred**2).sum() / n)) or 1.0
    rows = float(n) if learner.unit == "data" or learner.mean_of_rows else 1.0
    own = size if learner.unit == "data" else 1.0
    units = (rows * own, rows * own**2)
    l2 = 2 * learner._l2() * units[1]
    coordinates = whitened(X, l2, learner.fit_intercept, known)
    start = np.zeros((c, coordinates.features.shape[1]))
    if learner.fit_intercept:
        start = np.column_stack((start, log_mean(D) / coordinates.constant))
    return Problem(coordinates, D, start, size, units, rows)


def search(
    evaluate: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    max_iter: int,
    bound: float,
    bounds: list[tuple[float | None, float | None]] | None = None,
) -> Found:
    """Minimise by L-BFGS until every entry of the gradient is at most `bound`.

    Parameters
    ----------
    evaluate : callable
        Takes a point of the shape of `start`, returns the objective and its gradient.
    start : ndarray
    max_iter : int
    bound : float
    bounds : list of pair, optional
        Least and greatest value of each entry.
    """

    def flat(x: FloatArray) -> tuple[float, FloatArray]:
        loss, slope = evaluate(x.reshape(start.shape))
        return loss, slope.ravel()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a step too far is taken back
        found = minimize(
            flat,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={
                "maxiter": max_iter,
                "maxfun": 20 * max_iter + 20,
                "gtol": bound,
                "ftol": 1e-14,
                "maxcor": 10 if bounds else 20,  # with bounds a step costs its square
            },
        )
    # A line search that finds no further decrease ends at the rounding of the objective.
    ended = found.nit < max_iter and float(np.abs(found.jac).max()) <= 100 * bound
    done = bool(found.success or ended)
    return Found(found.x.reshape(start.shape), float(found.fun), int(found.nit), done)


def cross_entropy(D: FloatArray, scores: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return ``-sum d ln p``, its slope in the scores, and p; all label-major (c, n)."""
    logs, P = probabilities_of(scores)
    return -float(np.vdot(D, logs)), P * D.sum(axis=0) - D, P


def probabilities_of(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``ln p`` and p of scores (c, n), label-major."""
    logs = scores - scores.max(axis=0)
    P = np.exp(logs)
    total = P.sum(axis=0)
    logs -= np.log(total)
    P /= total
    return logs, P


def pulled_back(P: FloatArray, slope: FloatArray) -> FloatArray:
    """Return the slope in the scores, of a slope in the probabilities, both (c, n)."""
    return np.asarray(P * (slope - (P * slope).sum(axis=0)))
