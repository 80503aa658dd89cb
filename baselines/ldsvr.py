"""LDSVR: one sigmoid for every share, fitted by a multi-output support vector machine (2015)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logit
from sklearn.metrics.pairwise import euclidean_distances

from baselines.settings import check_count, check_number
from baselines.size import parts
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

#: A sigmoid is nowhere steeper than this: an error of its argument counts a quarter.
STEEPEST = 0.25


class LDSVR(SmoothedLearner):
    """Support vector regression of all shares at once, with one insensitive zone for a whole row.

    Share j is modelled by ``1 / (1 + exp(-z_j))``, ``z = Theta phi(x) + b``, and the rows by the
    objective of the paper's section 3 (the multi-output machine)::

        1/2 sum_j ||theta_j||^2 + C sum_i L(u_i),   L(u) = max(0, u - epsilon)^2

    where the error of a row is that of the arguments, ``u_i = 1/4 ||z_i - z(x_i)||`` with
    ``z_ij = -ln(1 / d_ij - 1)``: since a sigmoid's slope is at most 1/4, this bounds the error of
    the shares, and makes the problem convex. The prediction is divided by its sum.

    Parameters
    ----------
    C : float, default 1.0
        Weight of the errors.
    epsilon : float, default 0.1
        Errors up to this size cost nothing.
    gamma : float, default 0.5
        Of the kernel ``exp(-gamma |x - z|^2 / s^2)``, s the mean distance of two training rows,
        which is the kernel's width at 1/2.
    floor : float, default 0.001
        Least share that the logarithm sees; and 1 less this the greatest.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    max_iter : int, default 1000
        Budget of iterations.
    tol : float, default 1e-5
        Converged when an iteration changes no argument by more than this.

    Attributes
    ----------
    coefficients_ : ndarray of shape (n, c)
        Of the kernel functions at the training rows.
    intercept_ : ndarray of shape (c,)
        b.
    objective_ : float
        The objective there.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether `tol` was met within the budget.

    Notes
    -----
    `C`, `epsilon` and `gamma` are those of the implementation in PyLDL, which fits one machine for
    each share by itself, with a zone of its own. Departures: the minimum, which is the same for
    every algorithm, is found by accelerated proximal gradients (Beck and Teboulle 2009) with one
    factorisation of the kernel matrix, in place of reweighted least squares with one each
    iteration; and `floor`, since a share of 0 has no argument. Where all rows lie within the zone
    around the mean argument, as on sets whose shares hardly differ, there is nothing to learn and
    the mean argument is what is predicted (``n_iter_`` is 0): choose a smaller `epsilon`. Time
    grows with the cube of the number of rows, memory with its square, see `peak_memory`; a fit that
    needs more than `baselines.size` allows raises ValueError.

    References
    ----------
    Geng and Hou, "Pre-release prediction of crowd opinion on movies by label distribution
    learning", IJCAI 2015, section 3.
    """

    year: ClassVar[int | None] = 2015
    citation: ClassVar[str] = (
        'Geng and Hou, "Pre-release prediction of crowd opinion on movies by label distribution '
        'learning", IJCAI, 2015'
    )

    memory_advice: ClassVar[str] = (
        "train on a subset of the rows, or take a method without a matrix of all pairs of rows, "
        "such as SA-BFGS"
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "smoothing": (0.9, 0.3, 0.1, 0.01),
            "C": (1.0, 10.0, 100.0),
            "epsilon": (0.01,),
            "scaling": ("auto",),
        },
        {
            "smoothing": (0.3, 0.1, 0.01),
            "C": (10.0,),
            "epsilon": (0.1,),
            "scaling": ("auto",),
        },
        {
            "smoothing": (0.3, 0.1),
            "C": (1.0, 10.0, 100.0, 1000.0),
            "epsilon": (0.01,),
            "scaling": ("auto",),
            "components": (20,),
        },
    )

    def __init__(
        self,
        C: float = 1.0,
        epsilon: float = 0.1,
        gamma: float = 0.5,
        floor: float = 0.001,
        smoothing: float = 0.0,
        scaling: str = "none",
        components: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-5,
    ):
        self.C = C
        self.epsilon = epsilon
        self.gamma = gamma
        self.floor = floor
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.max_iter = max_iter
        self.tol = tol

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes of a fit: distances, the kernel, and its factor."""
        return 8.0 * n_rows * (3 * n_rows + 3 * n_features + 14 * n_labels)

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._estimates([self], X, D, X[:1])

    def _estimate(self, X: FloatArray) -> FloatArray:
        return np.vstack([self._of_some(some) for some in parts(X, len(self.rows_))])

    def _of_some(self, X: FloatArray) -> FloatArray:
        squares = np.asarray(euclidean_distances(X - self.centre_, self.rows_, squared=True))
        kernel = _kernel(squares, -self.gamma / self.unit_)
        shares: FloatArray = expit(kernel @ self.coefficients_ + self.intercept_)
        return shares / shares.sum(axis=1, keepdims=True)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Compute the distances once, the factorisations once for each kernel and C."""
        centre = X.mean(axis=0)
        rows = X - centre
        squares = np.asarray(euclidean_distances(rows, squared=True))
        pairs = max(len(X) * (len(X) - 1), 1)
        unit = float(np.square(np.sqrt(squares).sum() / pairs)) or 1.0
        machines: dict[tuple[float, float], Machine] = {}
        made = []
        for learner in learners:
            learner._check_settings()
            learner.rows_, learner.centre_, learner.unit_ = rows, centre, unit
            key = (float(learner.gamma), float(learner.C))
            if key not in machines:
                machines.clear()  # the former kernel goes before the next one comes
                machines[key] = Machine(_kernel(squares, -key[0] / unit), key[1])
            learner._solve(machines[key], D)
            made.append(learner._estimate(X_new))
        return made

    def _solve(self, machine: Machine, D: FloatArray) -> None:
        """Minimise by steps that solve a kernel ridge regression of shrunk errors.

        ``C L(u)`` is smooth: the gradient in the arguments changes by at most C/8 of their change.
        """
        targets = logit(np.clip(D, self.floor, 1 - self.floor))
        zone = self.epsilon / STEEPEST
        point = previous = np.tile(targets.mean(axis=0), (len(D), 1))
        self.coefficients_, self.intercept_ = np.zeros(D.shape), targets.mean(axis=0)
        momentum, self.n_iter_ = 1.0, 0
        self.converged_ = not (np.linalg.norm(targets - point, axis=1) > zone).any()
        while not self.converged_ and self.n_iter_ < self.max_iter:
            self.n_iter_ += 1
            errors = targets - point
            length = np.linalg.norm(errors, axis=1, keepdims=True)
            errors *= np.maximum(0.0, 1.0 - zone / np.maximum(length, np.finfo(float).tiny))
            A, b, reached = machine.ridge(point + errors)
            self.coefficients_, self.intercept_ = A, b
            change = reached - previous
            self.converged_ = bool(np.abs(change).max() <= self.tol)
            if float(np.vdot(point - reached, change)) > 0.0:  # the momentum leads astray
                momentum = 1.0
            following = 0.5 + np.sqrt(0.25 + momentum**2)
            point = reached + ((momentum - 1.0) / following) * change
            previous, momentum = reached, following
        u = STEEPEST * np.linalg.norm(targets - previous, axis=1)
        penalty = float(np.vdot(self.coefficients_, previous - self.intercept_))
        loss = float(np.square(np.maximum(0.0, u - self.epsilon)).sum())
        self.objective_ = 0.5 * penalty + self.C * loss

    def _check_settings(self) -> None:
        check_number("C", self.C, include_low=False)
        check_number("epsilon", self.epsilon)
        check_number("gamma", self.gamma, include_low=False)
        check_number("floor", self.floor, high=0.5, include_low=False)
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol)


def _kernel(squares: FloatArray, factor: float) -> FloatArray:
    kernel = factor * squares
    return np.exp(kernel, out=kernel)


class Machine:
    """Kernel ridge regression with an intercept that is not penalised, for any targets.

    ``1/2 tr(A'KA) + C/16 ||T - K A - 1 b'||^2`` is minimised.
    """

    def __init__(self, kernel: FloatArray, C: float):
        penalised = kernel.copy(order="F")  # which the factorisation overwrites
        self.ridge_weight = 0.5 / (C * STEEPEST**2)
        penalised[np.diag_indices(len(kernel))] += self.ridge_weight
        self.factor = cho_factor(penalised, overwrite_a=True, check_finite=False)
        self.ones = cho_solve(self.factor, np.ones(len(kernel)), check_finite=False)
        self.total = float(self.ones.sum())

    def ridge(self, targets: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return A, b and the fitted values ``K A + 1 b'`` for targets (n, c)."""
        A = cho_solve(self.factor, targets, check_finite=False)
        b = A.sum(axis=0) / self.total
        A -= self.ones[:, None] * b
        fitted: FloatArray = targets - self.ridge_weight * A  # K A + b, as the equation says
        return A, b, fitted
