"""Ridge: penalised linear regression of the shares, projected onto the simplex."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.linalg import eigh

from baselines.settings import check_number
from baselines.simplex import project
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray


class RidgeLDL(SmoothedLearner):
    """Regress every share on the features, with a quadratic penalty, and project.

    Why: it is the simplest model that looks at the features, has one optimum in closed form and one
    setting, and is what a reader tries first. A method that does not beat it has no use for
    whatever it has beyond a linear map. The linear predictions of a row sum to 1 by themselves;
    only negative ones make the projection necessary.

    Parameters
    ----------
    alpha : float, default 0.01
        Penalty, relative to the features: the minimum of ``1/n ||D - m - X W||^2 + alpha v
        ||W||^2`` is taken, with centred features X and v the sum of their variances. No
        direction of the features keeps more than ``1 / (1 + alpha)`` of its least squares fit, so
        that a large alpha predicts the mean distribution, whatever the unit of the features.
    smoothing : float, default 0.01
        Share of the mean training distribution in every prediction, so that none is 0 where the
        label occurs at all.
    scaling : {"auto", "none", "standard", "minmax"}, default "auto"
        Since the penalty sees the features' units; but ``"auto"`` leaves principal components as
        they are, of which standardising would make the noise as large as the signal.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
        Fitted weights of the centred features.

    References
    ----------
    Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970.
    """

    year: ClassVar[int | None] = 1970
    citation: ClassVar[str] = 'Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970'

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "alpha": (10.0, 0.1, 0.03, 0.01, 0.001, 0.0001),
        "smoothing": (0.1, 0.01),
        "scaling": ("auto", "none"),
    }

    def __init__(
        self,
        alpha: float = 0.01,
        smoothing: float = 0.01,
        scaling: str = "auto",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._solve(X, D, _Decomposition(X))

    def _estimate(self, X: FloatArray) -> FloatArray:
        return project(self.mean_ + (X - self.centre_) @ self.weights_)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        decomposition = _Decomposition(X)  # serves every penalty
        for learner in learners:
            learner._solve(X, D, decomposition)
        return [learner._estimate(X_new) for learner in learners]

    def _solve(self, X: FloatArray, D: FloatArray, decomposition: _Decomposition) -> None:
        check_number("alpha", self.alpha, include_low=False)
        self.centre_ = decomposition.centre
        self.weights_ = decomposition.solve(D - D.mean(axis=0), float(self.alpha))


class _Decomposition:
    """Eigenvectors of the features' covariance, or of their inner products if those are fewer."""

    def __init__(self, X: FloatArray):
        self.centre = X.mean(axis=0)
        self.X = X - self.centre
        self.by_rows = len(X) < X.shape[1]
        product = self.X @ self.X.T if self.by_rows else self.X.T @ self.X
        self.values, self.vectors = eigh(product)
        self.total = float(np.trace(product))

    def solve(self, targets: FloatArray, alpha: float) -> FloatArray:
        """Return ``(X'X + alpha t I)^-1 X' targets`` for centred X, t being the trace of X'X."""
        if self.total == 0:  # constant features tell nothing
            return np.zeros((self.X.shape[1], targets.shape[1]))
        seen = targets if self.by_rows else self.X.T @ targets
        inverse = 1 / (np.maximum(self.values, 0.0) + alpha * self.total)
        solved = (self.vectors * inverse) @ (self.vectors.T @ seen)
        return np.asarray(self.X.T @ solved if self.by_rows else solved)
