"""LDL-LCLR: global and local label correlations by a low-rank matrix (Ren et al. 2019)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from baselines.penalised import (
    Found,
    PenalisedMaxent,
    Problem,
    cross_entropy,
    pulled_back,
    search,
    space,
)
from baselines.settings import check_number
from features.arrays import FloatArray

#: Norms of columns, and singular values (of a matrix near the identity), are smoothed by this.
SMOOTH, SMOOTH_RANK = 1e-4, 1e-2


class LDLLCLR(PenalisedMaxent):
    """Maximum entropy model whose shares a label correlation matrix of low rank must lead to D.

    A matrix S (c, c) of label correlations is learnt with the weights. The objective, of
    which equations 7 and 8 of the paper take the parts with W and with S, is::

        sum_i KL(d_i, p_i) + lambda1 ||W||^2 + lambda2 ||D - P S||_{2,1} + lambda3 ||S||_*
            + lambda4 / 2 sum_v sum_jk s_jk ||d_j^v - d_k^v||^2

    with the sum of the norms of columns, the sum of the singular values, and, in each cluster v of
    the training rows, the columns d_j^v of its shares: labels whose shares are near each other
    shall have a large s_jk. Predicted is ``p = softmax(x W + b)``.

    Parameters
    ----------
    lambda1, lambda2, lambda3, lambda4 : float, default 0.0001
        Weights of the terms.
    fit_intercept : bool, default False
        Whether every label has an intercept, which is not penalised. The original has none (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features count in units of the root of the sum of their mean squares (about
        their mean where there are intercepts), and `lambda1`, `lambda2` and `lambda3` are
        multiplied by n, the root of n and n, so that one setting serves any data.
    max_iter : int, default 500
        Budget of iterations.
    tol : float, default 1e-5
        Converged when no entry of the gradient exceeds ``tol * n``, for orthogonal features with a
        mean square of at most 1.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
    intercept_ : ndarray of shape (c,)
    correlations_ : ndarray of shape (c, c)
        S.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search met `tol`, or found no further decrease.
    objective_ : float
        The objective above, singular values smoothed by 0.01 and norms, a row, by 1e-4.

    Notes
    -----
    Departures from the paper. It parts ``E = D - P S`` and ``Z = S`` off as variables of their own,
    with multipliers; here they are put in, the norms smoothed near 0, and W and S searched
    together by L-BFGS. ``S >= 0`` is added: without it the last term has no lower bound. The
    values of the settings are those of the implementation in PyLDL, which gives the last term the
    opposite sign. Whatever the clusters, squared distances summed over them are those over all
    rows, so that there is no clustering to do. W begins at zero, S at the identity.

    References
    ----------
    Ren, Jia, Li and Zhao, "Label distribution learning with label correlations via low-rank
    approximation", IJCAI 2019.
    """

    year: ClassVar[int | None] = 2019
    citation: ClassVar[str] = (
        'Ren, Jia, Li and Zhao, "Label distribution learning with label correlations via low-rank '
        'approximation", IJCAI 2019'
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = space(
        "lambda1", "lambda2", tried=(0.01, 0.1), otherwise=0.01
    )

    result_version: ClassVar[int] = 2

    def __init__(
        self,
        lambda1: float = 0.0001,
        lambda2: float = 0.0001,
        lambda3: float = 0.0001,
        lambda4: float = 0.0001,
        fit_intercept: bool = False,
        unit: str = "one",
        max_iter: int = 500,
        tol: float = 1e-5,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.lambda3 = lambda3
        self.lambda4 = lambda4
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components

    def _check_settings(self) -> None:
        super()._check_settings()
        for name in ("lambda1", "lambda2", "lambda3", "lambda4"):
            check_number(name, getattr(self, name))

    def _l2(self) -> float:
        return float(self.lambda1)

    def _minimise(self, problem: Problem) -> Found:
        design, D = problem.design(), np.ascontiguousarray(problem.D.T)
        (c, r), n = problem.start.shape, D.shape[1]
        penalty = 2 * self.lambda1 * problem.units[1] * problem.squares()
        weight2 = self.lambda2 * problem.rows**0.5
        weight3 = self.lambda3 * problem.rows
        apart = 0.5 * self.lambda4 * squared_distances(D)

        def evaluate(point: FloatArray) -> tuple[float, FloatArray]:
            A, S = point[: c * r].reshape(c, r), point[c * r :].reshape(c, c)
            loss, slope, P = cross_entropy(D, A @ design.T)
            wrong, in_P, in_S = misfit(D, P, S)
            slope += weight2 * pulled_back(P, in_P)
            rank, more = nuclear(S)
            loss += weight2 * wrong + weight3 * rank + float(np.vdot(apart, S))
            loss += 0.5 * float((penalty * A * A).sum())
            parts = (slope @ design + penalty * A, weight2 * in_S + weight3 * more + apart)
            return loss, np.concatenate([part.ravel() for part in parts])

        start = np.concatenate((problem.start.ravel(), np.eye(c).ravel()))
        bounds: list[tuple[float | None, float | None]] = [(None, None)] * (c * r)
        bounds += [(0.0, None)] * (c * c)
        found = search(evaluate, start, self.max_iter, self.tol * n, bounds)
        self.correlations_ = found.point[c * r :].reshape(c, c)
        return found._replace(
            point=found.point[: c * r].reshape(c, r), objective=found.objective + problem.entropy
        )


def misfit(D: FloatArray, P: FloatArray, S: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return ``||D - P S||_{2,1}``, smoothed, and its slopes in P and in S; D and P are (c, n)."""
    E = S.T @ P - D
    lengths = np.sqrt((E * E).sum(axis=1) + SMOOTH**2 * E.shape[1])
    E /= lengths[:, None]
    return float(lengths.sum()), S @ E, P @ E.T


def nuclear(S: FloatArray) -> tuple[float, FloatArray]:
    """Return the sum of the singular values of S, smoothed, and its slope."""
    left, values, right = np.linalg.svd(S)
    smoothed = np.sqrt(values**2 + SMOOTH_RANK**2)
    return float(smoothed.sum()), (left * (values / smoothed)) @ right


def squared_distances(D: FloatArray) -> FloatArray:
    """Return the squared distance of each two rows of D (c, n)."""
    squares = (D * D).sum(axis=1)
    return np.maximum(squares[:, None] + squares - 2 * D @ D.T, 0.0)
