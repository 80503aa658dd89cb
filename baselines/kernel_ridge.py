"""Kernel-ridge: ridge regression of the shares with a Gaussian kernel, projected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.metrics.pairwise import euclidean_distances

from baselines.settings import check_number
from baselines.simplex import project
from baselines.size import parts
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray


class KernelRidgeLDL(SmoothedLearner):
    """Regress every share on a Gaussian kernel of the features, and project onto the simplex.

    Why: it is ridge regression without the straight line, still with one optimum in closed form;
    with two settings it is among the strongest methods for tables of a few thousand rows, and what
    a support vector machine of this kind has to beat.

    Parameters
    ----------
    alpha : float, default 0.01
        Penalty per training row: ``(K + alpha n I) A = D - m`` is solved. No direction keeps more
        than ``1 / (1 + alpha)`` of its fit, so that a large alpha predicts the mean distribution.
    gamma : float, default 1.0
        Of the kernel ``exp(-gamma |x - z|^2 / s)``, where s is the mean squared distance of
        two training rows; so it does not depend on the features' unit or number.
    smoothing : float, default 0.01
        Share of the mean training distribution in every prediction, so that none is 0 where the
        label occurs at all.
    scaling : {"auto", "none", "standard", "minmax"}, default "auto"
        Since distances see the features' units; but ``"auto"`` leaves principal components as they
        are, of which standardising would make the noise as large as the signal.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Notes
    -----
    Time grows with the cube of the number of training rows, memory with its square, see
    `peak_memory`; a fit that needs more than `baselines.size` allows raises ValueError.

    References
    ----------
    Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in dual variables", ICML
    1998.
    """

    year: ClassVar[int | None] = 1998
    citation: ClassVar[str] = (
        'Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in dual variables", '
        "ICML 1998"
    )

    memory_advice: ClassVar[str] = (
        "train on a subset of the rows, or take a method without a matrix of all pairs of rows, "
        "such as Ridge"
    )

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "alpha": (10.0, 0.1, 0.03, 0.01, 0.003, 0.001),
        "gamma": (0.3, 1.0),
        "smoothing": (0.1, 0.01),
    }

    def __init__(
        self,
        alpha: float = 0.01,
        gamma: float = 1.0,
        smoothing: float = 0.01,
        scaling: str = "auto",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.gamma = gamma
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes of a fit: distances, the kernel, and its factor."""
        return 8.0 * n_rows * (3 * n_rows + 3 * n_features + 4 * n_labels)

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._estimates([self], X, D, X[:1])

    def _estimate(self, X: FloatArray) -> FloatArray:
        return np.vstack([self._of_some(some) for some in parts(X, len(self.rows_))])

    def _of_some(self, X: FloatArray) -> FloatArray:
        kernel = _kernel(self._distances(X), self.gamma)
        return project(self.mean_ + kernel @ self.coefficients_)

    @classmethod
    def _estimates(
        cls, learners: Sequence[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        centre = X.mean(axis=0)
        rows = X - centre
        squares = np.asarray(euclidean_distances(rows, squared=True))
        unit = float(squares.mean()) or 1.0
        squares /= unit
        made: list[Any] = [None] * len(learners)
        for gamma in dict.fromkeys(learner.gamma for learner in learners):
            check_number("gamma", gamma, include_low=False)
            kernel = _kernel(squares, gamma)
            for number, learner in enumerate(learners):
                if learner.gamma == gamma:
                    learner.rows_, learner.centre_, learner.unit_ = rows, centre, unit
                    learner._solve(kernel, D)
                    made[number] = learner._estimate(X_new)
        return made

    def _solve(self, kernel: FloatArray, D: FloatArray) -> None:
        check_number("alpha", self.alpha, include_low=False)
        penalised = kernel.copy(order="F")  # which the factorisation overwrites
        penalised[np.diag_indices(len(D))] += self.alpha * len(D)
        # A factorisation for each penalty takes a third of n^3, eigenvectors for all 9 times n^3.
        factor = cho_factor(penalised, overwrite_a=True, check_finite=False)
        self.coefficients_ = cho_solve(factor, D - D.mean(axis=0), check_finite=False)

    def _distances(self, X: FloatArray) -> FloatArray:
        squares = np.asarray(euclidean_distances(X - self.centre_, self.rows_, squared=True))
        squares /= self.unit_
        return squares


def _kernel(squares: FloatArray, gamma: float) -> FloatArray:
    kernel = -gamma * squares
    return np.exp(kernel, out=kernel)
