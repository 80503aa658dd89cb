"""LDLSF: linear regression with common and label-specific features (Ren et al. 2019)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from baselines.linear_maps import LinearMap, Targets
from baselines.settings import check_count, check_number
from features.arrays import FloatArray

#: One step in so many looks whether the step size is well chosen.
LOOK = 10


class LDLSF(LinearMap):
    """Linear regression of the shares on features of which some serve all labels and some only one.

    The weights are ``W = W1 + W2``, in W1 single entries are 0 and in W2 whole rows, that is
    features. The objective is convex::

        1/2 ||X W - D||^2 + alpha ||W1||_1 + beta ||W2||_{2,1} + gamma tr(X W L (X W)')
            + rho/2 ||X W 1 - 1||^2

    with L the Laplacian ``diag(R 1) - R`` of the correlations R of the labels' shares: shares of
    labels that correlate are predicted alike.

    Parameters
    ----------
    alpha : float, default 0.0001
        Weight of the single entries of W1.
    beta : float, default 0.01
        Weight of the norms of rows of W2.
    gamma : float, default 0.001
        Weight of the label correlation.
    rho : float, default 0.001
        Weight of the sum of the shares predicted, which shall be 1.
    fit_intercept : bool, default False
        Whether the mean distribution is taken off the shares and the features' mean off the
        features first (the sums then shall be 0). The original does not (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features count in units of the root of the sum of their mean squares (about
        their mean where there are intercepts), `alpha` and `beta` are multiplied by n, so that one
        setting serves any data.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original, which
        predicts shares of exactly 0.
    max_iter : int, default 1000
        Budget of iterations.
    tol : float, default 1e-4
        Converged when the two copies of the weights that the search keeps differ, and a step moves
        them, by at most this share of their size.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
        ``W1 + W2``, of which `specific_` is W1 and `common_` is W2.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search met `tol`.
    objective_ : float
        The objective above.

    Notes
    -----
    Departures from the paper. It demands that the shares predicted sum to 1, which without
    intercepts hardly any weights fulfil; here the square of what is missing counts (the term that
    its augmented Lagrangian has besides). ADMM is done in two blocks, which converges, each in
    closed form by eigenvectors of X'X and of the labels' matrix. A prediction is projected onto the
    simplex. Directions in which negative correlations would make the objective concave (a large
    `gamma`) count as flat. The values of the settings are those of the implementation in PyLDL.

    References
    ----------
    Ren, Jia, Li, Chen and Li, "Label distribution learning with label-specific features", IJCAI
    2019.
    """

    year: ClassVar[int | None] = 2019
    citation: ClassVar[str] = (
        'Ren, Jia, Li, Chen and Li, "Label distribution learning with label-specific features", '
        "IJCAI 2019"
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "smoothing": (0.1, 0.01),
            "beta": (1.0, 0.003, 0.001, 0.0003, 0.0001, 0.00003),
            "alpha": (1.0,),
            "fit_intercept": (True,),
            "unit": ("data",),
            "max_iter": (300,),
            "tol": (0.001,),
            "scaling": ("auto",),
        },
        {
            "smoothing": (0.01,),
            "beta": (1.0, 0.003, 0.001, 0.0003, 0.0001, 0.00003),
            "alpha": (1.0,),
            "fit_intercept": (True,),
            "unit": ("data",),
            "max_iter": (300,),
            "tol": (0.001,),
            "scaling": ("none",),
        },
        {
            "smoothing": (0.01,),
            "alpha": (0.3, 0.003, 0.001, 0.0003, 0.0001),
            "beta": (1.0,),
            "fit_intercept": (True,),
            "unit": ("data",),
            "max_iter": (300,),
            "tol": (0.001,),
            "scaling": ("auto",),
        },
    )

    def __init__(
        self,
        alpha: float = 0.0001,
        beta: float = 0.01,
        gamma: float = 0.001,
        rho: float = 0.001,
        fit_intercept: bool = False,
        unit: str = "one",
        smoothing: float = 0.0,
        max_iter: int = 1000,
        tol: float = 1e-4,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.rho = rho
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.smoothing = smoothing
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components

    def _check_settings(self) -> None:
        super()._check_settings()
        for name in ("alpha", "beta", "gamma", "rho"):
            check_number(name, getattr(self, name))
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol, include_low=False)

    def _solve(self, targets: Targets) -> FloatArray:
        X, T = targets.X, targets.D
        c = T.shape[1]
        alpha, beta = self.alpha * targets.rows, self.beta * targets.rows
        matrix = np.eye(c) + 2 * self.gamma * laplacian(T) + self.rho
        sums, own = np.linalg.eigh(matrix)
        sums = np.maximum(sums, 0.0)
        total = 0.0 if self.fit_intercept else 1.0
        seen = targets.decomposition
        # In these coordinates the smooth part is 1/2 sum_kj s_k^2 m_j w_kj^2 - w_kj t_kj.
        right = seen.basis.T @ (X.T @ (T + self.rho * total)) @ own
        curves = np.outer(seen.s**2, sums)
        A1, A2 = (np.zeros((X.shape[1], c)) for _ in range(2))
        U1, U2 = A1, A2
        step = float(curves.mean()) or 1.0
        self.n_iter_, self.converged_ = 0, False
        for number in range(1, self.max_iter + 1):
            # The smooth part sees the sum of the two copies alone, and moves both alike.
            B1, B2 = A1 - U1, A2 - U2
            both = B1 + B2
            inner = seen.basis.T @ both @ own
            moved = (right + 0.5 * step * inner) / (curves + 0.5 * step) - inner
            change = 0.5 * (seen.basis @ moved @ own.T)
            B1, B2 = B1 + change, B2 + change
            before = A1, A2
            A1, A2 = soft(B1 + U1, alpha / step), soft_rows(B2 + U2, beta / step)
            U1, U2 = U1 + B1 - A1, U2 + B2 - A2
            apart = length(B1 - A1, B2 - A2)
            shift = length(A1 - before[0], A2 - before[1])
            size = max(length(A1, A2), 1e-300)
            force = max(length(U1, U2), 1e-300)
            self.n_iter_ = number
            if apart <= self.tol * size and shift <= self.tol * force:
                self.converged_ = True
                break
            if number % LOOK == 0 and number <= self.max_iter // 2:
                factor = balance(apart / size, shift / force)
                step, U1, U2 = step * factor, U1 / factor, U2 / factor
        self.specific_, self.common_ = A1, A2
        W = A1 + A2
        F = X @ W
        self.objective_ = float(
            0.5 * ((F - T) ** 2).sum()
            + alpha * np.abs(A1).sum()
            + beta * np.linalg.norm(A2, axis=1).sum()
            + self.gamma * (F * (F @ laplacian(T))).sum()
            + 0.5 * self.rho * ((F.sum(axis=1) - total) ** 2).sum()
        )
        return W


def laplacian(D: FloatArray) -> FloatArray:
    """Return ``diag(R 1) - R`` of the correlations R of columns; a constant one has none."""
    centred = D - D.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    lengths[lengths <= 1e-12 * len(D) ** 0.5] = np.inf
    R = (centred / lengths).T @ (centred / lengths)
    return np.asarray(np.diag(R.sum(axis=1)) - R)


def length(*parts: FloatArray) -> float:
    """Return the length of all entries of matrices together."""
    return float(np.sqrt(sum(float(np.vdot(part, part)) for part in parts)))


def soft(A: FloatArray, by: float) -> FloatArray:
    """Return the minimum of ``by |B|_1 + 1/2 ||B - A||^2``."""
    return np.asarray(np.sign(A) * np.maximum(np.abs(A) - by, 0.0))


def soft_rows(A: FloatArray, by: float) -> FloatArray:
    """Return the minimum of ``by sum_k ||b_k|| + 1/2 ||B - A||^2`` over rows b_k."""
    lengths = np.linalg.norm(A, axis=1, keepdims=True)
    return np.asarray(A * np.maximum(1 - by / np.where(lengths > 0, lengths, np.inf), 0.0))


def balance(apart: float, shift: float) -> float:
    """Return by what the step is to grow where the copies differ more than they move, or shrink."""
    if apart > 5 * shift:
        return 2.0
    return 0.5 if shift > 5 * apart else 1.0
