"""PT-SVM: problem transformation into weighted labels, then a support vector machine per pair."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from baselines.pairwise import couple, fit_sigmoids, pair_probabilities
from baselines.settings import check_choice, check_count, check_number
from baselines.smoothed import SmoothedLearner
from baselines.weighted_svm import (
    SINGLE_PRECISION_TOL,
    Machines,
    Splitting,
    prepare,
    rbf_kernel,
    solve_machines,
)
from features.arrays import FloatArray

#: Folds behind the decision values that the sigmoids are fitted to, as in LIBSVM.
CALIBRATION_FOLDS = 5

#: Pairs of labels solved together: enough for fast matrix products, few enough for the memory.
PAIRS_AT_ONCE = 32

#: Most bytes that a fit may need, see `peak_memory`.
MAX_MEMORY = 8e9


class PTSVM(SmoothedLearner):
    """Support vector machines on single-label examples, with coupled pairwise probabilities.

    Every (x, d) becomes c examples (x, j) of weight d_j. For every pair of labels i, j a C-SVC
    with RBF kernel separates the examples of i from those of j; Platt's sigmoid turns its decision
    value into P(i | i or j), and the probabilities of all pairs are coupled into a distribution,
    as LIBSVM does with ``-b 1``.

    Departures from the original code (Geng 2016), which resamples n c examples and calls LIBSVM:

    * Examples carry their exact weights, the expectation of the resampling: nothing is drawn. The
      penalty of example (x, j) is C d_j.
    * The folds behind Platt's sigmoid are folds of rows. Folds of examples put copies of one x
      under different labels on both sides, and the held-out decision values are then wrong in
      sign.
    * Features are standardised by default, because one gamma must fit all of them, unless they are
      principal components, which that would whiten (``scaling="auto"``); LIBSVM leaves scaling to
      its user. gamma is told by their variance, as scikit-learn does, so that it fits whether or
      not they are standardised; ``gamma="auto"`` is LIBSVM's.
    * A pair whose held-out decision values rank the wrong way round gets the constant
      probability of its labels' weights, see `fit_sigmoids`.
    * All machines are solved together to ``tol``, see `weighted_svm`. LIBSVM stops at a tenth of
      it in the same unit, which takes longer. A hundredth of the margin hardly moves a probability.

    The mean distribution is nearly within reach: where the held-out decision values say nothing,
    the sigmoids are flat and the coupling of the pairs' means gives it back, but for Platt's prior
    of one more example on either side: labels with the weight of a few rows get more than their
    share. With a small C that is nearly all that can happen, the machine being the difference of
    two kernel means. `smoothing` leads the rest of the way.

    Cost: one n^3 inverse per fit, which serves every C, then a product with an n x n matrix per
    iteration. Memory: see `peak_memory`; 8 GB are enough for 18,000 rows with 8 labels. A fit
    that needs more raises ValueError.

    Parameters
    ----------
    C : float, default 1.0
        Penalty, LIBSVM's default.
    gamma : {"scale", "auto"}, float or None, default "scale"
        Width of the kernel ``exp(-gamma |x - z|^2)``. ``"scale"`` is 1 / (n_features X.var()) of
        the preprocessed features (1 if they do not vary); ``"auto"`` or None is 1 / n_features,
        LIBSVM's default. On standardised features the two are the same.
    gamma_factor : float, default 1.0
        Multiplies gamma: kernels twice as wide as the data say, and so on.
    tol : float, default 0.01
        Largest violation of the optimality conditions, in units of the decision value.
    max_iter : int, default 1000
        Budget of iterations; a machine that spends it shows in ``converged_``.
    scaling : {"auto", "none", "standard", "minmax"}, default "auto"
        See `baselines.preprocessing.fit_preprocessing`. On the built-in images the KL is far higher
        with whitened components; ``"standard"`` was the default in version 0.1.0.
    components : int or None, default None
        Keep so many principal components of the scaled features.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; 0 as published.
    random_state : int or None, default None
        Seed of the permutation that makes the calibration folds.

    Attributes
    ----------
    n_iter_ : int
        Iterations of the slowest machine, those of the calibration folds included.
    violation_ : float
        Largest violation left in any machine, to be compared with ``tol``.
    converged_ : bool
        Every machine reached ``tol`` and every sigmoid its optimum.
    objective_ : float
        Sum of the dual objectives of the machines of all pairs on all rows.
    held_out_decisions_ : ndarray of shape (n_pairs, n)
        Decision values of the training rows by machines that did not see them.
    sigmoids_ : ndarray of shape (n_pairs, 2)
        A and B of P(i | i or j) = 1 / (1 + exp(A f + B)), pairs in the order of `triu_indices`.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016, section 3.1. Chang and Lin,
    "LIBSVM: a library for support vector machines", ACM TIST 2(3), 2011. Wu, Lin and Weng,
    "Probability estimates for multi-class classification by pairwise coupling", JMLR 5, 2004.
    """

    year: ClassVar[int | None] = 2016
    citation: ClassVar[str] = 'Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016'

    #: 24 with the default. A small C, smoothed, is the simple end; a large one with a wide kernel
    #: takes most iterations and gains least.
    search_space = (
        {
            "gamma_factor": (0.1,),
            "C": (0.1,),
            "smoothing": (0.9, 0.0),
            "scaling": ("none", "standard"),
        },
        {"gamma_factor": (0.3,), "C": (3.0,), "scaling": ("none", "standard")},
        {"gamma_factor": (1.0, 3.0), "C": (0.1, 1.0, 10.0), "scaling": ("none", "standard")},
        {"components": (2, 5, 10, 20, 50), "scaling": ("standard",)},
    )
    result_version = 2

    def __init__(
        self,
        C: float = 1.0,
        gamma: float | str | None = "scale",
        gamma_factor: float = 1.0,
        tol: float = 0.01,
        max_iter: int = 1000,
        scaling: str = "auto",
        components: int | None = None,
        smoothing: float = 0.0,
        random_state: int | None = None,
    ):
        self.C = C
        self.gamma = gamma
        self.gamma_factor = gamma_factor
        self.tol = tol
        self.max_iter = max_iter
        self.scaling = scaling
        self.components = components
        self.smoothing = smoothing
        self.random_state = random_state

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._set_up(X, D)
        self._fit_machines(prepare(self._kernel(self.support_), self.tol), D)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Share kernels and inverses.

        No machine starts from that of another C: it would stop elsewhere within `tol`, which
        sigmoids can magnify, and that saves hardly an iteration.
        """
        predictions: list[Any] = [None] * len(learners)
        groups: dict[Any, list[int]] = {}
        for number, learner in enumerate(learners):
            learner._set_up(X, D)
            groups.setdefault((learner.gamma_, learner.tol), []).append(number)
        for numbers in groups.values():
            first = learners[numbers[0]]
            splitting = prepare(first._kernel(first.support_), first.tol)
            kernel = first._kernel(X_new - first.centre_)
            for number in numbers:
                learners[number]._fit_machines(splitting, D)
                decisions = learners[number]._decisions(kernel)
                predictions[number] = learners[number]._couple(decisions)
        return predictions

    def _set_up(self, X: FloatArray, D: FloatArray) -> None:
        self._check_parameters(len(X), X.shape[1], D.shape[1])
        # Distances are computed as |x|^2 - 2 x.z + |z|^2, which a large common offset drowns.
        self.centre_ = X.mean(axis=0)
        self.support_ = X - self.centre_
        self.gamma_ = self.gamma_factor * kernel_width(X, self.gamma)

    def _kernel(self, centred: FloatArray) -> FloatArray:
        return rbf_kernel(centred, self.support_, self.gamma_)

    def _fit_machines(self, splitting: Splitting, D: FloatArray) -> None:
        n = len(D)
        n_folds = min(CALIBRATION_FOLDS, n)
        fold = np.random.default_rng(self.random_state).permutation(n) % n_folds
        first, second = np.triu_indices(D.shape[1], k=1)
        self.beta_, self.bias_ = np.empty((len(first), n)), np.empty(len(first))
        self.held_out_decisions_ = np.empty((len(first), n))
        self.sigmoids_ = np.empty((len(first), 2))
        self.n_iter_, self.violation_, self.objective_, calibrated = 0, 0.0, 0.0, True
        for begin in range(0, len(first), PAIRS_AT_ONCE):
            pairs = slice(begin, begin + PAIRS_AT_ONCE)
            positive, negative = D.T[first[pairs]], D.T[second[pairs]]
            bounds = -self.C * negative, self.C * positive
            machines = solve_machines(splitting, *bounds, self.tol, self.max_iter)
            decisions, calibration = hold_out(
                splitting, machines, bounds, fold, self.tol, self.max_iter
            )
            self.beta_[pairs], self.bias_[pairs] = machines.beta, machines.bias
            self.held_out_decisions_[pairs] = decisions
            self.sigmoids_[pairs], optimal = fit_sigmoids(decisions, positive, negative)
            calibrated = calibrated and bool(optimal.all())
            self.objective_ += float(machines.objective.sum())
            for solved in (machines, calibration):
                self.n_iter_ = max(self.n_iter_, int(solved.n_iter.max()))
                self.violation_ = max(self.violation_, float(solved.violation.max()))
        self.converged_ = calibrated and self.violation_ <= self.tol

    def _check_parameters(self, n_rows: int, n_features: int, n_labels: int) -> None:
        check_number("C", self.C, include_low=False)
        if isinstance(self.gamma, str):
            check_choice("gamma", self.gamma, ("scale", "auto"))
        elif self.gamma is not None:
            check_number("gamma", self.gamma, include_low=False)
        check_number("gamma_factor", self.gamma_factor, include_low=False)
        check_number("tol", self.tol, include_low=False)
        check_count("max_iter", self.max_iter)
        if self.random_state is not None:
            check_count("random_state", self.random_state, least=0)
        needed = peak_memory(n_rows, n_features, n_labels, self.tol)
        if needed > MAX_MEMORY:
            raise ValueError(
                f"PT-SVM needs {needed / 1e9:.1f} GB for {n_rows} training rows with "
                f"{n_features} features and {n_labels} labels, its limit is "
                f"{MAX_MEMORY / 1e9:g} GB: train on a subset of the rows"
            )

    def _decision_values(self, X: FloatArray) -> FloatArray:
        """Return the decision values of all pairs, of shape (n, n_pairs)."""
        return self._decisions(self._kernel(X - self.centre_))

    def _decisions(self, kernel: FloatArray) -> FloatArray:
        return kernel @ self.beta_.T + self.bias_

    def _estimate(self, X: FloatArray) -> FloatArray:
        return self._couple(self._decision_values(X))

    def _couple(self, decisions: FloatArray) -> FloatArray:
        probability = pair_probabilities(decisions.T, self.sigmoids_).T
        first, second = np.triu_indices(self.n_labels_, k=1)
        r = np.zeros((len(decisions), self.n_labels_, self.n_labels_))
        r[:, first, second] = probability
        r[:, second, first] = 1.0 - probability
        return couple(r)


def kernel_width(X: FloatArray, gamma: float | str | None) -> float:
    """Return the number that a setting of gamma means for these features."""
    if gamma == "scale":
        variance = float(X.var())
        scaled = 1.0 / (X.shape[1] * variance) if variance > 0 else 1.0
        return scaled if np.isfinite(scaled) else 1.0
    return 1.0 / X.shape[1] if gamma is None or gamma == "auto" else float(gamma)


def peak_memory(n_rows: int, n_features: int, n_labels: int, tol: float = 0.01) -> float:
    """Return a bound on the bytes that a fit takes, a little above what was measured.

    n x n: the kernel, and in single precision once more and its inverse, which is made in double
    precision. Pairs x n: for a batch of pairs the arrays and past steps of the five folds'
    machines, in single or double precision as `tol` says, two results and a spare for all pairs.
    Features: scaled, centred and squared.
    """
    pairs = n_labels * (n_labels - 1) // 2
    batch = (190 if tol >= SINGLE_PRECISION_TOL else 280) * min(pairs, PAIRS_AT_ONCE)
    return 8.0 * n_rows * (2.5 * n_rows + batch + 3 * pairs + 3 * n_features)


def hold_out(
    splitting: Splitting,
    machines: Machines,
    bounds: tuple[FloatArray, FloatArray],
    fold: NDArray[np.integer[Any]],
    tol: float,
    max_iter: int,
) -> tuple[FloatArray, Machines]:
    """Return the decision value of every row by a machine trained without the row's fold.

    Parameters
    ----------
    splitting : Splitting
        The kernel matrix of all rows, prepared.
    machines : Machines
        The m machines on all rows, near which those of the folds start.
    bounds : two ndarrays of shape (m, n)
        Lower and upper bounds of the machines on all rows.
    fold : ndarray of shape (n,)
        The fold of every row, counted from 0.
    tol, max_iter
        As in `solve_machines`.

    Returns
    -------
    decisions : ndarray of shape (m, n)
    calibration : Machines
        The machines of all folds, those of fold 0 first.
    """
    lower, upper = bounds
    (m, n), n_folds = lower.shape, int(fold.max()) + 1
    # A row is held out by leaving it no room: lower = upper = 0.
    kept = np.repeat(fold != np.arange(n_folds)[:, None], m, axis=0)
    calibration = solve_machines(
        splitting,
        np.tile(lower, (n_folds, 1)) * kept,
        np.tile(upper, (n_folds, 1)) * kept,
        tol,
        max_iter,
        start=(
            np.tile(machines.point, (n_folds, 1)),
            np.tile(machines.offset, n_folds),
        ),
    )
    decisions = calibration.beta @ splitting.kernel + calibration.bias[:, None]
    return decisions.reshape(n_folds, m, n)[fold, :, np.arange(n)].T, calibration
