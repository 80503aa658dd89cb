"""TLRLDL and TKLRLDL: low rank of the labels that count, beside the shares (Kou et al. 2024)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from baselines.linear_maps import LinearMap, Targets
from baselines.settings import check_count, check_number
from features.arrays import FloatArray

#: By what the weight of the constraint grows in each iteration, and where it begins.
GROWTH, FIRST = 1.1, 1e-3

_CITATION = (
    'Kou, Wang, Tang, Jia, Shi and Geng, "Exploiting multi-label correlation in label distribution '
    'learning", IJCAI 2024'
)


class LowRankLDL(LinearMap):
    """Base of `TLRLDL` and `TKLRLDL`, which differ in which labels of a row count.

    The objective, which equations 8 to 11 of the paper minimise by turns, is::

        1/2 ||X W - D||^2 + 1/2 ||O' X W - L||^2 + alpha ||O' X W||_*
            + beta (||W||^2 + ||O||^2)

    where L (n, c) has a 1 where a label counts, O (n, n) leads from predicted shares to it, and the
    sum of the singular values draws what O leads to to a low rank.
    """

    alpha: float
    beta: float
    max_iter: int
    tol: float

    def _counting(self, D: FloatArray) -> FloatArray:
        """Return L."""
        raise TypeError(f"{type(self).__name__} does not define _counting(D)")

    def _check_settings(self) -> None:
        super()._check_settings()
        check_number("alpha", self.alpha)
        check_number("beta", self.beta, include_low=False)
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol, include_low=False)

    def _solve(self, targets: Targets) -> FloatArray:
        """Alternate in closed form, with the multipliers G of ``Z = O' X W``.

        O' is R N^-1 A' with A = X W (n, c), R (n, c) and N (c, c) at the last W: it never stands
        there as n x n numbers.
        """
        X, D, basis, s = targets.X, targets.D, targets.decomposition.basis, targets.decomposition.s
        n, c = D.shape
        labels = self._counting(D + self.level_)
        alpha, beta = self.alpha * targets.rows**0.5, self.beta * targets.rows
        beta_lead = self.beta / targets.rows
        curves = s[:, None] ** 2 + 2 * beta
        first = basis.T @ (X.T @ D)
        Z: FloatArray = np.zeros((n, c))
        G: FloatArray = np.zeros((n, c))
        lead: FloatArray = np.zeros((len(s), c))
        R, rho = Z, FIRST
        W: FloatArray = first / curves
        self.n_iter_, self.converged_ = 0, False
        for number in range(1, self.max_iter + 1):
            before = W, Z
            # W: (X'X + 2 beta I + (1 + rho) K (R'R) K') W = X'D + K R' (L + rho Z - G), by the
            # identity of Woodbury, with K = X'A N^-1 of the last W: X'O = K R'.
            right = first + lead @ (R.T @ (labels + rho * Z - G))
            W = right / curves
            narrow = lead / curves
            inner = np.eye(c) + (1 + rho) * (R.T @ R) @ (lead.T @ narrow)
            W = W - (1 + rho) * narrow @ np.linalg.solve(inner, (R.T @ R) @ (lead.T @ W))
            A = targets.decomposition.scores @ W
            N = (1 + rho) * (A.T @ A) + 2 * beta_lead * np.eye(c)
            R = labels + rho * Z - G
            lead = np.asarray(np.linalg.solve(N, A.T @ targets.decomposition.scores), float).T
            led = R @ np.linalg.solve(N, A.T @ A)
            Z = shrunk(led + G / rho, alpha / rho)
            G = G + rho * (led - Z)
            rho *= GROWTH
            self.n_iter_ = number
            moved = max(np.abs(W - before[0]).max(), np.abs(Z - before[1]).max())
            if number > 1 and moved <= self.tol and np.abs(led - Z).max() <= self.tol:
                self.converged_ = True
                break
        inverse = np.linalg.solve(N, np.linalg.solve(N, A.T @ A).T)
        self.objective_ = float(
            0.5 * ((A - D) ** 2).sum()
            + 0.5 * ((led - labels) ** 2).sum()
            + alpha * np.linalg.svd(led, compute_uv=False).sum()
            + beta * (W**2).sum()
            + beta_lead * np.vdot(R.T @ R, inverse)
        )
        return np.asarray(basis @ W)


class TLRLDL(LowRankLDL):
    """Linear regression of the shares beside a low-rank one of the labels above a threshold.

    Of each row the largest shares count until they sum to `threshold`; see `LowRankLDL` for the
    objective, and the paper's equations 8 to 11 for the updates.

    Parameters
    ----------
    alpha, beta : float, default 0.001
        Weights of the rank and of the squares of the weights.
    threshold : float, default 0.5
        Up to where the largest shares count.
    fit_intercept : bool, default False
        Whether the mean distribution is taken off the shares and the features' mean off the
        features first. The original does not (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features count in units of the root of the sum of their mean squares (about
        their mean where there are intercepts), `alpha` is multiplied by the root of n, `beta` by n
        where it weighs W and by 1 / n where it weighs O, so that one setting serves any data.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original, which
        predicts shares of exactly 0.
    max_iter : int, default 100
        Budget of iterations.
    tol : float, default 0.001
        Converged when no entry of the weights or of the low-rank matrix moves by more, nor misses
        its constraint by more.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search met `tol`.
    objective_ : float
        The objective where the search ended.

    Notes
    -----
    The updates are those of the paper with the corrections of its equations 8, 10 and 11 that PyLDL
    tells of; the values of the settings are PyLDL's. Departures: O, of n x n numbers, has the rank
    of the labels after its first update and is kept as its factors, so that time and memory grow
    with n, not its cube; it begins at zero in place of random numbers, so that the weights begin at
    ridge regression. A prediction is projected onto the simplex.

    References
    ----------
    Kou, Wang, Tang, Jia, Shi and Geng, "Exploiting multi-label correlation in label distribution
    learning", IJCAI 2024.
    """

    year: ClassVar[int | None] = 2024
    citation: ClassVar[str] = _CITATION

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "smoothing": (0.1, 0.01),
            "beta": (10.0, 0.1, 0.03, 0.01, 0.003, 0.001),
            "fit_intercept": (True,),
            "unit": ("data",),
            "scaling": ("auto",),
        },
        {
            "smoothing": (0.01,),
            "beta": (10.0, 0.1, 0.03, 0.01, 0.003, 0.001),
            "fit_intercept": (True,),
            "unit": ("data",),
            "scaling": ("none",),
        },
        {
            "smoothing": (0.01,),
            "beta": (10.0, 0.1, 0.03, 0.01, 0.003),
            "alpha": (0.1,),
            "fit_intercept": (True,),
            "unit": ("data",),
            "scaling": ("auto",),
        },
    )

    def __init__(
        self,
        alpha: float = 0.001,
        beta: float = 0.001,
        threshold: float = 0.5,
        fit_intercept: bool = False,
        unit: str = "one",
        smoothing: float = 0.0,
        max_iter: int = 100,
        tol: float = 0.001,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.threshold = threshold
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.smoothing = smoothing
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components

    def _check_settings(self) -> None:
        super()._check_settings()
        check_number("threshold", self.threshold, high=1.0, include_low=False)

    def _counting(self, D: FloatArray) -> FloatArray:
        down = -np.sort(-D, axis=1)
        before = np.cumsum(down, axis=1) - down
        return largest(D, (before < self.threshold).sum(axis=1))


class TKLRLDL(LowRankLDL):
    """Linear regression of the shares beside a low-rank one of the k labels of largest share.

    Of each row the `k` largest shares count; see `LowRankLDL` for the objective, the paper's
    equations 8 to 11 for the updates, and `TLRLDL` for the departures.

    Parameters
    ----------
    alpha, beta : float, default 0.001
        Weights of the rank and of the squares of the weights.
    k : int, optional
        How many labels count; half of them, rounded down, if absent. At most all do.
    fit_intercept, unit, smoothing, max_iter, tol, scaling, components
        As of `TLRLDL`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search met `tol`.
    objective_ : float
        The objective where the search ended.

    References
    ----------
    Kou, Wang, Tang, Jia, Shi and Geng, "Exploiting multi-label correlation in label distribution
    learning", IJCAI 2024.
    """

    year: ClassVar[int | None] = 2024
    citation: ClassVar[str] = _CITATION

    search_space: ClassVar[tuple[dict[str, Any], ...]] = TLRLDL.search_space

    def __init__(
        self,
        alpha: float = 0.001,
        beta: float = 0.001,
        k: int | None = None,
        fit_intercept: bool = False,
        unit: str = "one",
        smoothing: float = 0.0,
        max_iter: int = 100,
        tol: float = 0.001,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.smoothing = smoothing
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.k is not None:
            check_count("k", self.k)

    def _counting(self, D: FloatArray) -> FloatArray:
        c = D.shape[1]
        return largest(D, np.full(len(D), min(c, self.k or max(1, c // 2))))


def largest(D: FloatArray, counts: FloatArray) -> FloatArray:
    """Return 1 for so many of the largest shares of each row, 0 for the others."""
    order = np.argsort(-D, axis=1, kind="stable")
    places = np.argsort(order, axis=1)
    return (places < counts[:, None]).astype(float)


def shrunk(A: FloatArray, by: float) -> FloatArray:
    """Return the minimum of ``by ||B||_* + 1/2 ||B - A||^2``: each singular value less `by`."""
    left, values, right = np.linalg.svd(A, full_matrices=False)
    return np.asarray((left * np.maximum(values - by, 0.0)) @ right)
