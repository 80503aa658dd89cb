"""SA-BFGS: the maximum entropy model trained by a quasi-Newton method (Geng 2016, section 3.3)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult, minimize

from baselines.base import LDLEstimator
from baselines.maxent import CrossEntropy, check_not_tiny, initial_weights, probabilities
from baselines.settings import check_count, check_number
from features.arrays import FloatArray

#: The largest feature where the search begins as the user's units have it. Beyond these bounds its
#: first step, of length 1, would do nothing or leave the range that a line search can bring back.
ORDINARY_SIZE = (1e-6, 1e6)

#: A run that found no further decrease has converged where the gradient is this small. Relative to
#: the objective the decrease along one feature is about its square, 1e-14, hence beyond rounding.
ROUNDING = 1e-7


class SABFGS(LDLEstimator):
    """Maximum entropy model fitted by limited-memory BFGS within a budget of iterations.

    The budget is part of the method. Where features outnumber what the rows can tell, the optimum
    can predict far worse than an early stop (SJAFFE, raw features, KL over ten folds: 0.147 at the
    optimum, 0.046 to 0.050 after 500 iterations). Such a stop also magnifies rounding: that spread
    is what changing the last digit of the features does, so another machine may show any value in
    it (Emotion6, raw: about 0.583 to 0.584). For a result that does not depend on the path, let the
    run converge, which on ill-conditioned features takes `whiten`.

    Parameters
    ----------
    max_iter : int, default 500
        Budget of iterations. The original toolbox runs its BFGS for 400, later
        implementations L-BFGS for 500.
    tol : float, default 1e-5
        Converged when ``abs(g_kj) <= tol * sum_i abs(x_ik)`` for the gradient g of every feature
        k and label j: the model's label-weighted sum of each feature then equals the data's
        to that accuracy, whatever the unit of each feature. (A feature that is zero in every
        row has its penalty alone, held to ``tol * l2``.) 0 runs until double precision resolves
        no further decrease.
    l2 : float, default 0.0
        Weight of the penalty ``l2/2 ||W||^2`` added to the summed cross entropy. The original has
        none; a positive value makes the optimum unique.
    whiten : bool, default False
        Search in coordinates in which the features are orthogonal with mean square 1 (by a singular
        value decomposition). The minimum is the same and is reached in tens of iterations where
        the original coordinates take tens of thousands; a stop by budget is another point. `tol`
        then judges these coordinates in place of the features. Directions below the rounding
        of X, about 1e-13 of its greatest singular value, count as not seen by any row, for
        `converged_` as well.
    initial_weights : {"zeros", "identity"} or array-like of shape (q, c), default "zeros"
        Start of the weights. The original starts from identity weights. Zeros (uniform
        predictions) leave at zero every direction that the training rows do not determine: with
        more features than rows a random start stays in the result for good (SJAFFE,
        standardised: KL 1.04 against 0.14, at equal training objective).
    scaling : {"none", "standard"}, default "none"
        ``"none"`` as in the original.

    Attributes
    ----------
    weights_ : ndarray of shape (q, c)
        Fitted weights; the model has no bias, as in the original.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        True where the gradient at `weights_` meets `tol`, or no further decrease was representable
        and it meets 1e-7. False where the budget ended the run, the line search failed, or
        rounding hides what some features still promise because they are far apart in size
        (from about 1e5 on, where `whiten` helps).
    objective_ : float
        ``-sum_ij d_ij ln p_ij + l2/2 ||W||^2`` at `weights_` on the training rows.

    Notes
    -----
    Departures from the original: limited memory (10 pairs, no q*c x q*c matrix), a softmax that
    cannot overflow (the original line search breaks down on Emotion6 after two steps), and the
    exact gradient where rows of D do not sum to exactly 1. Features whose largest value lies
    outside 1e-6 to 1e6 are searched in units of a power of 2 near it, and the weights returned for
    the features as given; below 1e-100 they are refused.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016, equations 6, 7 and 12 to 15.
    """

    def __init__(
        self,
        max_iter: int = 500,
        tol: float = 1e-5,
        l2: float = 0.0,
        whiten: bool = False,
        initial_weights: str | ArrayLike = "zeros",
        scaling: str = "none",
    ):
        self.max_iter = max_iter
        self.tol = tol
        self.l2 = l2
        self.whiten = whiten
        self.initial_weights = initial_weights
        self.scaling = scaling

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._check_settings()
        check_not_tiny(X)
        weights = initial_weights(self.initial_weights, X.shape[1], D.shape[1])
        unit = ordinary_unit(X)
        l2 = float(self.l2)
        if unit != 1.0:
            X, weights, l2 = X / unit, weights * unit, l2 / unit**2
        if self.whiten:
            features, basis, lengths = whitening(X, l2)
            start = (basis.T @ weights) / lengths[:, None]
            penalty = l2 * lengths**2
        else:
            features, start, penalty = X, weights, np.full(X.shape[1], l2)
        model = CrossEntropy(features, D, penalty if self.whiten else l2)
        shape = start.T.shape
        content = np.abs(features).sum(axis=0)
        content = np.tile(np.where(content > 0.0, content, penalty), len(D.T))
        bounds = self.tol * content
        slope, failing = np.zeros(0), 0

        def evaluate(flat: FloatArray) -> tuple[float, FloatArray]:
            nonlocal slope
            loss, gradient = model.loss_and_gradient(flat.reshape(shape))
            slope = gradient.ravel()
            return loss, slope

        def stop_at_tolerance(intermediate_result: OptimizeResult) -> None:
            # `slope` is that of the point accepted, which the line search evaluated last. The entry
            # that failed last mostly fails again, which saves looking at the others.
            nonlocal failing
            if abs(slope[failing]) <= bounds[failing]:
                excess = np.abs(slope) - bounds
                failing = int(excess.argmax())
                if excess[failing] <= 0.0:
                    raise StopIteration

        found = minimize(
            evaluate,
            start.T.ravel(),
            method="L-BFGS-B",
            jac=True,
            callback=stop_at_tolerance,
            options={
                "maxiter": self.max_iter,
                "maxfun": 20 * self.max_iter + 20,  # the line search takes at most 20 each
                "ftol": 0.0,
                "gtol": float(bounds.min()),  # one bound for all; each its own: the callback
            },
        )
        # After a failed line search the reported value is not that of the returned point.
        self.objective_, slope = evaluate(found.x)
        resolved = found.status == 0 and bool((np.abs(slope) <= ROUNDING * content).all())
        self.converged_ = resolved or bool((np.abs(slope) <= bounds).all())
        self.n_iter_ = int(found.nit)
        found_weights = np.ascontiguousarray(found.x.reshape(shape).T)
        if self.whiten:
            # What no training row sees keeps its start, unless the penalty shrinks it to zero.
            unseen = 0.0 if l2 else weights - basis @ (basis.T @ weights)
            found_weights = basis @ (lengths[:, None] * found_weights) + unseen
        self.weights_ = found_weights / unit

    def _predict(self, X: FloatArray) -> FloatArray:
        return probabilities(X, self.weights_)

    def _check_settings(self) -> None:
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol)
        check_number("l2", self.l2)
        if not isinstance(self.whiten, bool | np.bool_):
            raise ValueError(f"whiten must be True or False, not {self.whiten!r}")


def ordinary_unit(X: FloatArray) -> float:
    """Return 1 where the largest feature is of `ORDINARY_SIZE`, or zero; else a power of 2 near it.

    Dividing by a power of 2 is exact.
    """
    largest = float(np.abs(X).max())
    if largest == 0.0 or ORDINARY_SIZE[0] <= largest <= ORDINARY_SIZE[1]:
        return 1.0
    return 2.0 ** round(math.log2(largest))


def whitening(X: FloatArray, l2: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return coordinates in which the Hessian of the objective is about the same everywhere.

    With ``X = U S V'``, weights ``W = V diag(t) A`` and ``t = sqrt(n / (s^2 + l2))``, the scores
    are ``X W = (U diag(s t)) A`` and the penalty is ``l2/2 sum_k t_k^2 ||a_k||^2``.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    l2 : float
        Weight of the penalty.

    Returns
    -------
    features : ndarray of shape (n, r)
        ``U diag(s t)``, r the numerical rank of X (at least 1).
    basis : ndarray of shape (q, r)
        ``V``.
    lengths : ndarray of shape (r,)
        ``t``.
    """
    left, s, right = np.linalg.svd(X, full_matrices=False)
    rank = max(1, int((s > s[0] * max(X.shape) * np.finfo(float).eps).sum()))
    s = s[:rank]
    square = s**2 + l2
    lengths = np.sqrt(len(X) / np.where(square > 0, square, 1.0))
    return left[:, :rank] * (s * lengths), right[:rank].T, lengths
