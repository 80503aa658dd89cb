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
and then one matrix product per iteration. Alone it is slow along the leading eigenvectors of K,
where a step takes r / (eigenvalue + r) of the way, if most variables stay at their kinks: labels
that hardly differ. Those few directions are what `Anderson` extrapolates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from baselines.anderson import Anderson, Rows, blocks
from baselines.low_rank import Gram
from baselines.splitting import Splitting
from features.arrays import FloatArray

#: Over-relaxation of the alternating direction method (Boyd et al., section 3.4.3).
RELAXATION = 1.5

#: Iterations between two looks at the optimality conditions, which cost a matrix product.
CHECK_EVERY = 10

#: A machine within this times the tolerance in single precision is looked at in double precision.
NEARLY = 1.1

#: Largest rounding error of the kernel's exponent.
LARGEST_ROUNDING = 1e-9

# Newton nearly always ends in 3 steps; 60 bisections reach the rounding error from any bracket.
_NEWTON_STEPS, _BISECTIONS = 20, 60

# By precision: the largest sum that counts as 0, relative to that of the boxes' widths.
_SUM_TOL = {"f": 1e-6, "d": 1e-14}


@dataclass(frozen=True)
class Box:
    """Bounds and kinks of machines, of shape (m, n)."""

    lower: Rows
    kink: Rows
    upper: Rows

    @classmethod
    def between(cls, lower: FloatArray, upper: FloatArray) -> Box:
        """Return the box of the bounds, with its kinks."""
        return cls(lower, lower + upper, upper)

    def rows(self, rows: slice | NDArray[np.bool_]) -> Box:
        """Return the box of some machines."""
        return Box(self.lower[rows], self.kink[rows], self.upper[rows])

    def rounded(self, dtype: Any) -> Box:
        """Return the box in another precision."""
        return Box(*(part.astype(dtype) for part in (self.lower, self.kink, self.upper)))


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
    point, offset : ndarray of shape (m, n) and (m,)
        Where the iteration stood, from which a similar problem can start.
    """

    beta: FloatArray
    bias: FloatArray
    objective: FloatArray
    violation: FloatArray
    n_iter: NDArray[np.intp]
    point: FloatArray
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


def bias_interval(beta: Rows, gradient: Rows, box: Box) -> tuple[FloatArray, FloatArray]:
    """Return the least and greatest bias that the optimality conditions allow.

    beta is optimal when no feasible move lowers the objective: with g = K beta, moving beta_n up
    costs g_n + bias + s+ >= 0 and moving it down gains g_n + bias + s- <= 0, where s+ and s- are
    the right and left slopes of |beta_n - kink_n|. So
    max_up -(g + s+) <= bias <= min_down -(g + s-).

    Parameters
    ----------
    beta, gradient : ndarray of shape (m, n)
        Dual variables and ``beta @ K``.
    box : Box

    Returns
    -------
    least, greatest : ndarray of shape (m,)
        Infinite where no variable can move that way.
    """
    up, down = np.where(beta >= box.kink, 1.0, -1.0), np.where(beta > box.kink, 1.0, -1.0)
    least = np.where(beta < box.upper, -gradient - up, -np.inf)
    greatest = np.where(beta > box.lower, -gradient - down, np.inf)
    return least.max(axis=1), greatest.min(axis=1)


def kkt_violation(least: FloatArray, greatest: FloatArray) -> FloatArray:
    """Return how far the conditions on the bias contradict each other; 0 at the optimum.

    The gradient difference of the maximal violating pair, LIBSVM's stopping criterion (Fan, Chen
    and Lin, JMLR 6, 2005), in units of the decision value.
    """
    return np.where(np.isfinite(least) & np.isfinite(greatest), np.maximum(least - greatest, 0), 0)


def solve_machines(
    splitting: Splitting,
    lower: FloatArray,
    upper: FloatArray,
    tol: float,
    max_iter: int,
    start: tuple[FloatArray, FloatArray] | None = None,
) -> Machines:
    """Solve the duals of all machines at once.

    Splitting: z keeps the bounds, the kinks and the sum, b the quadratic form, u are the scaled
    multipliers of b = z. An iteration is

        z = argmin sum |z_n - kink_n| + r/2 |z - v|^2  in the box, sum z = 0;   u = v - z
        b = (K + r I)^-1 r (z - u);   b = 1.5 b - 0.5 z
        v = u + b

    and the v of the next one is extrapolated from those of the last few, see `Anderson`.

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
    start : tuple of (point, offset), optional
        Where to begin, from a solution of similar machines; else from `_first_point`.

    Returns
    -------
    Machines
        Compare its ``violation`` with ``tol`` to see what converged.
    """
    m, n = lower.shape
    K, r, precision = splitting.kernel, splitting.penalty, splitting.inverse.dtype
    box = Box.between(lower, upper)
    point, offset = (_first_point(K, box, r), np.zeros(m)) if start is None else start
    v, nu = point.astype(precision), offset
    beta, point, offset = np.zeros((m, n)), np.zeros((m, n)), np.zeros(m)
    bias, objective, violation = np.zeros(m), np.zeros(m), np.full(m, np.inf)
    n_iter = np.zeros(m, dtype=np.intp)

    active, rounded = np.arange(m), box.rounded(precision)
    anderson = Anderson(m, n, precision)
    for iteration in range(max_iter + 1):
        if iteration % CHECK_EVERY and iteration < max_iter:
            z, nu = _split_step(v, nu, rounded, r)
        else:
            exact, nu = _split_step(v.astype(np.float64), nu, box, r)
            z = exact.astype(precision)
            near = np.full(len(active), True)
            if precision != np.float64 and iteration < max_iter:
                near = _violation(z, z @ splitting.rounded, rounded) <= NEARLY * tol
            final, own = exact[near], box.rows(near)
            gradient = final @ K
            least, greatest = bias_interval(final, gradient, own)
            found = kkt_violation(least, greatest)
            done = (found <= tol) | (iteration >= max_iter)
            if done.any():
                solved = np.flatnonzero(near)[done]
                rows, own = active[solved], own.rows(done)
                final, gradient = final[done], gradient[done]
                beta[rows], point[rows], offset[rows] = final, v[solved], nu[solved]
                violation[rows], n_iter[rows] = found[done], iteration
                bias[rows] = _bias(final, gradient, own, least[done], greatest[done])
                distance = np.abs(final - own.kink).sum(axis=1)
                objective[rows] = 0.5 * (final * gradient).sum(axis=1) + distance
                left = np.full(len(active), True)
                left[solved] = False
                active, box, rounded = active[left], box.rows(left), rounded.rows(left)
                z, v, nu = z[left], v[left], nu[left]
                anderson.keep(left)
            if not len(active):
                break
        # With u = v - z: b = r (K + r I)^-1 (z - u), and v becomes u + b.
        image = (2.0 * z - v) @ splitting.inverse
        image -= z
        image *= RELAXATION
        image += v
        v = anderson.step(v, image)
    return Machines(beta, bias, objective, violation, n_iter, point, offset)


def _first_point(K: FloatArray | Gram, box: Box, r: float) -> FloatArray:
    """Return half of the v at which every variable is at its kink.

    That is the solution where all rows lie inside the margin. Pairs of labels that hardly differ
    come near it and would be slow from 0; those that differ are slower from all of it.
    """
    z = box.kink - box.kink.mean(axis=1, keepdims=True)
    return 0.5 * (z - (z @ K) / r)


def _violation(beta: Rows, gradient: Rows, box: Box) -> FloatArray:
    """Return `kkt_violation`, block by block."""
    found = np.empty(len(beta))
    for rows in blocks(len(beta)):
        found[rows] = kkt_violation(*bias_interval(beta[rows], gradient[rows], box.rows(rows)))
    return found


def _split_step(target: Rows, nu: FloatArray, box: Box, r: float) -> tuple[Rows, FloatArray]:
    """Solve the z-step exactly; return z and nu.

    Given the multiplier nu of the sum the solution is separable: move target - nu / r towards the
    kink by at most 1 / r, clip to the bounds. Its sum falls with nu, piecewise linearly, so Newton
    steps inside a bracket find the nu of sum 0 in a few rounds from the last iteration's.
    """
    z, nu = np.empty_like(target), nu.copy()
    for rows in blocks(len(nu)):
        z[rows], nu[rows] = _balance(target[rows], nu[rows], box.rows(rows), r)
    return z, nu


def _balance(target: Rows, nu: FloatArray, box: Box, r: float) -> tuple[Rows, FloatArray]:
    """Return z and the nu of sum 0 for a block of machines."""
    low, high = np.full(len(nu), -np.inf), np.full(len(nu), np.inf)
    enough = _SUM_TOL[target.dtype.char] * (box.upper - box.lower).sum(axis=1)
    reach = target.dtype.type(1.0 / r)
    for step in range(_NEWTON_STEPS + _BISECTIONS):
        shifted = target - (nu / r).astype(target.dtype)[:, None]
        above, below = shifted - reach, shifted + reach
        z = np.minimum(below, box.kink, out=shifted)
        np.maximum(above, z, out=z)
        np.maximum(z, box.lower, out=z)
        np.minimum(z, box.upper, out=z)
        total = z.sum(axis=1, dtype=np.float64)
        unbalanced = np.abs(total) > enough
        if not unbalanced.any():
            break
        np.equal(z, above, out=above)
        np.equal(z, below, out=below)
        slope = (above.sum(axis=1) + below.sum(axis=1)).astype(np.float64) / r
        high = np.where(total < 0, nu, high)
        low = np.where(total > 0, nu, low)
        guess = nu + total / np.where(slope > 0, slope, 1.0)
        newton = (slope > 0) & (guess > low) & (guess < high) & (step < _NEWTON_STEPS)
        if not newton[unbalanced].all():
            low = np.where(np.isfinite(low), low, r * (target - box.upper).min(axis=1) - 1.0)
            high = np.where(np.isfinite(high), high, r * (target - box.lower).max(axis=1) + 1.0)
            guess = np.where(newton, guess, 0.5 * (low + high))
        nu = np.where(unbalanced, guess, nu)
    return z, nu


def _bias(
    beta: FloatArray,
    gradient: FloatArray,
    box: Box,
    least: FloatArray,
    greatest: FloatArray,
) -> FloatArray:
    """Return the bias: the mean over free variables, which lie on a margin f = 1 or f = -1.

    With none free, the middle of the interval that the conditions allow, its finite end when the
    other is infinite (a label without weight), 0 when both are (two labels without weight).
    """
    free = (beta > box.lower) & (beta < box.upper) & (beta != box.kink)
    margin = np.where(beta < box.kink, 1.0, -1.0)
    count = free.sum(axis=1)
    mean = ((margin - gradient) * free).sum(axis=1) / np.maximum(count, 1)
    ends = np.stack([least, greatest])
    finite = np.isfinite(ends)
    middle = np.where(finite, ends, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    return np.where(count > 0, mean, middle)
