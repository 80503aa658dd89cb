"""LDLLC: the maximum entropy model with the correlation of weights (Jia et al. 2018)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from baselines.maxent import CrossEntropy
from baselines.penalised import Found, PenalisedMaxent, Problem, search, space
from baselines.settings import check_number
from features.arrays import FloatArray

#: How often the signs of the correlations are looked at again.
ROUNDS = 10

#: Distances are smoothed by this, in units of weights of features of size 1.
SMOOTH = 1e-4


class LDLLC(PenalisedMaxent):
    """Maximum entropy model with the distances of correlated labels' weights penalised.

    With the weights w_j of label j the objective is::

        sum_i KL(d_i, p_i) + beta ||W||^2 + alpha sum_{j<k} sgn(rho(w_j, w_k)) ||w_j - w_k||

    where rho is Pearson's correlation of two weight vectors: labels whose weights correlate are
    drawn together, those that correlate negatively apart.

    Parameters
    ----------
    alpha : float, default 0.01
        Weight of the distances, as in the authors' code.
    beta : float, default 0.1
        Weight of the squared weights, as in the authors' code. 0 can leave the objective without a
        minimum: where weights that correlate negatively move apart for ever.
    fit_intercept : bool, default False
        Whether every label has an intercept, which is not penalised. The original has none (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features count in units of the root of the sum of their mean squares (about
        their mean where there are intercepts), penalties are multiplied by the number of rows, and
        distances count as their mean over the pairs of labels, so that one setting serves any data.
    max_iter : int, default 500
        Budget of iterations, of each round.
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
    n_iter_ : int
        Iterations done, of all rounds.
    converged_ : bool
        Whether the signs settled and the last round met `tol`.
    objective_ : float
        The objective above at `weights_`.

    Notes
    -----
    Departures from the paper. The signs make the objective jump, where no line search gets through;
    here they are held while the rest is minimised, then looked at again, up to 10 times, beginning
    with none; the round with the least objective is kept. Weights begin at zero in place of the
    identity matrix, and what no training row sees stays there. Distances are smoothed near 0.
    The authors' code multiplies the distances by the correlation itself in the objective, by its
    sign in the gradient; the paper and this class use the sign in both.

    References
    ----------
    Jia, Li, Liu and Zhang, "Label distribution learning by exploiting label correlations", AAAI
    2018.
    """

    year: ClassVar[int | None] = 2018
    citation: ClassVar[str] = (
        'Jia, Li, Liu and Zhang, "Label distribution learning by exploiting label correlations", '
        "AAAI 2018"
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = space(
        "beta", "alpha", tried=(0.001, 0.01), otherwise=0.001
    )

    def __init__(
        self,
        alpha: float = 0.01,
        beta: float = 0.1,
        fit_intercept: bool = False,
        unit: str = "one",
        max_iter: int = 500,
        tol: float = 1e-5,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components

    def _check_settings(self) -> None:
        super()._check_settings()
        check_number("alpha", self.alpha)
        check_number("beta", self.beta)

    def _l2(self) -> float:
        return float(self.beta)

    def _minimise(self, problem: Problem) -> Found:
        coordinates, bound = problem.coordinates, self.tol * len(problem.D)
        model = CrossEntropy(
            coordinates.features, problem.D, coordinates.penalty, coordinates.constant
        )
        squares, smooth, c = problem.squares(), SMOOTH / problem.size, problem.D.shape[1]
        alpha = self.alpha * problem.units[0]
        if self.unit == "data":
            alpha /= max(1, c * (c - 1) // 2)
        signs, point, done = np.zeros((c, c)), problem.start, 0
        best = Found(point, np.inf, 0, False)
        for _ in range(ROUNDS):

            def evaluate(A: FloatArray, signs: FloatArray = signs) -> tuple[float, FloatArray]:
                loss, slope = model.loss_and_gradient(A)
                extra, more = distances(A, squares, signs, smooth)
                return loss + alpha * extra, slope + alpha * more

            found = search(evaluate, point, self.max_iter, bound)
            point, done = found.point, done + found.n_iter
            after = signs_of(problem.weights(point))
            objective = model.loss(point) + problem.entropy
            objective += alpha * distances(point, squares, after, 0.0)[0]
            settled = self.alpha == 0 or bool((after == signs).all())
            if objective < best.objective:
                best = Found(point, objective, done, settled and found.converged)
            if settled:
                break
            signs = after
        return best._replace(n_iter=done)


def signs_of(W: FloatArray) -> FloatArray:
    """Return the signs of the correlations of the columns of W (q, c), 0 on the diagonal."""
    centred = W - W.mean(axis=0)
    signs = np.sign(centred.T @ centred)
    np.fill_diagonal(signs, 0.0)
    return np.asarray(signs)


def distances(
    A: FloatArray, squares: FloatArray, signs: FloatArray, smooth: float
) -> tuple[float, FloatArray]:
    """Return ``sum_{j<k} s_jk sqrt(||a_j - a_k||^2 + smooth^2)`` and its slope, A being (c, r).

    Parameters
    ----------
    A : ndarray of shape (c, r)
    squares : ndarray of shape (r,)
        What the square of each column counts.
    signs : ndarray of shape (c, c)
        Symmetric.
    smooth : float
    """
    weighted = A * squares
    product = weighted @ A.T
    own = np.diag(product)
    lengths = np.sqrt(np.maximum(own[:, None] + own - 2 * product, 0.0) + smooth**2)
    pull = np.divide(signs, lengths, out=np.zeros_like(signs), where=lengths > 0)
    slope = pull.sum(axis=1)[:, None] * weighted - pull @ weighted
    return 0.5 * float((signs * lengths).sum()), slope
