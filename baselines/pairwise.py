"""From decision values of pairs of labels to one distribution: Platt scaling, then coupling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.arrays import FloatArray

#: LIBSVM's bound on how sure a pair may be, which keeps the coupling well-posed.
MIN_PROBABILITY = 1e-7

# Newton stops when a step promises less than this part of the loss; the ridge, relative to the
# sum of weights, acts on the step only and not on the solution.
_MAX_ITER, _DECREASE_TOL, _RIDGE, _MIN_STEP = 100, 1e-13, 1e-10, 1e-10


def fit_sigmoids(
    decisions: FloatArray, positive: FloatArray, negative: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Fit P(positive | f) = 1 / (1 + exp(A f + B)) for every machine by Newton's method.

    Platt (1999) with the stable formulas and the algorithm of Lin, Lin and Weng, "A note on
    Platt's probabilistic outputs for support vector machines", Machine Learning 68, 2007. A row
    counts as two examples, a positive with weight a and a negative with weight b; together they
    are one example of weight a + b whose target is the weighted mean of Platt's two targets
    (N+ + 1) / (N+ + 2) and 1 / (N- + 2), where N+ = sum a and N- = sum b.

    A sigmoid that falls with f contradicts its own machine and means that the held-out decision
    values say nothing: such a slope is set to 0, the probability to the mean target.

    Parameters
    ----------
    decisions : ndarray of shape (m, n)
        Decision values of rows that the machine was not trained on.
    positive, negative : ndarray of shape (m, n)
        Weights a and b.

    Returns
    -------
    sigmoids : ndarray of shape (m, 2)
        A <= 0 and B.
    converged : ndarray of shape (m,)
        Whether Newton's step promised no further decrease.
    """
    n_positive, n_negative = positive.sum(axis=1), negative.sum(axis=1)
    yes, no = (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    weight = positive + negative
    target = positive * yes[:, None] + negative * no[:, None]
    np.divide(target, weight, out=target, where=weight > 0)

    A, B = np.zeros(len(decisions)), np.log((n_negative + 1) / (n_positive + 1))
    loss = sigmoid_loss(A, B, decisions, target, weight)
    converged = np.zeros(len(A), dtype=bool)
    todo = np.arange(len(A))
    for _ in range(_MAX_ITER):
        f, w = decisions[todo], weight[todo]
        p = _sigmoid(A[todo], B[todo], f)
        error = w * (target[todo] - p)
        gradient = np.stack([(error * f).sum(axis=1), error.sum(axis=1)], axis=1)
        curvature = w * p * (1 - p)
        ridge = _RIDGE * w.sum(axis=1) + np.finfo(float).tiny
        h11 = (curvature * f * f).sum(axis=1) + ridge
        h12 = (curvature * f).sum(axis=1)
        h22 = curvature.sum(axis=1) + ridge
        determinant = h11 * h22 - h12 * h12
        determinant = np.maximum(determinant, np.finfo(float).tiny)
        dA = -(h22 * gradient[:, 0] - h12 * gradient[:, 1]) / determinant
        dB = -(h11 * gradient[:, 1] - h12 * gradient[:, 0]) / determinant
        descent = gradient[:, 0] * dA + gradient[:, 1] * dB
        flat = -descent <= _DECREASE_TOL * loss[todo]
        converged[todo[flat]] = True

        step = np.where(flat, 0.0, 1.0)
        search = np.flatnonzero(~flat)
        while len(search):
            rows = todo[search]
            tried = sigmoid_loss(
                A[rows] + step[search] * dA[search],
                B[rows] + step[search] * dB[search],
                decisions[rows],
                target[rows],
                weight[rows],
            )
            enough = tried < loss[rows] + 1e-4 * step[search] * descent[search]
            loss[rows[enough]] = tried[enough]
            search = search[~enough]
            step[search] /= 2
            step[search[step[search] < _MIN_STEP]] = 0.0
            search = search[step[search] > 0]
        A[todo] += step * dA
        B[todo] += step * dB
        todo = todo[step > 0]
        if not len(todo):
            break

    falling = A > 0
    mean = (weight * target).sum(axis=1) / np.where(weight.any(axis=1), weight.sum(axis=1), 1.0)
    # Between the two targets, both 0.5 without any weight; denormal weights round out of there.
    mean = np.clip(mean, no, yes)
    A = np.where(falling, 0.0, A)
    B = np.where(falling, np.log1p(-mean) - np.log(mean), B)
    return np.stack([A, B], axis=1), converged


def sigmoid_loss(
    A: FloatArray, B: FloatArray, decisions: FloatArray, target: FloatArray, weight: FloatArray
) -> FloatArray:
    """Return -sum_n w_n [t_n ln p_n + (1 - t_n) ln(1 - p_n)] for every machine, overflow-free."""
    z = A[:, None] * decisions + B[:, None]
    return (weight * (target * z + np.logaddexp(0.0, -z))).sum(axis=1)


def pair_probabilities(decisions: FloatArray, sigmoids: FloatArray) -> FloatArray:
    """Return P(positive) of shape (m, n), within [1e-7, 1 - 1e-7]."""
    p = _sigmoid(sigmoids[:, 0], sigmoids[:, 1], decisions)
    return np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY)


def _sigmoid(A: FloatArray, B: FloatArray, decisions: FloatArray) -> FloatArray:
    return np.exp(-np.logaddexp(0.0, A[:, None] * decisions + B[:, None]))


def couple(r: FloatArray) -> FloatArray:
    """Couple pairwise probabilities: Wu, Lin and Weng, JMLR 5, 2004, the second method.

    p minimises sum_i sum_{j != i} (r_ji p_i - r_ij p_j)^2 with sum p = 1. The minimiser is
    non-negative by itself, as they prove, and solves Q p + b e = 0, e'p = 1 with
    Q_ii = sum_{s != i} r_si^2 and Q_ij = -r_ji r_ij.

    Parameters
    ----------
    r : ndarray of shape (n, c, c)
        r_ij = P(i | i or j) for i != j, in (0, 1), r_ij + r_ji = 1; the diagonal is not used.

    Returns
    -------
    ndarray of shape (n, c)
        Rows on the simplex.
    """
    n, c, _ = r.shape
    off = r * (1.0 - np.eye(c))
    system = np.ones((n, c + 1, c + 1))
    system[:, :c, :c] = -off * off.transpose(0, 2, 1)
    diagonal = np.arange(c)
    system[:, diagonal, diagonal] = (off * off).sum(axis=1)
    system[:, c, c] = 0.0
    right = np.zeros((n, c + 1, 1))
    right[:, c] = 1.0
    # Rounding can leave a probability of the order of -1e-17.
    p = np.maximum(np.linalg.solve(system, right)[:, :c, 0], 0.0)
    return p / p.sum(axis=1, keepdims=True)
