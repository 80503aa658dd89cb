"""What LDL4C, LDL-HR and LDLM share: a softmax of scores, absolute losses, and margins in shares.

The losses are functions of predicted shares P (n, c); each returns its value and its derivative in
P, a subgradient where it has a kink.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from baselines.maxent import check_not_tiny, probabilities
from baselines.sa_bfgs import ordinary_unit
from baselines.settings import check_choice, check_count, check_number
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

Loss = tuple[float, FloatArray]
Labels = NDArray[np.intp]


def absolute(
    P: FloatArray, D: FloatArray, weights: FloatArray, allowed: FloatArray | float = 0.0
) -> Loss:
    """Return ``sum_i max(0, sum_j w_ij |p_ij - d_ij| - allowed_i)`` and its derivative.

    Parameters
    ----------
    P, D : ndarray of shape (n, c)
        Predicted and true shares.
    weights : ndarray of shape (n, c) or (n, 1)
        Not negative.
    allowed : ndarray of shape (n,) or float
        What costs nothing of each row.
    """
    difference = P - D
    excess = (weights * np.abs(difference)).sum(axis=1) - allowed
    derivative = weights * np.sign(difference) * (excess > 0)[:, None]
    return float(np.maximum(excess, 0.0).sum()), derivative


def margin(P: FloatArray, top: Labels, others: FloatArray, rho: float) -> Loss:
    """Return ``sum_i sum_k o_ik max(0, 1 - (p_i,top_i - p_ik) / rho)`` and its derivative.

    Parameters
    ----------
    P : ndarray of shape (n, c)
        Predicted shares.
    top : ndarray of shape (n,)
        The label that has to lead.
    others : ndarray of shape (n, c)
        1 for the labels before which it has to, else 0.
    rho : float
        By how much.
    """
    rows = np.arange(len(P))
    slack = others * (1.0 - (P[rows, top][:, None] - P) / rho)
    derivative = (slack > 0) / rho
    derivative[rows, top] -= derivative.sum(axis=1)
    return float(np.maximum(slack, 0.0).sum()), derivative


def ranked(D: FloatArray) -> Labels:
    """Return the labels of each row by falling share; the first of equal ones leads."""
    return np.argsort(-D, axis=1, kind="stable")


class MarginLearner(SmoothedLearner):
    """Base of learners that fit a softmax of linear scores to a loss of `margins`.

    ``p_ij = exp(x_i . w_j + b_j) / sum_k exp(x_i . w_k + b_k)`` minimises the loss plus
    ``l2/2 ||W||^2`` by limited-memory BFGS from zeros. The problem is not convex, so that what is
    found depends on the start. A subclass has the settings below and supplies ``_prepare(D)``,
    which keeps what it needs of D, and ``_loss(P)``.
    """

    l2: float
    l2_unit: str
    max_iter: int

    def _prepare(self, D: FloatArray) -> None:
        raise TypeError(f"{type(self).__name__} does not define _prepare(D)")

    def _loss(self, P: FloatArray) -> Loss:
        raise TypeError(f"{type(self).__name__} does not define _loss(P)")

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        check_number("l2", self.l2)
        check_choice("l2_unit", self.l2_unit, ("one", "data"))
        check_count("max_iter", self.max_iter)
        check_not_tiny(X)
        self._prepare(D)
        unit = ordinary_unit(X)
        (n, q), c = X.shape, D.shape[1]
        l2 = float(self.l2) / unit**2
        if self.l2_unit == "data":
            l2 = float(self.l2) * n * float((X / unit).var(axis=0).mean())
        features = np.column_stack((X / unit, np.ones(n)))
        penalty = np.append(np.full(q, l2), 0.0)[:, None]

        def evaluate(flat: FloatArray) -> Loss:
            return self._objective(features, penalty, flat.reshape(q + 1, c))

        found = minimize(
            evaluate,
            np.zeros((q + 1) * c),
            method="L-BFGS-B",
            jac=True,
            options={"maxiter": self.max_iter, "maxfun": 20 * self.max_iter, "gtol": 1e-6},
        )
        weights = found.x.reshape(q + 1, c)
        self.weights_, self.intercept_ = weights[:-1] / unit, weights[-1]
        self.n_iter_, self.converged_ = int(found.nit), found.nit < self.max_iter
        self.objective_ = evaluate(found.x)[0]

    def _objective(self, features: FloatArray, penalty: FloatArray, weights: FloatArray) -> Loss:
        """Return the objective and its derivative in the weights, for features with a constant."""
        P = probabilities(features, weights)
        value, slope = self._loss(P)
        slope = P * (slope - (P * slope).sum(axis=1, keepdims=True))
        gradient = features.T @ slope + penalty * weights
        return value + 0.5 * float((penalty * weights**2).sum()), gradient.ravel()

    def _estimate(self, X: FloatArray) -> FloatArray:
        return probabilities(X, self.weights_, self.intercept_)

    def _check_margins(self, **weights: Any) -> None:
        for name, value in weights.items():
            check_number(name, value, include_low=name != "rho")
