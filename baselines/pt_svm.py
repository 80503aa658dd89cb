"""PT-SVM: problem transformation into weighted labels, then a support vector machine per pair."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from baselines.low_rank import APPROXIMATIONS, fit_features, transformed
from baselines.pairwise import couple, fit_sigmoids, pair_probabilities
from baselines.settings import check_choice, check_count, check_number
from baselines.size import parts
from baselines.smoothed import SmoothedLearner
from baselines.splitting import Splitting, prepare, prepare_features
from baselines.svm_size import (
    CALIBRATION_FOLDS,
    PAIRS_AT_ONCE,
    advice,
    approximate_memory,
    exact_memory,
    pairs_at_once,
)
from baselines.weighted_svm import Machines, rbf_kernel, solve_machines
from features.arrays import FloatArray


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
    iteration. Memory: see `peak_memory`; a fit that needs more than `baselines.size` allows, with
    8 labels one of 19,000 rows, raises ValueError. For more rows there is `kernel_approximation`,
    with which memory grows with the number of rows and not with its square, and time little
    faster. What it costs, KL on Emotion6 and SBU_3DFE (three folds of ten): 0.539 and 0.0625 with
    the exact kernel; 0.546 and 0.0646 with 500 components of Nystroem's, 0.548 and 0.0654 with 300;
    0.559 and 0.0626 with 500 random cosines, 0.562 and 0.0650 with 300. All measures are in
    ``results/kernel_approximation.csv``.

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
        Seed of the permutation that makes the calibration folds, and of the approximation.
    kernel_approximation : {"none", "nystroem", "fourier"}, default "none"
        ``"none"``: the kernel as published. The others solve the same machines with the kernel
        z(x) . z(y) of features z that scikit-learn makes: ``"nystroem"`` of the kernel's values at
        `kernel_components` training rows drawn at random, exact where these are all;
        ``"fourier"`` of as many random cosines.
    kernel_components : int, default 500
        How many features approximate the kernel. Memory grows with it, time too, and with its
        square the preparation.

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

    # claim: 0.539 =
    # results/kernel_approximation.csv[dataset=emotion6, kernel=none].kl_divergence;
    # 0.0625 = [dataset=SBU_3DFE, kernel=none];
    # 0.546 = [dataset=emotion6, kernel=nystroem 500];
    # 0.0646 = [dataset=SBU_3DFE, kernel=nystroem 500];
    # 0.548 = [dataset=emotion6, kernel=nystroem 300];
    # 0.0654 = [dataset=SBU_3DFE, kernel=nystroem 300];
    # 0.559 = [dataset=emotion6, kernel=fourier 500];
    # 0.0626 = [dataset=SBU_3DFE, kernel=fourier 500];
    # 0.562 = [dataset=emotion6, kernel=fourier 300];
    # 0.0650 = [dataset=SBU_3DFE, kernel=fourier 300]

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
    later_settings = ("kernel_approximation", "kernel_components")

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
        kernel_approximation: str = "none",
        kernel_components: int = 500,
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
        self.kernel_approximation = kernel_approximation
        self.kernel_components = kernel_components

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes that a fit takes, see `baselines.svm_size`."""
        self._check_parameters()
        size = n_rows, n_features, n_labels
        if self.kernel_approximation == "none":
            return exact_memory(*size, self.tol)
        return approximate_memory(*size, min(self.kernel_components, n_rows), self.tol)

    def _memory_advice(self, n_rows: int, n_features: int, n_labels: int) -> str:
        return advice(n_rows, n_features, n_labels, self.kernel_components, self.tol)

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._set_up(X)
        self._fit_machines(self._splitting(X), D)

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
            learner._set_up(X)
            kernel_settings = [getattr(learner, name) for name in cls.later_settings]
            groups.setdefault((learner.gamma_, learner.tol, *kernel_settings), []).append(number)
        for numbers in groups.values():
            first = learners[numbers[0]]
            splitting = first._splitting(X)
            kernel = first._kernel(X_new)
            for number in numbers:
                learners[number]._fit_machines(splitting, D)
                decisions = learners[number]._decisions(kernel)
                predictions[number] = learners[number]._couple(decisions)
        return predictions

    def _set_up(self, X: FloatArray) -> None:
        self._check_parameters()
        # Distances are computed as |x|^2 - 2 x.z + |z|^2, which a large common offset drowns.
        self.centre_ = X.mean(axis=0)
        self.gamma_ = self.gamma_factor * kernel_width(X, self.gamma)

    def _splitting(self, X: FloatArray) -> Splitting:
        """Make the kernel of the training rows, and what the machines iterate with."""
        self.features_ = None
        if self.kernel_approximation == "none":
            self.support_ = X - self.centre_
            return prepare(rbf_kernel(self.support_, self.support_, self.gamma_), self.tol)
        kind, components = self.kernel_approximation, self.kernel_components
        self.features_ = fit_features(
            X - self.centre_, kind, self.gamma_, components, self.random_state
        )
        return prepare_features(self._kernel(X), self.tol)

    def _kernel(self, X: FloatArray) -> FloatArray:
        """Return the kernel between rows and the training rows, or the features of the rows."""
        if self.features_ is not None:
            return transformed(self.features_, X - self.centre_)
        return rbf_kernel(X - self.centre_, self.support_, self.gamma_)

    def _fit_machines(self, splitting: Splitting, D: FloatArray) -> None:
        n, at_once = len(D), PAIRS_AT_ONCE
        if splitting.factor is not None:
            at_once = pairs_at_once(n, self.tol)
        n_folds = min(CALIBRATION_FOLDS, n)
        fold = np.random.default_rng(self.random_state).permutation(n) % n_folds
        first, second = np.triu_indices(D.shape[1], k=1)
        columns = n if splitting.factor is None else splitting.factor.shape[1]
        self.beta_, self.bias_ = np.empty((len(first), columns)), np.empty(len(first))
        self.held_out_decisions_ = np.empty((len(first), n))
        self.sigmoids_ = np.empty((len(first), 2))
        self.n_iter_, self.violation_, self.objective_, calibrated = 0, 0.0, 0.0, True
        for begin in range(0, len(first), at_once):
            pairs = slice(begin, begin + at_once)
            positive, negative = D.T[first[pairs]], D.T[second[pairs]]
            bounds = -self.C * negative, self.C * positive
            machines = solve_machines(splitting, *bounds, self.tol, self.max_iter)
            decisions, calibration = hold_out(
                splitting, machines, bounds, fold, self.tol, self.max_iter
            )
            self.beta_[pairs] = splitting.coefficients(machines.beta)
            self.bias_[pairs] = machines.bias
            self.held_out_decisions_[pairs] = decisions
            self.sigmoids_[pairs], optimal = fit_sigmoids(decisions, positive, negative)
            calibrated = calibrated and bool(optimal.all())
            self.objective_ += float(machines.objective.sum())
            for solved in (machines, calibration):
                self.n_iter_ = max(self.n_iter_, int(solved.n_iter.max()))
                self.violation_ = max(self.violation_, float(solved.violation.max()))
        self.converged_ = calibrated and self.violation_ <= self.tol

    def _check_parameters(self) -> None:
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
        check_choice("kernel_approximation", self.kernel_approximation, ("none", *APPROXIMATIONS))
        check_count("kernel_components", self.kernel_components)

    def _decision_values(self, X: FloatArray) -> FloatArray:
        """Return the decision values of all pairs, of shape (n, n_pairs)."""
        return self._decisions(self._kernel(X))

    def _decisions(self, kernel: FloatArray) -> FloatArray:
        return kernel @ self.beta_.T + self.bias_

    def _estimate(self, X: FloatArray) -> FloatArray:
        width = max(self.beta_.shape)
        return np.concatenate([self._couple(self._decision_values(x)) for x in parts(X, width)])

    def _couple(self, decisions: FloatArray) -> FloatArray:
        """Return the distributions of rows, a part of them at a time: c x c numbers a row."""
        return np.concatenate([self._coupled(f) for f in parts(decisions, 4 * self.n_labels_**2)])

    def _coupled(self, decisions: FloatArray) -> FloatArray:
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
