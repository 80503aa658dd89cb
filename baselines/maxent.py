"""The maximum entropy model of SA-IIS and SA-BFGS: probabilities, loss and gradient.

The model is ``p_ij = exp(x_i . w_j + b_j) / sum_k exp(x_i . w_k + b_k)``: one weight vector and one
intercept for each label. Geng 2016, equation 6, has no intercepts. Without them features that are
centred, such as principal components, cannot express the mean distribution. Both learners minimise
the cross entropy ``-sum_ij d_ij ln p_ij`` (the negative of Geng's equation 7), which is convex.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from features.arrays import FloatArray

#: Features below this, all of them, would underflow in sums of squares and in their reciprocals.
SMALLEST_FEATURE = 1e-100


def check_not_tiny(X: FloatArray) -> None:
    """Raise ValueError where X is not zero but no value reaches `SMALLEST_FEATURE`."""
    largest = float(np.abs(X).max())
    if 0.0 < largest < SMALLEST_FEATURE:
        raise ValueError(
            f"X has no value beyond {largest:.3g} in size, whose squares underflow; "
            f"rescale the features above {SMALLEST_FEATURE:g}"
        )


def probabilities(X: FloatArray, W: FloatArray, intercept: FloatArray | float = 0.0) -> FloatArray:
    """Return the model's distribution of every row, safe against overflow.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    W : ndarray of shape (q, c)
        Weights.
    intercept : ndarray of shape (c,), optional
        Intercepts.

    Returns
    -------
    ndarray of shape (n, c)
        ``exp(X W + intercept)``, each row divided by its sum.
    """
    scores: FloatArray = X @ W
    scores += intercept
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def objective(X: FloatArray, D: FloatArray, W: FloatArray, l2: float = 0.0) -> float:
    """Return ``-sum_ij d_ij ln p_ij + l2/2 ||W||^2``; shapes as in `gradient`."""
    return CrossEntropy(X, D, l2).loss(W.T)


def gradient(X: FloatArray, D: FloatArray, W: FloatArray, l2: float = 0.0) -> FloatArray:
    """Return the derivative of `objective` in the weights.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    D : ndarray of shape (n, c)
        Description degrees, with row sums ``m_i``.
    W : ndarray of shape (q, c)
        Weights.
    l2 : float
        Weight of the penalty.

    Returns
    -------
    ndarray of shape (q, c)
        ``X' (diag(m) P - D) + l2 W``. The usual ``X' (P - D)`` is this for ``m_i = 1``; rounded
        data have row sums a little off 1, and a quasi-Newton method needs the exact slope.
    """
    return CrossEntropy(X, D, l2).loss_and_gradient(W.T)[1].T


def starting_weights(start: str | ArrayLike, q: int, c: int) -> FloatArray:
    """Return the weights a learner begins with.

    Parameters
    ----------
    start : {"zeros", "identity"} or array-like of shape (q, c)
        ``"zeros"``: the features say nothing yet. ``"identity"``: ones on the main diagonal, the
        start of the original toolbox. A matrix is copied.
    q, c : int
        Number of features and of labels.

    Returns
    -------
    ndarray of shape (q, c)

    Raises
    ------
    ValueError
        Another name, or a matrix of another shape or with values that are not finite.
    """
    if isinstance(start, str):
        if start == "zeros":
            return np.zeros((q, c))
        if start == "identity":
            return np.eye(q, c)
        raise ValueError(f"start must be 'zeros', 'identity' or a matrix, not {start!r}")
    try:
        weights = np.array(start, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"start is not a matrix of numbers: {error}") from error
    if weights.shape != (q, c) or not np.isfinite(weights).all():
        raise ValueError(
            f"start must be {q} x {c} finite numbers (features x labels), "
            f"its shape is {weights.shape}"
        )
    return weights


def log_mean(D: FloatArray) -> FloatArray:
    """Return the logarithm of the mean distribution, at least -30: 1e-13 for an absent label."""
    logs: FloatArray = np.log(np.maximum(D.mean(axis=0), np.exp(-30.0)))
    return logs


class CrossEntropy:
    """The objective on fixed data, evaluated without allocating anything of size n.

    All matrices are label-major (the transpose of the public layout), so that the reductions over
    labels run over contiguous rows. Labels are padded with zeros to a multiple of four, which the
    kernels for matrix products handle faster than 6 or 7 rows.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features, kept by reference.
    D : ndarray of shape (n, c)
        Description degrees.
    l2 : float or ndarray of shape (q,)
        Weight of the penalty ``l2/2 ||W||^2``, or one weight for each feature.
    constant : float, default 0.0
        Unless 0, the features get a last column of this value, which is not penalised: its weights
        times it are the intercepts. q below then counts it.
    """

    def __init__(
        self, X: FloatArray, D: FloatArray, l2: float | FloatArray = 0.0, constant: float = 0.0
    ):
        n, q = X.shape
        self._l2 = np.asarray(l2)
        self._penalised = bool(np.any(self._l2))
        self._X = X
        self._D = np.ascontiguousarray(D.T)
        self._mass = D.sum(axis=1)
        labels = D.shape[1]
        padded = -(-labels // 4) * 4
        self._weights = np.zeros((padded, q))
        self._gradient = np.empty((padded, q))
        self._rows = np.empty((padded, n))
        self._labels = labels
        self._constant = constant

    def loss(self, weights: FloatArray) -> float:
        """Return the objective at `weights` (c, q)."""
        return self.loss_and_log_probabilities(weights)[0]

    def loss_and_log_probabilities(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and ``ln p_ij``, which is finite where ``p_ij`` underflows.

        Parameters
        ----------
        weights : ndarray of shape (c, q)
            Weights, label-major.

        Returns
        -------
        loss : float
        logs : ndarray of shape (c, n)
            A view that the next evaluation overwrites.
        """
        rows = self._shifted_scores(weights)
        rows -= np.log(np.exp(rows).sum(axis=0))
        return self._penalty() - float(np.vdot(self._D, rows)), rows

    def loss_and_gradient(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its derivative (c, q), a new array, at `weights` (c, q)."""
        rows = self._shifted_scores(weights)
        loss = self._penalty() - float(np.vdot(self._D, rows))
        np.exp(rows, out=rows)
        total = rows.sum(axis=0)
        loss += float(self._mass @ np.log(total))
        rows *= self._mass / total
        rows -= self._D
        np.matmul(self._rows, self._X, out=self._gradient)
        slope = self._gradient[: self._labels].copy()
        if self._penalised:
            slope += self._l2 * self._weights[: self._labels]
        if self._constant:
            slope = np.column_stack((slope, self._constant * rows.sum(axis=1)))
        return loss, slope

    def hessian(self, weights: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """Return the function that multiplies a direction (c, q) by the Hessian at `weights`."""
        P = np.exp(self.loss_and_log_probabilities(weights)[1])
        q = self._X.shape[1]

        def product(direction: FloatArray) -> FloatArray:
            rows = direction[:, :q] @ self._X.T
            if self._constant:
                rows += self._constant * direction[:, q:]
            rows -= (P * rows).sum(axis=0)
            rows *= P * self._mass
            found: FloatArray = rows @ self._X + self._l2 * direction[:, :q]
            if self._constant:
                found = np.column_stack((found, self._constant * rows.sum(axis=1)))
            return found

        return product

    def _shifted_scores(self, weights: FloatArray) -> FloatArray:
        """Take over the weights; return the scores less the greatest of row i, label-major."""
        q = self._X.shape[1]
        self._weights[: self._labels] = weights[:, :q]
        np.matmul(self._weights, self._X.T, out=self._rows)
        rows = self._rows[: self._labels]
        if self._constant:
            rows += self._constant * weights[:, q:]
        rows -= rows.max(axis=0)
        return rows

    def _penalty(self) -> float:
        own = self._weights[: self._labels]
        return 0.5 * float(np.vdot(own, self._l2 * own)) if self._penalised else 0.0
