"""The maximum entropy model of SA-IIS and SA-BFGS: probabilities, loss and gradient.

The model (Geng 2016, equation 6) has one weight vector per label and no bias:
``p_ij = exp(x_i . w_j) / sum_k exp(x_i . w_k)``. Both learners minimise the cross entropy
``-sum_ij d_ij ln p_ij`` (the negative of Geng's equation 7), which is convex in the weights.
"""

from __future__ import annotations

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


def probabilities(X: FloatArray, W: FloatArray) -> FloatArray:
    """Return the model's distribution of every row, safe against overflow.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    W : ndarray of shape (q, c)
        Weights.

    Returns
    -------
    ndarray of shape (n, c)
        ``exp(X W)``, each row divided by its sum.
    """
    scores: FloatArray = X @ W
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


def initial_weights(start: str | ArrayLike, q: int, c: int) -> FloatArray:
    """Return the weights a learner begins with.

    Parameters
    ----------
    start : {"zeros", "identity"} or array-like of shape (q, c)
        ``"zeros"``: every prediction uniform. ``"identity"``: ones on the main diagonal, the
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
        raise ValueError(f"initial_weights must be 'zeros', 'identity' or a matrix, not {start!r}")
    try:
        weights = np.array(start, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"initial_weights is not a matrix of numbers: {error}") from error
    if weights.shape != (q, c) or not np.isfinite(weights).all():
        raise ValueError(
            f"initial_weights must be {q} x {c} finite numbers (features x labels), "
            f"its shape is {weights.shape}"
        )
    return weights


class CrossEntropy:
    """The objective on fixed data, evaluated without allocating anything of size n.

    All matrices are label-major (the transpose of the public layout), so that the reductions over
    labels run over contiguous rows. Labels are padded with zeros to a multiple of four, which the
    kernels for matrix products handle 1.4 times faster than 6 or 7 rows.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features, kept by reference.
    D : ndarray of shape (n, c)
        Description degrees.
    l2 : float or ndarray of shape (q,)
        Weight of the penalty ``l2/2 ||W||^2``, or one weight for each feature.
    """

    def __init__(self, X: FloatArray, D: FloatArray, l2: float | FloatArray = 0.0):
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
        return loss, slope

    def _shifted_scores(self, weights: FloatArray) -> FloatArray:
        """Take over the weights; return ``w_j . x_i`` less the greatest of row i, label-major."""
        self._weights[: self._labels] = weights
        np.matmul(self._weights, self._X.T, out=self._rows)
        rows = self._rows[: self._labels]
        rows -= rows.max(axis=0)
        return rows

    def _penalty(self) -> float:
        own = self._weights[: self._labels]
        return 0.5 * float(np.vdot(own, self._l2 * own)) if self._penalised else 0.0
