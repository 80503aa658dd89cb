"""SA-IIS: the maximum entropy model trained by improved iterative scaling (Geng 2016, 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from baselines.base import LDLEstimator, alike
from baselines.iis_steps import StepSolver, intercept_steps
from baselines.maxent import check_not_tiny, probabilities, starting_weights
from baselines.settings import check_count, check_flag, check_number
from features.arrays import FloatArray


class SAIIS(LDLEstimator):
    """Maximum entropy model fitted by improved iterative scaling within a budget of iterations.

    IIS raises the likelihood at every iteration but slowly: the optimum is thousands of iterations
    away, so the result is a point on a path, given by start, budget and scaling of the features.
    An iteration takes milliseconds on common data, and a search cell by cell, some hundred times
    as long, where a few rows are far larger than the others.

    Parameters
    ----------
    max_iter : int, default 50
        Budget of iterations, as in the original.
    tol : float, default 1e-7
        Converged when an iteration changes the objective by less than this, as in the original.
        0 never ends a run before its budget.
    fit_intercept : bool, default True
        Whether every label has an intercept. The original has none (False): on features that are
        centred, such as principal components or standardised ones, it cannot express the mean
        distribution and predicts worse than it wherever labels are unbalanced.
    start : {"zeros", "identity"} or array-like of shape (q, c), default "zeros"
        Start of the weights. With an intercept ``"zeros"`` begins at the mean distribution.
        ``"identity"`` is the original's, although it favours label j on feature j for no reason;
        it can be far from uniform where features are large.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        ``"none"`` as in the original.
    components : int, optional
        Number of leading principal components to keep; all features by default.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
        Fitted weights.
    intercept_ : ndarray of shape (c,)
        Fitted intercepts, zero where `fit_intercept` is False.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        True where the change fell below `tol`, False where the budget ended the run. A greater
        rise of the objective (see Notes) is no convergence.
    objective_ : float
        Final ``-sum_ij d_ij ln p_ij`` on the training rows.

    Notes
    -----
    The intercepts are a block of their own, updated before the weights in every iteration by
    ``b_j += ln(sum_i d_ij / sum_i p_ij)``: the equation of a feature that is 1 in every row and
    stands alone, f = 1. As one more feature among the others it would add 1 to every f and slow
    down all steps, the more the smaller the features. Each half raises the likelihood.

    That the objective falls is guaranteed where the rows of D sum to 1; where they are off by some
    1e-6, the equations, kept as published, end as much beside the optimum, towards which the
    objective may rise. Features below 1e-100, all of them, are refused.
    Departures from the original: the intercepts, the start, steps accurate to about 1e-11 (the
    original hands every cell to a general solver), and a step to infinity (a label that never
    occurs with a one-signed feature, or at all) is cut to 30 / max f, that of an intercept to 30.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016, equations 8 to 11. Della Pietra,
    Della Pietra and Lafferty, "Inducing features of random fields", IEEE TPAMI 19(4), 1997.
    """

    year: ClassVar[int | None] = 2016
    citation: ClassVar[str] = 'Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016'

    # Points of few paths, each from the mean distribution on.
    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {"max_iter": (1, 10, 50, 200), "scaling": ("none",)},
        {"max_iter": (1, 2, 5, 10, 20, 50, 100, 300), "scaling": ("standard",)},
        {"max_iter": (1, 20, 100, 300), "scaling": ("minmax",)},
        {
            "max_iter": (1, 2, 4, 8, 15, 30, 60, 120),
            "scaling": ("standard",),
            "components": (20,),
        },
    )
    result_version: ClassVar[int] = 2

    def __init__(
        self,
        max_iter: int = 50,
        tol: float = 1e-7,
        fit_intercept: bool = True,
        start: str | ArrayLike = "zeros",
        scaling: str = "none",
        components: int | None = None,
    ):
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.start = start
        self.scaling = scaling
        self.components = components

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._check_settings()
        for _ in self._iterations(X, D, self.max_iter):
            if self.converged_:
                break

    def _iterations(self, X: FloatArray, D: FloatArray, budget: int) -> Iterator[int]:
        """Do one iteration after another, with the fitted attributes up to date after each."""
        check_not_tiny(X)
        weights = starting_weights(self.start, X.shape[1], D.shape[1]).T
        intercept = np.zeros(D.shape[1])
        with np.errstate(divide="ignore"):  # a label that never occurs
            log_mass = np.log(D.sum(axis=0))
        solver, truth = StepSolver(X, D), np.ascontiguousarray(D.T)
        logs = log_softmax(solver.scores(weights))
        loss = -float(np.vdot(truth, logs))
        for done in range(1, budget + 1):
            if self.fit_intercept:
                move = intercept_steps(logs, log_mass)
                intercept = intercept + move
                logs = log_softmax(logs + move[:, None])
            weights = weights + solver.steps(logs)
            logs = log_softmax(solver.scores(weights) + intercept[:, None])
            previous, loss = loss, -float(np.vdot(truth, logs))
            self.weights_ = np.ascontiguousarray(weights.T)
            self.intercept_, self.objective_ = intercept, loss
            self.n_iter_, self.converged_ = done, abs(previous - loss) < self.tol
            yield done

    def _predict(self, X: FloatArray) -> FloatArray:
        return probabilities(X, self.weights_, self.intercept_)

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Predict from the points of one path, for learners that differ in their budget alone."""
        predictions: list[Any] = [None] * len(learners)
        for learner in learners:
            learner._check_settings()
        for numbers in alike(learners, "max_iter"):
            walker = learners[max(numbers, key=lambda number: learners[number].max_iter)]
            left = sorted(numbers, key=lambda number: learners[number].max_iter)
            for done in walker._iterations(X, D, walker.max_iter):
                while left and (learners[left[0]].max_iter == done or walker.converged_):
                    predictions[left.pop(0)] = walker._predict(X_new)
                if not left:
                    break
        return predictions

    def _check_settings(self) -> None:
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol)
        check_flag("fit_intercept", self.fit_intercept)


def log_softmax(scores: FloatArray) -> FloatArray:
    """Return the logarithms of the softmax over labels, label-major, finite for finite scores."""
    logs = scores - scores.max(axis=0)
    logs -= np.log(np.exp(logs).sum(axis=0))
    return logs
