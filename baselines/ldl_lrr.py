"""LDL-LRR: the maximum entropy model that keeps the ranking of labels (Jia et al. 2023)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

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


class LDLLRR(PenalisedMaxent):
    """Maximum entropy model with a ranking loss on pairs of labels.

    Of each two labels j, k of a row the one with the larger share should be predicted the larger
    one. The objective is::

        1/n sum_i KL(d_i, p_i) + alpha / n sum_i sum_{j<k} (d_ij - d_ik)^2 ln(1 + exp(-u_ijk))
            + beta/2 ||W||^2

    with ``u_ijk = sigma sgn(d_ij - d_ik) (p_ij - p_ik)``: the farther apart two shares are, the
    more their order counts.

    Parameters
    ----------
    alpha : float, default 0.001
        Weight of the ranking loss.
    beta : float, default 0.0
        Weight of the squared weights.
    sigma : float, default 100.0
        Steepness of the ranking loss: of differences of shares beyond about 1 / sigma the order
        alone counts.
    fit_intercept : bool, default False
        Whether every label has an intercept, which is not penalised. The original has none (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features count in units of the root of the sum of their mean squares (about
        their mean where there are intercepts), so that `beta` serves any data.
    max_iter : int, default 500
        Budget of iterations.
    tol : float, default 1e-5
        Converged when no entry of the gradient of the summed objective exceeds ``tol * n``, for
        orthogonal features with a mean square of at most 1.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
    intercept_ : ndarray of shape (c,)
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search met `tol`, or found no further decrease.
    objective_ : float
        The objective above at `weights_`.

    Notes
    -----
    The objective and the values of `alpha`, `beta` and `sigma` are those of the implementation in
    PyLDL. The ranking loss is not convex: this is the minimum that
    L-BFGS reaches from weights of zero. What no training row sees stays at zero.

    References
    ----------
    Jia, Shen, Li, Lu and Zhu, "Label distribution learning by maintaining label ranking relation",
    IEEE TKDE 35(2), 2023.
    """

    year: ClassVar[int | None] = 2023
    citation: ClassVar[str] = (
        'Jia, Shen, Li, Lu and Zhu, "Label distribution learning by maintaining label ranking '
        'relation", IEEE TKDE 35(2), 2023'
    )
    mean_of_rows: ClassVar[bool] = True
    memory_advice: ClassVar[str] = (
        "train on a subset of the rows, or join labels; without its ranking of all pairs of labels "
        "it is SA-BFGS with a penalty"
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = space(
        "beta", "alpha", tried=(0.001, 0.1), otherwise=0.01
    )

    def __init__(
        self,
        alpha: float = 0.001,
        beta: float = 0.0,
        sigma: float = 100.0,
        fit_intercept: bool = False,
        unit: str = "one",
        max_iter: int = 500,
        tol: float = 1e-5,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.sigma = sigma
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes of a fit: some numbers for each pair of labels and row."""
        pairs = n_labels * (n_labels - 1) // 2
        return 8.0 * (
            pairs * (9 * n_rows + 2 * n_labels) + 3 * n_rows * (n_features + 4 * n_labels)
        )

    def _check_settings(self) -> None:
        super()._check_settings()
        check_number("alpha", self.alpha)
        check_number("beta", self.beta)
        check_number("sigma", self.sigma, include_low=False)

    def _l2(self) -> float:
        return self.beta / 2

    def _minimise(self, problem: Problem) -> Found:
        design, D = problem.design(), np.ascontiguousarray(problem.D.T)
        pairs, penalty = pairs_of(len(D)), self.beta * problem.units[1] * problem.squares()
        apart = pairs @ D

        def evaluate(A: FloatArray) -> tuple[float, FloatArray]:
            loss, slope, P = cross_entropy(D, A @ design.T)
            if self.alpha:
                extra, more = ranking(P, pairs, apart, self.sigma)
                loss += self.alpha * extra
                slope += self.alpha * pulled_back(P, more)
            loss += 0.5 * float((penalty * A * A).sum())
            return loss, slope @ design + penalty * A

        found = search(evaluate, problem.start, self.max_iter, self.tol * len(problem.D))
        return found._replace(objective=(found.objective + problem.entropy) / problem.rows)


def pairs_of(c: int) -> FloatArray:
    """Return the matrix that takes the difference of each two of c labels."""
    first, second = np.triu_indices(c, 1)
    rows = np.arange(len(first))
    pairs = np.zeros((len(first), c))
    pairs[rows, first], pairs[rows, second] = 1.0, -1.0
    return pairs


def ranking(
    P: FloatArray, pairs: FloatArray, apart: FloatArray, sigma: float
) -> tuple[float, FloatArray]:
    """Return the sum of the ranking loss of all rows, and its slope in P (c, n).

    Parameters
    ----------
    P : ndarray of shape (c, n)
        Predicted shares.
    pairs : ndarray of shape (c (c - 1) / 2, c)
        See `pairs_of`.
    apart : ndarray of shape (c (c - 1) / 2, n)
        Differences of the true shares.
    sigma : float
    """
    steep = sigma * np.sign(apart)
    minus = -steep * (pairs @ P)
    weights = apart * apart
    chance = expit(minus)
    # ln(1 + exp(m)), which is m where the exponential overflows.
    lost = np.log1p(np.exp(-np.abs(minus))) + np.maximum(minus, 0.0)
    return float(np.vdot(weights, lost)), -(pairs.T @ (weights * steep * chance))
