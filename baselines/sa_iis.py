"""SA-IIS: the maximum entropy model trained by improved iterative scaling (Geng 2016, 3.3).

One iteration solves, for every label j and feature k on its own, the increasing equation ::

    h(delta) = sum_i p_ij x_ik exp(delta s(x_ik) f_i) - sum_i d_ij x_ik = 0      (equation 11)

with ``f_i = sum_k abs(x_ik)`` and ``s`` the sign. Solved cell by cell that is n exponentials per
cell and trial. Instead, with ``t = delta max f`` and ``g = f / max f``, the power series ::

    h = sum_r t^r / r! M_r - sum_i d_ij x_ik,    M_r = sum_i p_ij g_i^r x_ik s(x_ik)^r

has coefficients free of delta, which for all cells together are two matrix products.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baselines.base import LDLEstimator
from baselines.maxent import CrossEntropy, check_not_tiny, initial_weights, probabilities
from baselines.settings import check_count, check_number
from features.arrays import FloatArray

#: Accuracy of a step: no exponent ``delta f_i`` is off by more than this, rounding apart.
EXPONENT_TOLERANCE = 1e-12

#: A Newton step of this size, in the same measure, squares to less than the tolerance.
NEWTON_TOLERANCE = 1e-7

#: Longest step left to the series, as ``abs(delta) max f``: its terms cancel, which multiplies
#: rounding by up to exp(2 * 4). `MAX_POWER` powers always suffice for it.
LONGEST_SERIES = 4.0
MAX_POWER = 27

#: Length of a step that has no finite solution, as ``abs(delta) max f``.
LONGEST_STEP = 30.0


class StepSolver:
    """Solves the equations of all cells for one iteration after another on fixed data.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    D : ndarray of shape (n, c)
        Description degrees.
    """

    def __init__(self, X: FloatArray, D: FloatArray):
        self._X = X
        self._absolute = np.abs(X)
        self._f = self._absolute.sum(axis=1)
        self._top = float(self._f.max())
        self._g = self._f / self._top if self._top > 0 else self._f
        self._target = D.T @ X
        negative, positive = (X < 0).any(axis=0), (X > 0).any(axis=0)
        # One-signed columns whose target is 0: the root lies at infinity on the side given here.
        self._endless = np.where(self._target == 0.0, negative * 1.0 - positive, 0.0)
        self._delta = np.zeros_like(self._target)
        self._t = np.zeros_like(self._target)
        self._power = 5

    def steps(self, log_P: FloatArray) -> FloatArray:
        """Return delta for every label and feature.

        Parameters
        ----------
        log_P : ndarray of shape (c, n)
            Logarithms of the current predictions, label-major. Where a prediction underflows its
            logarithm still tells how far a step may go before that row matters.

        Returns
        -------
        ndarray of shape (c, q)
            The roots. An equation without a finite root gets the step of length
            `LONGEST_STEP` / max f towards the infinite one: the likelihood bound that IIS climbs is
            concave in each delta, so a shortened step raises it too. A feature that is zero in
            every row gets 0.
        """
        if self._top == 0.0:
            return np.zeros_like(self._target)
        P = np.exp(log_P)
        moments = np.empty((0, *self._target.shape))
        while True:
            moments = self._extend(moments, P)
            t, sure = solve_series(moments, self._target, self._t)
            pending = ~sure & (self._endless == 0.0)
            short = pending & (np.abs(t) <= LONGEST_SERIES)
            if self._power >= MAX_POWER or not short.any():
                break
            self._power = power_needed(float(np.abs(t[short]).max()), self._power + 2)
        delta = t / self._top
        for k in np.flatnonzero(pending.any(axis=0)):
            j = np.flatnonzero(pending[:, k])
            delta[j, k] = solve_exactly(
                log_P[j], self._X[:, k], self._f, self._target[j, k], self._delta[j, k]
            )
        endless = self._endless != 0.0
        delta[endless] = self._endless[endless] * (LONGEST_STEP / self._top)
        # Steps shrink slowly: the next ones start here, with a power less where that will do.
        self._delta = delta
        self._t = np.clip(delta * self._top, -LONGEST_SERIES, LONGEST_SERIES)
        fewer = moments[: self._power - 1]
        if self._power > 3 and (is_sure(fewer, t) | ~sure).all():
            self._power -= 2
        return delta

    def _extend(self, moments: FloatArray, P: FloatArray) -> FloatArray:
        """Append ``M_r`` for the powers up to the present one (always odd) to `moments`."""
        first, count = len(moments), self._power + 1 - len(moments)
        c, n = P.shape
        weighted = np.empty((count, c, n))
        np.multiply(P, self._g**first, out=weighted[0])
        for r in range(1, count):
            np.multiply(weighted[r - 1], self._g, out=weighted[r])
        grown = np.empty((self._power + 1, *self._target.shape))
        grown[:first] = moments
        # `first` and `count` are even, so even and odd powers alternate from here.
        for parity, side in ((0, self._X), (1, self._absolute)):
            stacked = weighted[parity::2].reshape(-1, n) @ side
            grown[first + parity :: 2] = stacked.reshape(-1, *self._target.shape)
        return grown


def power_needed(length: float, least: int) -> int:
    """Return the first odd power from `least` that serves every ``abs(t) <= length``."""
    for power in range(least, MAX_POWER, 2):
        if series_error(np.asarray(length), power) <= EXPONENT_TOLERANCE:
            return power
    return MAX_POWER


def series_error(length: FloatArray, power: int) -> FloatArray:
    """Bound the error of a root of the series up to an odd `power` R, for equal ``M_R, M_1``.

    All ``abs(M_r)`` beyond R are at most ``M_R`` (see `solve_series`), so the remainder at t is at
    most ``M_R abs(t)^(R+1)/(R+1)! / (1 - abs(t)/(R+2))``; and h has a slope of at least
    ``M_1 exp(-abs(t))``. Their quotient, without ``M_R/M_1 <= 1``, bounds the error of the root.

    Parameters
    ----------
    length : ndarray
        ``abs(t)``, less than R + 2.
    power : int
        R.

    Returns
    -------
    ndarray
        The bound, of the shape of `length`.
    """
    bound: FloatArray = np.exp(length) / math.factorial(power + 1) / (1.0 - length / (power + 2))
    bound *= length ** (power + 1)
    return bound


def is_sure(moments: FloatArray, t: FloatArray) -> NDArray[np.bool_]:
    """Tell for which cells the series with these moments fixes t to `EXPONENT_TOLERANCE`."""
    power = len(moments) - 1
    length = np.abs(t)
    near = length <= min(LONGEST_SERIES, power)
    error = series_error(np.where(near, length, 0.0), power)
    sure: NDArray[np.bool_] = near & (error * moments[power] <= EXPONENT_TOLERANCE * moments[1])
    return sure


def solve_series(
    moments: FloatArray, target: FloatArray, start: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Solve the truncated series of every cell by Newton's method and tell which roots are sure.

    Parameters
    ----------
    moments : ndarray of shape (R + 1, c, q), R odd
        ``M_0 .. M_R``. Those of odd order are sums of absolute values, and since ``g <= 1`` they
        decrease: ``abs(M_r) <= M_R`` for every r > R, and ``h' >= M_1 exp(-abs(t))``.
    target : ndarray of shape (c, q)
        Right-hand sides.
    start : ndarray of shape (c, q)
        First guess.

    Returns
    -------
    t : ndarray of shape (c, q)
        Roots, cut to [-R - 2, R + 2].
    sure : ndarray of bool
        Whether remainder and last Newton step guarantee t to `EXPONENT_TOLERANCE`; a cell without
        any term is solved by 0 if its target is 0.
    """
    power = len(moments) - 1
    factors = np.array([1.0 / math.factorial(r) for r in range(power + 1)])
    coefficients = moments * factors[:, None, None]
    coefficients[0] -= target
    empty = moments[1] <= 0.0
    t = start.copy()
    for _ in range(30):
        value, slope = coefficients[power].copy(), np.zeros_like(t)
        for r in range(power - 1, -1, -1):
            slope *= t
            slope += value
            value *= t
            value += coefficients[r]
        slope[(slope <= 0.0) | empty] = np.inf
        with np.errstate(over="ignore"):  # a slope of almost nothing: cut below
            move = value / slope
        np.clip(t - move, -power - 2.0, power + 2.0, out=t)
        moving = np.abs(move) > NEWTON_TOLERANCE
        if not moving.any():
            break
    t[empty] = 0.0
    return t, np.where(empty, target == 0.0, is_sure(moments, t) & ~moving)


def solve_exactly(
    log_p: FloatArray, x: FloatArray, f: FloatArray, target: FloatArray, start: FloatArray
) -> FloatArray:
    """Solve the equation of one feature for several labels, however far the roots lie.

    With the terms of either sign on their own side, and the target on the side that makes it
    positive, both sides are sums of exponentials. The difference of their logarithms increases with
    a slope between the least f and twice the greatest, so Newton's method gets near from anywhere;
    bisection takes over where a step would leave the bracket.

    Parameters
    ----------
    log_p : ndarray of shape (a, n)
        Logarithms of the predictions of the labels asked for.
    x : ndarray of shape (n,)
        The feature.
    f : ndarray of shape (n,)
        Sum of absolute features of each row.
    target : ndarray of shape (a,)
        ``sum_i d_ij x_i``, such that a finite root exists.
    start : ndarray of shape (a,)
        First guess.

    Returns
    -------
    ndarray of shape (a,)
        delta.
    """
    up, down = x > 0, x < 0
    with np.errstate(divide="ignore"):  # the logarithm of an absent term is minus infinity
        constant = np.log(np.abs(target))
    left = (log_p[:, up] + np.log(x[up]), f[up], np.where(target < 0, constant, -np.inf))
    right = (log_p[:, down] + np.log(-x[down]), -f[down], np.where(target > 0, constant, -np.inf))
    widest = f[up | down].max()
    delta = start.copy()
    low, high = np.full(len(target), -np.inf), np.full(len(target), np.inf)
    for _ in range(200):
        more, rise = _log_sum(*left, delta)
        less, fall = _log_sum(*right, delta)
        gap = more - less
        low = np.where(gap < 0, delta, low)
        high = np.where(gap > 0, delta, high)
        trial = delta - gap / (rise - fall)
        outside = (trial <= low) | (trial >= high)
        bisect = outside & np.isfinite(low) & np.isfinite(high)
        trial[bisect] = 0.5 * (low[bisect] + high[bisect])
        move = np.abs(trial - delta)
        done = (move * widest <= NEWTON_TOLERANCE) & ~bisect
        done |= move <= 4e-16 * np.abs(delta)
        delta = trial
        if done.all():
            break
    return delta


def _log_sum(
    logs: FloatArray, rates: FloatArray, constant: FloatArray, delta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return ``ln(sum_i exp(logs_i + rates_i delta) + exp(constant))`` and its derivative."""
    terms = delta[:, None] * rates
    terms += logs
    top = np.maximum(terms.max(axis=1, initial=-np.inf), constant)
    terms -= top[:, None]
    np.exp(terms, out=terms)
    total = terms.sum(axis=1) + np.exp(constant - top)
    return np.log(total) + top, (terms @ rates) / total


class SAIIS(LDLEstimator):
    """Maximum entropy model fitted by improved iterative scaling within a budget of iterations.

    IIS raises the likelihood at every iteration but slowly: the optimum is thousands of iterations
    away, so the result is a point on a path, given by start, budget and scaling of the features.
    An iteration takes milliseconds on common data, and a search cell by cell, some hundred times
    as long, where a few rows are far larger than the others.

    Parameters
    ----------
    max_iter : int, default 50
        Budget of iterations, as in the original.
    tol : float, default 1e-7
        Converged when an iteration changes the objective by less than this, as in the original.
        0 never ends a run before its budget.
    initial_weights : {"identity", "zeros"} or array-like of shape (q, c), default "identity"
        Start of the weights; ``"identity"`` as in the original, although it favours label j on
        feature j for no reason. It can be far from uniform where features are large.
    scaling : {"none", "standard"}, default "none"
        ``"none"`` as in the original; standardised features make IIS worse on the usual data.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
        Fitted weights; the model has no bias, as in the original.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        True where the change fell below `tol`, False where the budget ended the run. A greater
        rise of the objective (see Notes) is no convergence.
    objective_ : float
        Final ``-sum_ij d_ij ln p_ij`` on the training rows.

    Notes
    -----
    That the objective falls is guaranteed where the rows of D sum to 1; where they are off by some
    1e-6, the equations, kept as published, end as much beside the optimum, towards which the
    objective may rise. Features below 1e-100, all of them, are refused.
    Departures from the original: the steps are accurate to about 1e-12 (the original hands every
    cell to a general solver), and a step to infinity (a label that never occurs with a
    one-signed feature) is cut to 30 / max f.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016, equations 8 to 11. Della Pietra,
    Della Pietra and Lafferty, "Inducing features of random fields", IEEE TPAMI 19(4), 1997.
    """

    def __init__(
        self,
        max_iter: int = 50,
        tol: float = 1e-7,
        initial_weights: str | ArrayLike = "identity",
        scaling: str = "none",
    ):
        self.max_iter = max_iter
        self.tol = tol
        self.initial_weights = initial_weights
        self.scaling = scaling

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol)
        check_not_tiny(X)
        weights = initial_weights(self.initial_weights, X.shape[1], D.shape[1]).T
        model, solver = CrossEntropy(X, D), StepSolver(X, D)
        loss, logs = model.loss_and_log_probabilities(weights)
        self.converged_ = False
        for done in range(1, self.max_iter + 1):
            self.n_iter_ = done
            weights = weights + solver.steps(logs)
            previous, (loss, logs) = loss, model.loss_and_log_probabilities(weights)
            if abs(previous - loss) < self.tol:
                self.converged_ = True
                break
        self.weights_ = np.ascontiguousarray(weights.T)
        self.objective_ = loss

    def _predict(self, X: FloatArray) -> FloatArray:
        return probabilities(X, self.weights_)
