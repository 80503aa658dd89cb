"""LDL-SCL: the maximum entropy model with codes of local correlations (Zheng et al. 2018)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import RandomState
from sklearn.cluster import KMeans

from baselines.coordinates import Spectrum
from baselines.maxent import probabilities
from baselines.penalised import (
    Found,
    PenalisedMaxent,
    Problem,
    cross_entropy,
    pulled_back,
    search,
    space,
    stated,
)
from baselines.settings import check_count, check_number
from features.arrays import FloatArray


class LDLSCL(PenalisedMaxent):
    """Maximum entropy model that also sees how near a row's distribution is to those of clusters.

    The training distributions are clustered, mu_k being the centre of cluster k. Each row gets a
    code ``c_ik >= 0`` of each cluster, learnt with the weights, which the model takes for further
    features: ``p_i = softmax(x_i W + c_i V + b)``. The objective is::

        sum_i KL(d_i, p_i) + lambda1 ||W||^2 + lambda2 ||V||^2
            + lambda3 sum_ik c_ik ||p_i - mu_k||^2 + barrier sum_ik 1 / c_ik

    A new row's codes come from a linear regression of the training rows' codes on the features.

    Parameters
    ----------
    n_clusters : int, default 5
        Number of clusters, at most as many as there are different distributions.
    lambda1, lambda2, lambda3 : float, default 0.001
        Weights of the terms, as in the authors' code.
    barrier : float, default 0.0
        Weight of the term that keeps codes positive. The paper lets it go to 0 within the search;
        here codes are bounded below by 0 from the beginning, which is that limit.
    fit_intercept : bool, default False
        Whether every label has an intercept, which is not penalised. The original has none (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features count in units of the root of the sum of their mean squares (about
        their mean where there are intercepts), `lambda1` and `lambda2` are multiplied by the number
        of rows, and the regression of the codes has the penalty of the weights, so that one
        setting serves any data.
    max_iter : int, default 500
        Budget of iterations.
    tol : float, default 1e-5
        Converged when no entry of the gradient exceeds ``tol * n``, for orthogonal features with a
        mean square of at most 1.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, RandomState or None, default None
        Of the clustering.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
    intercept_ : ndarray of shape (c,)
    code_weights_ : ndarray of shape (k, c)
        V of the k clusters.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search met `tol`, or found no further decrease.
    objective_ : float
        The objective above.

    Notes
    -----
    Departures from the paper: all variables are searched together by L-BFGS with bounds, in place
    of Adam; weights begin at zero, codes, as in the authors' code, at 1 of the row's own cluster. A
    new row's codes are kept between 0 and the largest code of a training row.

    References
    ----------
    Zheng, Jia and Li, "Label distribution learning by exploiting sample correlations locally", AAAI
    2018; Jia, Li, Zheng, Li and Huang, "Label distribution learning with label correlations on
    local samples", IEEE TKDE 33(4), 2021.
    """

    year: ClassVar[int | None] = 2018
    citation: ClassVar[str] = (
        'Zheng, Jia and Li, "Label distribution learning by exploiting sample correlations '
        'locally", AAAI 2018'
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = space(
        "lambda1", "lambda2", tried=(10.0, 0.1), otherwise=1.0, max_iter=50
    )

    result_version: ClassVar[int] = 2

    def __init__(
        self,
        n_clusters: int = 5,
        lambda1: float = 0.001,
        lambda2: float = 0.001,
        lambda3: float = 0.001,
        barrier: float = 0.0,
        fit_intercept: bool = False,
        unit: str = "one",
        max_iter: int = 500,
        tol: float = 1e-5,
        scaling: str = "none",
        components: int | None = None,
        random_state: int | RandomState | None = None,
    ):
        self.n_clusters = n_clusters
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.lambda3 = lambda3
        self.barrier = barrier
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.max_iter = max_iter
        self.tol = tol
        self.scaling = scaling
        self.components = components
        self.random_state = random_state

    def _check_settings(self) -> None:
        super()._check_settings()
        check_count("n_clusters", self.n_clusters)
        for name in ("lambda1", "lambda2", "lambda3", "barrier"):
            check_number(name, getattr(self, name))

    def _l2(self) -> float:
        return float(self.lambda1)

    def _learn(self, X: FloatArray, D: FloatArray, known: dict[str, Spectrum]) -> None:
        super()._learn(X, D, known)
        problem = stated(X, D, self, known)
        coordinates = problem.coordinates
        # A regression in coordinates in which the features are orthogonal.
        features, lengths = coordinates.features, coordinates.lengths
        self.code_mean_ = self.codes_.mean(axis=0) if self.fit_intercept else 0.0
        sums = (features**2).sum(axis=0) + coordinates.penalty * (self.unit == "data")
        scale = lengths / np.where(sums > 0, sums, 1.0)
        found = scale[:, None] * (features.T @ (self.codes_ - self.code_mean_))
        self.code_map_ = found if coordinates.basis is None else coordinates.basis @ found
        self.code_mean_ = self.code_mean_ - coordinates.mean @ self.code_map_
        self.largest_codes_ = self.codes_.max(axis=0)
        del self.codes_

    def _minimise(self, problem: Problem) -> Found:
        design, D = problem.design(), np.ascontiguousarray(problem.D.T)
        codes, centres = clustered(problem.D, self.n_clusters, self.random_state)
        (c, r), (n, k) = problem.start.shape, codes.shape
        penalty = 2 * self.lambda1 * problem.units[1] * problem.squares()
        penalty2 = 2 * self.lambda2 * problem.rows
        cut = (c * r, c * r + c * k)
        unit = n**0.5  # a code concerns one row, a weight n: in this unit they curve alike

        def evaluate(point: FloatArray) -> tuple[float, FloatArray]:
            A, V, C = parted(point, cut, c, k, unit)
            loss, slope, P = cross_entropy(D, A @ design.T + V @ C)
            far = distances_to(centres, P)
            loss += self.lambda3 * float(np.vdot(C, far))
            # sum_k c_k ||p - mu_k||^2 has the slope 2 (sum_k c_k) p - 2 sum_k c_k mu_k.
            slope += pulled_back(P, 2 * self.lambda3 * (C.sum(axis=0) * P - centres.T @ C))
            down = V.T @ slope + self.lambda3 * far
            if self.barrier:
                loss += self.barrier * float((1 / C).sum())
                down -= self.barrier / C**2
            loss += 0.5 * float((penalty * A * A).sum() + penalty2 * (V * V).sum())
            parts = (slope @ design + penalty * A, slope @ C.T + penalty2 * V, unit * down)
            return loss, np.concatenate([part.ravel() for part in parts])

        start = np.concatenate((problem.start.ravel(), np.zeros(c * k), codes.T.ravel() / unit))
        free: tuple[float | None, float | None] = (None, None)
        least = 1e-6 / unit if self.barrier else 0.0
        bounds = [free] * cut[1] + [(least, None)] * (n * k)
        found = search(evaluate, start, self.max_iter, self.tol * n, bounds)
        A, V, C = parted(found.point, cut, c, k, unit)
        self.code_weights_, self.codes_ = np.ascontiguousarray(V.T), np.ascontiguousarray(C.T)
        return found._replace(point=A, objective=found.objective + problem.entropy)

    def _predict(self, X: FloatArray) -> FloatArray:
        codes = np.clip(self.code_mean_ + X @ self.code_map_, 0.0, self.largest_codes_)
        weights = np.vstack((self.weights_, self.code_weights_))
        return probabilities(np.column_stack((X, codes)), weights, self.intercept_)


def parted(
    point: FloatArray, cut: tuple[int, int], c: int, k: int, unit: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weights (c, r), weights of codes (c, k) and codes (k, n), of a point."""
    A, V, C = np.split(point, cut)
    return A.reshape(c, -1), V.reshape(c, k), unit * C.reshape(k, -1)


def distances_to(centres: FloatArray, P: FloatArray) -> FloatArray:
    """Return the squared distance of each column of P (c, n) to each centre (k, c)."""
    squares = (centres**2).sum(axis=1)[:, None] + (P * P).sum(axis=0) - 2 * centres @ P
    return np.maximum(squares, 0.0)


def clustered(
    D: FloatArray, n_clusters: int, random_state: int | RandomState | None
) -> tuple[FloatArray, FloatArray]:
    """Cluster distributions; return the first codes (n, k) and the centres (k, c)."""
    k = min(n_clusters, len(np.unique(D, axis=0)))
    means = KMeans(k, n_init=10, random_state=random_state).fit(D)
    codes = np.full((len(D), k), 1e-6)
    codes[np.arange(len(D)), means.labels_] = 1.0
    return codes, np.asarray(means.cluster_centers_)
