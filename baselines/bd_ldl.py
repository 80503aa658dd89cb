"""BD-LDL: a linear map from features to shares whose transpose leads back (Liu et al. 2021)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from baselines.settings import check_choice, check_flag, check_number
from baselines.simplex import project
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray


class BDLDL(SmoothedLearner):
    """Linear regression of the shares, which must also lead back from the shares to the features.

    With one matrix for both ways, tied by its transpose, the objective of the paper's section on
    bidirectional projections is::

        1/2 ||X W - D||^2 + alpha/2 ||X - D W'||^2 + beta/2 ||W||^2

    It is convex; its gradient vanishes where the Sylvester equation
    ``(X'X + beta I) W + W (alpha D'D) = (1 + alpha) X'D`` holds, solved here in the eigenvectors of
    X'X and D'D: no iteration, and one decomposition for all penalties.

    Parameters
    ----------
    alpha : float, default 0.001
        Weight of the way back.
    beta : float, default 0.01
        Penalty of the weights.
    fit_intercept : bool, default False
        Whether the mean distribution is taken off the shares and the features' mean off the
        features first. The original does not (False).
    unit : {"one", "data"}, default "one"
        ``"data"``: features are divided by the root of the sum of their mean squares, `beta`
        counts in units of n, so that settings do not depend on the features' unit and number,
        nor on the number of rows.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original, which
        predicts shares of exactly 0.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
        The minimiser of the objective.
    objective_ : float
        The objective there.
    n_iter_, converged_ : int, bool
        1 and True: the minimum has a closed form.

    Notes
    -----
    The values of `alpha` and `beta` are those of the implementation in PyLDL; the paper chooses
    them by cross-validation. A prediction is projected onto the simplex.

    References
    ----------
    Liu, Zhu, Zheng, Li, Liu and Wang, "Bidirectional loss function for label enhancement and
    distribution learning", Knowledge-Based Systems 213, 2021.
    """

    year: ClassVar[int | None] = 2021
    citation: ClassVar[str] = (
        'Liu, Zhu, Zheng, Li, Liu and Wang, "Bidirectional loss function for label enhancement and '
        'distribution learning", Knowledge-Based Systems 213, 2021'
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "beta": (10.0, 0.1, 0.03, 0.01, 0.001),
            "alpha": (0.001, 0.1),
            "smoothing": (0.1, 0.01),
            "fit_intercept": (True,),
            "unit": ("data",),
            "scaling": ("auto",),
        },
        {
            "beta": (0.1, 0.01, 0.001),
            "alpha": (0.001,),
            "smoothing": (0.05,),
            "fit_intercept": (True,),
            "unit": ("data",),
            "scaling": ("auto",),
            "components": (20,),
        },
    )

    def __init__(
        self,
        alpha: float = 0.001,
        beta: float = 0.01,
        fit_intercept: bool = False,
        unit: str = "one",
        smoothing: float = 0.0,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.alpha = alpha
        self.beta = beta
        self.fit_intercept = fit_intercept
        self.unit = unit
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._solve(X, D, {})

    def _estimate(self, X: FloatArray) -> FloatArray:
        return project(self.offset_ + (X - self.centre_) @ self.weights_)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        known: dict[bool, Spectrum] = {}
        for learner in learners:
            learner._solve(X, D, known)
        return [learner._estimate(X_new) for learner in learners]

    def _solve(self, X: FloatArray, D: FloatArray, known: dict[bool, Spectrum]) -> None:
        """Do what `_learn` does; decompositions of X are looked up in `known` and added to it."""
        check_number("alpha", self.alpha)
        check_number("beta", self.beta, include_low=False)
        check_flag("fit_intercept", self.fit_intercept)
        check_choice("unit", self.unit, ("one", "data"))
        intercept = bool(self.fit_intercept)
        self.centre_ = X.mean(axis=0) if intercept else np.zeros(X.shape[1])
        self.offset_ = D.mean(axis=0) if intercept else np.zeros(D.shape[1])
        if intercept not in known:
            known[intercept] = Spectrum(X - self.centre_)
        spectrum, targets = known[intercept], D - self.offset_
        unit, beta = 1.0, float(self.beta)
        if self.unit == "data":
            unit, beta = spectrum.size, beta * len(X)
        self.weights_ = spectrum.solve(targets, float(self.alpha), beta, unit) / unit
        ahead = spectrum.X @ self.weights_ - targets
        back = spectrum.X / unit - targets @ (self.weights_ * unit).T
        penalty = beta * unit**2 * np.square(self.weights_).sum()
        errors = np.square(ahead).sum() + self.alpha * np.square(back).sum()
        self.objective_ = 0.5 * float(errors + penalty)
        self.n_iter_, self.converged_ = 1, True


class Spectrum:
    """Singular values and vectors of features, through the smaller of X'X and XX'.

    Attributes
    ----------
    X : ndarray of shape (n, q)
    size : float
        Root of the sum of the features' mean squares, 1 where there is nothing.
    """

    def __init__(self, X: FloatArray):
        self.X = X
        by_rows = len(X) < X.shape[1]
        values, vectors = np.linalg.eigh(X @ X.T if by_rows else X.T @ X)
        seen = values > max(values[-1], 0.0) * max(X.shape) * np.finfo(float).eps
        self.squares = values[seen]
        vectors = vectors[:, seen]
        self.basis = X.T @ (vectors / np.sqrt(self.squares)) if by_rows else vectors
        self.size = float(np.sqrt(self.squares.sum() / len(X))) or 1.0

    def solve(self, D: FloatArray, alpha: float, beta: float, unit: float) -> FloatArray:
        """Return the W of ``(Z'Z + beta I) W + alpha W D'D = (1 + alpha) Z'D`` for Z = X / unit.

        With ``Z'Z = U diag(a) U'`` and ``D'D = V diag(b) V'``, the entry of ``U' W V`` is that of
        ``(1 + alpha) U' Z' D V`` divided by ``a_i + beta + alpha b_j``. What X does not see of W is
        zero.
        """
        b, V = np.linalg.eigh(D.T @ D)
        right = (1.0 + alpha) * (self.basis.T @ (self.X.T @ D / unit)) @ V
        inner = right / (self.squares[:, None] / unit**2 + beta + alpha * np.maximum(b, 0.0))
        solved: FloatArray = self.basis @ inner @ V.T
        return solved
