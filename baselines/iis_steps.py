"""The steps of improved iterative scaling (Geng 2016, section 3.3), for all cells at once.

One iteration solves, for every label j and feature k on its own, the increasing equation ::

    h(delta) = sum_i p_ij x_ik exp(delta s(x_ik) f_i) - sum_i d_ij x_ik = 0      (equation 11)

with ``f_i = sum_k abs(x_ik)`` and ``s`` the sign. Solved cell by cell that is n exponentials per
cell and trial. Instead, with ``t = delta max f`` and ``g = f / max f``, the power series ::

    h = sum_r t^r / r! M_r - sum_i d_ij x_ik,    M_r = sum_i p_ij g_i^r x_ik s(x_ik)^r

has coefficients free of delta, which for all cells together are two matrix products: of the even
powers with X, of the odd ones with its absolute values. A few features need more powers than the
others: those are computed for them alone.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from baselines.iis_moments import BLOCK, Moments
from features.arrays import FloatArray

#: Accuracy of a step: no exponent ``delta f_i`` is off by more than this, rounding apart.
EXPONENT_TOLERANCE = 1e-11

#: A Newton step of this size, in the same measure, squares to less than the tolerance.
NEWTON_TOLERANCE = 1e-7

#: Longest step left to the series, as ``abs(delta) max f``: its terms cancel, which multiplies
#: rounding by up to exp(2 * 4). `MAX_POWER` powers always suffice for it.
LONGEST_SERIES = 4.0
MAX_POWER = 27

#: Powers computed for every feature grow where more than the first share of the features wants
#: more, and shrink where at most the second will.
MANY, FEW = 0.5, 0.25

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
        self._f = np.abs(X).sum(axis=1)
        self._top = float(self._f.max())
        self._target = D.T @ X
        negative, positive = (X < 0).any(axis=0), (X > 0).any(axis=0)
        # One-signed columns whose target is 0: the root lies at infinity on the side given here.
        self._endless = np.where(self._target == 0.0, negative * 1.0 - positive, 0.0)
        self._t = self._before = np.zeros_like(self._target)
        self._power = 9
        size = BLOCK // X.shape[1]
        self._moments = Moments(X, -(-len(X) // size) if size >= 64 else 1)
        self._X = self._moments.features[: len(X)]  # one copy in memory is enough
        self._g = self._moments.split(self._f[None, :] / (self._top or 1.0))
        self._some = (np.zeros(0, dtype=np.intp), self._moments)

    def scores(self, weights: FloatArray) -> FloatArray:
        """Return ``w_j . x_i``, (c, n), a new array, for weights (c, q)."""
        return self._moments.scores(weights)[:, : len(self._X)]

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
        P = self._moments.split(np.exp(log_P))
        moments = self._moments.of(P, self._g, 0, self._power)
        start = np.clip(2.0 * self._t - self._before, -LONGEST_SERIES, LONGEST_SERIES)
        t, sure = solve_series(moments, self._target, start)
        sure |= self._endless != 0.0
        at_first = sure.copy()
        self._choose_power(moments, t, at_first, self._refine(moments, P, t, sure))
        delta = t / self._top
        for k in np.flatnonzero(~sure.all(axis=0)):
            j = np.flatnonzero(~sure[:, k])
            delta[j, k] = solve_exactly(
                log_P[j], self._X[:, k], self._f, self._target[j, k], self._t[j, k] / self._top
            )
        endless = self._endless != 0.0
        delta[endless] = self._endless[endless] * (LONGEST_STEP / self._top)
        self._before, self._t = self._t, delta * self._top  # steps change slowly
        return delta

    def _choose_power(
        self, moments: FloatArray, t: FloatArray, sure: NDArray[np.bool_], refined: int
    ) -> None:
        """Set the power that the next iteration computes for every feature.

        Powers for some features cost a second solution, so two powers more for all are preferred
        where that is all they want.
        """
        if refined == self._power + 2 or (~sure).any(axis=0).mean() > MANY:
            self._power = min(self._power + 2, MAX_POWER)
        elif self._power > 3:
            fewer = ~is_sure(moments[:-2], t) & (self._endless == 0.0)
            if fewer.any(axis=0).mean() <= (FEW if refined else 0.0):
                self._power -= 2

    def _refine(
        self, moments: FloatArray, P: FloatArray, t: FloatArray, sure: NDArray[np.bool_]
    ) -> int:
        """Solve again, in place and with more powers, for the features that more can serve.

        Returns
        -------
        int
            The power used, 0 where no feature wanted more.
        """
        first, power = len(moments), 0
        while power < MAX_POWER:
            short = ~sure & (np.abs(t) <= LONGEST_SERIES)
            wanting = np.flatnonzero(short.any(axis=0))
            if not len(wanting):
                break
            least = max(power, first - 1) + 2
            if least > MAX_POWER:
                break
            power = power_needed(float(np.abs(t[short]).max()), least)
            some, maker = self._some_features(wanting)
            more = np.concatenate((moments[:, :, some], maker.of(P, self._g, first, power)))
            t[:, some], good = solve_series(more, self._target[:, some], t[:, some])
            sure[:, some] |= good
        return power

    def _some_features(self, wanting: NDArray[np.intp]) -> tuple[NDArray[np.intp], Moments]:
        """Return features among which are those wanting, the same as last time where it will do."""
        some, maker = self._some
        if len(some) > 2 * len(wanting) or not np.isin(wanting, some).all():
            some, maker = wanting, Moments(self._X[:, wanting], self._moments.blocks)
            self._some = some, maker
        return some, maker


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


def intercept_steps(log_P: FloatArray, log_mass: FloatArray) -> FloatArray:
    """Return ``ln(sum_i d_ij / sum_i p_ij)``, cut to `LONGEST_STEP`, for every label.

    Parameters
    ----------
    log_P : ndarray of shape (c, n)
        Logarithms of the current predictions, label-major.
    log_mass : ndarray of shape (c,)
        ``ln sum_i d_ij``, minus infinity for a label that never occurs.

    Returns
    -------
    ndarray of shape (c,)
    """
    top = log_P.max(axis=1)
    total = np.exp(log_P - top[:, None]).sum(axis=1)
    steps: FloatArray = np.clip(log_mass - top - np.log(total), -LONGEST_STEP, LONGEST_STEP)
    return steps
