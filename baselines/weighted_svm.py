"""Many weighted binary support vector machines on the same rows, solved together.

Each row n occurs in a machine twice, with weight a_n as a positive and with weight b_n as a
negative example. With h(t) = max(0, 1 - t) the machine minimises

    1/2 |w|^2 + C sum_n [a_n h(f_n) + b_n h(-f_n)],    f_n = <w, phi(x_n)> + bias.

Both examples share one row of the kernel matrix K, so the dual needs only their difference
beta_n = alpha+_n - alpha-_n; the best sum alpha+_n + alpha-_n for a given beta_n is
C (a_n + b_n) - |beta_n - C (a_n - b_n)|. What is left has n variables instead of 2 n:

    minimise  1/2 beta' K beta + sum_n |beta_n - kink_n|
    over      lower_n <= beta_n <= upper_n,  sum_n beta_n = 0,

with lower = -C b, upper = C a and kink = lower + upper; f = K beta + bias. A row with
lower = upper = 0 takes no part, which is how a cross-validation fold is left out.

All machines share K, so the alternating direction method of multipliers (Boyd et al., Foundations
and Trends in Machine Learning 3(1), 2011, section 5) costs one inverse of K + r I for all of them
and then one matrix product per iteration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, lapack
from scipy.spatial.distance import cdist

from features.arrays import FloatArray

#: Over-relaxation of the alternating direction method (Boyd et al., section 3.4.3: 1.5 to 1.8).
RELAXATION = 1.7

#: Iterations between two looks at the optimality conditions, which cost a matrix product.
CHECK_EVERY = 10

#: From this tolerance on, single precision is enough for the iteration.
SINGLE_PRECISION_TOL = 1e-3

#: Largest rounding error of the kernel's exponent.
LARGEST_ROUNDING = 1e-9

# Newton nearly always ends in 3 steps; 60 bisections reach the rounding error from any bracket.
_NEWTON_STEPS, _BISECTIONS = 20, 60


@dataclass(frozen=True)
class Splitting:
    """A kernel matrix with the penalty r of the splitting and r (K + r I)^-1.

    The inverse may have single precision: see `prepare`.
    """

    kernel: FloatArray
    penalty: float
    inverse: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Machines:
    """Solved machines; one row per machine.

    Attributes
    ----------
    beta : ndarray of shape (m, n)
        Signed dual variables; within their bounds, rows sum to 0.
    bias : ndarray of shape (m,)
        The decision value of a row x is ``beta @ k(x) + bias``.
    objective : ndarray of shape (m,)
        Dual objective, to be minimised: ``1/2 beta' K beta + sum |beta - kink|``.
    violation : ndarray of shape (m,)
        How far the optimality conditions are from holding, see `kkt_violation`.
    n_iter : ndarray of shape (m,)
        Iterations spent.
    multipliers, offset : ndarray of shape (m, n) and (m,)
        Where the iteration stood, from which a similar problem can start.
    """

    beta: FloatArray
    bias: FloatArray
    objective: FloatArray
    violation: FloatArray
    n_iter: NDArray[np.intp]
    multipliers: FloatArray
    offset: FloatArray


def rbf_kernel(X: FloatArray, Z: FloatArray, gamma: float) -> FloatArray:
    """Return exp(-gamma |x - z|^2) of shape (len(X), len(Z)).

    |x - z|^2 is |x|^2 - 2 x.z + |z|^2, a matrix product; where the rounding of that would show in
    the exponent (rows in groups far apart) it is computed from differences.
    """
    x, z = (X * X).sum(axis=1), (Z * Z).sum(axis=1)
    if gamma * np.finfo(float).eps * max(x.max(), z.max()) > LARGEST_ROUNDING:
        squares = cdist(X, Z, "sqeuclidean")
    else:
        squares = X @ Z.T
        squares *= -2.0
        squares += x[:, None]
        squares += z
        np.maximum(squares, 0.0, out=squares)
    squares *= -gamma
    return np.exp(squares, out=squares)


def bias_interval(
    beta: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the least and greatest bias that the optimality conditions allow.

    beta is optimal when no feasible move lowers the objective: with g = K beta, moving beta_n up
    costs g_n + bias + s+ >= 0 and moving it down gains g_n + bias + s- <= 0, where s+ and s- are
    the right and left slopes of |beta_n - kink_n|. So
    max_up -(g + s+) <= bias <= min_down -(g + s-).

    Parameters
    ----------
    beta, gradient, lower, upper : ndarray of shape (m, n)
        Dual variables, ``beta @ K``, and bounds.

    Returns
    -------
    least, greatest : ndarray of shape (m,)
        Infinite where no variable can move that way.
    """
    kink = lower + upper
    least = np.where(beta < upper, -gradient - np.where(beta >= kink, 1.0, -1.0), -np.inf)
    greatest = np.where(beta > lower, -gradient - np.where(beta > kink, 1.0, -1.0), np.inf)
    return least.max(axis=1), greatest.min(axis=1)


def kkt_violation(least: FloatArray, greatest: FloatArray) -> FloatArray:
    """Return how far the conditions on the bias contradict each other; 0 at the optimum.

    The gradient difference of the maximal violating pair, LIBSVM's stopping criterion (Fan, Chen
    and Lin, JMLR 6, 2005), in units of the decision value.
    """
    return np.where(np.isfinite(least) & np.isfinite(greatest), np.maximum(least - greatest, 0), 0)


def prepare(K: FloatArray, lower: FloatArray, upper: FloatArray, tol: float) -> Splitting:
    """Choose the penalty of the splitting and invert K + r I once, in n^3 operations.

    r = 2 / mean(upper - lower) has the unit of a decision value per dual variable; on real data
    with 6 to 18 labels and C = 1 it is within a factor of two of the fastest. With a large C the
    bounds hardly matter, but the kernel, whose diagonal is 1, does: r is at least 1.

    Iterating with a rounded inverse costs half and takes as many iterations at the usual
    tolerances; `kkt_violation` is always measured in double precision.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix.
    lower, upper : ndarray of shape (m, n)
        Bounds of typical machines.
    tol : float
        The tolerance that `solve_machines` will get; from `SINGLE_PRECISION_TOL` on the inverse
        is rounded to single precision.
    """
    width = float((upper - lower).mean())
    r = max(2.0 / width, 1.0) if width > 0 else 1.0
    inverse = _shrunk_inverse(K, r)
    return Splitting(K, r, inverse.astype(np.float32) if tol >= SINGLE_PRECISION_TOL else inverse)


def solve_machines(
    splitting: Splitting,
    lower: FloatArray,
    upper: FloatArray,
    tol: float,
    max_iter: int,
    start: tuple[FloatArray, FloatArray, FloatArray] | None = None,
) -> Machines:
    """Solve the duals of all machines at once.

    Splitting: z keeps the bounds, the kinks and the sum, b the quadratic form, u are the scaled
    multipliers of b = z. An iteration is

        b = (K + r I)^-1 r (z - u);   b = 1.7 b - 0.7 z
        z = argmin sum |z_n - kink_n| + r/2 |z - b - u|^2  in the box, sum z = 0
        u = u + b - z

    Parameters
    ----------
    splitting : Splitting
        The kernel matrix, prepared.
    lower, upper : ndarray of shape (m, n)
        Bounds, lower <= 0 <= upper.
    tol : float
        A machine is solved when its `kkt_violation` is at most this; checked every 10 iterations.
    max_iter : int
        Budget of iterations for a machine.
    start : tuple of (beta, multipliers, offset), optional
        Where to begin, from a solution of similar machines.

    Returns
    -------
    Machines
        Compare its ``violation`` with ``tol`` to see what converged.
    """
    m, n = lower.shape
    K, r, precision = splitting.kernel, splitting.penalty, splitting.inverse.dtype
    if start is None:
        beta, multipliers, offset = np.zeros((m, n)), np.zeros((m, n)), np.zeros(m)
    else:
        beta, multipliers, offset = (array.copy() for array in start)
    bias, objective, violation = np.zeros(m), np.zeros(m), np.full(m, np.inf)
    n_iter = np.zeros(m, dtype=np.intp)

    active = np.arange(m)
    z, u, nu = _split_step(np.clip(beta, lower, upper) + multipliers, offset, lower, upper, r)
    for iteration in range(max_iter + 1):
        if iteration:
            b = RELAXATION * ((z - u).astype(precision, copy=False) @ splitting.inverse)
            b = b.astype(np.float64, copy=False)
            b += (1.0 - RELAXATION) * z
            b += u
            z, u, nu = _split_step(b, nu, lower, upper, r)
        if iteration % CHECK_EVERY and iteration < max_iter:
            continue
        gradient = z @ K
        least, greatest = bias_interval(z, gradient, lower, upper)
        found = kkt_violation(least, greatest)
        done = (found <= tol) | (iteration >= max_iter)
        rows = active[done]
        beta[rows], multipliers[rows], offset[rows] = z[done], u[done], nu[done]
        violation[rows], n_iter[rows] = found[done], iteration
        bias[rows] = _bias(z, gradient, lower, upper, least, greatest)[done]
        distance = np.abs(z - (lower + upper)).sum(axis=1)
        objective[rows] = (0.5 * (z * gradient).sum(axis=1) + distance)[done]
        if done.any():
            active, lower, upper = active[~done], lower[~done], upper[~done]
            z, u, nu = z[~done], u[~done], nu[~done]
        if not len(active):
            break
    return Machines(beta, bias, objective, violation, n_iter, multipliers, offset)


def _shrunk_inverse(K: FloatArray, r: float) -> FloatArray:
    """Return r (K + r I)^-1."""
    shifted = K / r
    shifted.flat[:: len(K) + 1] += 1.0
    factor, _ = cho_factor(shifted.T, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    _mirror_lower(inverse)
    return inverse


def _mirror_lower(matrix: FloatArray, block: int = 256) -> None:
    """Copy the lower triangle onto the upper one, without a second matrix."""
    for start in range(0, len(matrix), block):
        own, rest = slice(start, start + block), slice(start + block, None)
        corner = np.tril(matrix[own, own])
        matrix[own, own] = corner + np.tril(corner, -1).T
        matrix[own, rest] = matrix[rest, own].T


def _split_step(
    target: FloatArray, nu: FloatArray, lower: FloatArray, upper: FloatArray, r: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Solve the z-step exactly; return z, the new multipliers ``target - z`` and nu.

    Given the multiplier nu of the sum the solution is separable: move target - nu / r towards the
    kink by at most 1 / r, clip to the bounds. Its sum falls with nu, piecewise linearly, so Newton
    steps inside a bracket find the nu of sum 0 in a few rounds from the last iteration's.
    """
    low = r * (target - upper).min(axis=1) - 1.0
    high = r * (target - lower).max(axis=1) + 1.0
    nu = np.clip(nu, low, high)
    z = np.empty_like(target)
    todo = np.arange(len(nu))
    for step in range(_NEWTON_STEPS + _BISECTIONS):
        L, U = lower[todo], upper[todo]
        kink = L + U
        shifted = target[todo] - nu[todo, None] / r
        moved = np.maximum(shifted - 1.0 / r, np.minimum(shifted + 1.0 / r, kink))
        z[todo] = part = np.clip(moved, L, U)
        total = part.sum(axis=1)
        high[todo] = np.where(total < 0, nu[todo], high[todo])
        low[todo] = np.where(total > 0, nu[todo], low[todo])
        slope = ((part > L) & (part < U) & (part != kink)).sum(axis=1) / r
        guess = nu[todo] + total / np.where(slope > 0, slope, 1.0)
        newton = (slope > 0) & (guess > low[todo]) & (guess < high[todo]) & (step < _NEWTON_STEPS)
        guess = np.where(newton, guess, 0.5 * (low[todo] + high[todo]))
        open_ = (np.abs(total) > 1e-12 * np.abs(part).sum(axis=1)) & (guess != nu[todo])
        todo = todo[open_]
        nu[todo] = guess[open_]
        if not len(todo):
            break
    return z, target - z, nu


def _bias(
    beta: FloatArray,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    least: FloatArray,
    greatest: FloatArray,
) -> FloatArray:
    """Return the bias: the mean over free variables, which lie on a margin f = 1 or f = -1.

    With none free, the middle of the interval that the conditions allow, its finite end when the
    other is infinite (a label without weight), 0 when both are (two labels without weight).
    """
    kink = lower + upper
    free = (beta > lower) & (beta < upper) & (beta != kink)
    margin = np.where(beta < kink, 1.0, -1.0)
    count = free.sum(axis=1)
    mean = ((margin - gradient) * free).sum(axis=1) / np.maximum(count, 1)
    ends = np.stack([least, greatest])
    finite = np.isfinite(ends)
    middle = np.where(finite, ends, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    return np.where(count > 0, mean, middle)
