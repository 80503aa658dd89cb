"""PT-SVM: problem transformation into weighted labels, then a support vector machine per pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.base import LDLEstimator
from baselines.pairwise import couple, fit_sigmoids, pair_probabilities
from baselines.settings import check_count, check_number
from baselines.weighted_svm import Machines, Splitting, prepare, rbf_kernel, solve_machines
from features.arrays import FloatArray

#: Folds behind the decision values that the sigmoids are fitted to, as in LIBSVM.
CALIBRATION_FOLDS = 5

#: Pairs of labels solved together: enough for fast matrix products, few enough for the memory.
PAIRS_AT_ONCE = 32

#: Most bytes that a fit may need, see `peak_memory`.
MAX_MEMORY = 8e9


class PTSVM(LDLEstimator):
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
    * Features are standardised by default, because one gamma must fit all of them; LIBSVM leaves
      scaling to its user.
    * A pair whose held-out decision values rank the wrong way round gets the constant
      probability of its labels' weights, see `fit_sigmoids`.
    * All machines are solved together to ``tol``, see `weighted_svm`. LIBSVM stops at 0.001 in
      the same unit, which takes twice as long on Emotion6. Stopping at 0.01, a hundredth of the
      margin, moves no probability there by more than 0.006, and 0.0002 on average.

    Cost: one n^3 inverse per fit, then a product with an n x n matrix per iteration. Memory:
    see `peak_memory`; 8 GB are enough for 19,000 rows with 8 labels. A fit that needs more raises
    ValueError.

    Parameters
    ----------
    C : float, default 1.0
        Penalty, LIBSVM's default.
    gamma : float or None, default None
        Width of the kernel exp(-gamma |x - z|^2); None is 1 / n_features, LIBSVM's default.
    tol : float, default 0.01
        Largest violation of the optimality conditions, in units of the decision value.
    max_iter : int, default 1000
        Budget of iterations; a machine that spends it shows in ``converged_``.
    scaling : {"none", "standard"}, default "standard"
        Standardise the features.
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

    def __init__(
        self,
        C: float = 1.0,
        gamma: float | None = None,
        tol: float = 0.01,
        max_iter: int = 1000,
        scaling: str = "standard",
        random_state: int | None = None,
    ):
        self.C = C
        self.gamma = gamma
        self.tol = tol
        self.max_iter = max_iter
        self.scaling = scaling
        self.random_state = random_state

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._check_parameters(len(X), X.shape[1], D.shape[1])
        # Distances are computed as |x|^2 - 2 x.z + |z|^2, which a large common offset drowns.
        self.centre_ = X.mean(axis=0)
        self.support_ = X - self.centre_
        self.gamma_ = 1.0 / X.shape[1] if self.gamma is None else float(self.gamma)
        kernel = rbf_kernel(self.support_, self.support_, self.gamma_)
        splitting = prepare(kernel, -self.C * D.T, self.C * D.T, self.tol)
        n_folds = min(CALIBRATION_FOLDS, len(X))
        fold = np.random.default_rng(self.random_state).permutation(len(X)) % n_folds

        first, second = np.triu_indices(D.shape[1], k=1)
        self.beta_, self.bias_ = np.empty((len(first), len(X))), np.empty(len(first))
        self.held_out_decisions_ = np.empty((len(first), len(X)))
        self.sigmoids_ = np.empty((len(first), 2))
        self.n_iter_, self.violation_, self.objective_, calibrated = 0, 0.0, 0.0, True
        for start in range(0, len(first), PAIRS_AT_ONCE):
            pairs = slice(start, start + PAIRS_AT_ONCE)
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
        if self.gamma is not None:
            check_number("gamma", self.gamma, include_low=False)
        check_number("tol", self.tol, include_low=False)
        check_count("max_iter", self.max_iter)
        if self.random_state is not None:
            check_count("random_state", self.random_state, least=0)
        needed = peak_memory(n_rows, n_features, n_labels)
        if needed > MAX_MEMORY:
            raise ValueError(
                f"PT-SVM needs {needed / 1e9:.1f} GB for {n_rows} training rows with "
                f"{n_features} features and {n_labels} labels, its limit is "
                f"{MAX_MEMORY / 1e9:g} GB: train on a subset of the rows"
            )

    def _decision_values(self, X: FloatArray) -> FloatArray:
        """Return the decision values of all pairs, of shape (n, n_pairs)."""
        return rbf_kernel(X - self.centre_, self.support_, self.gamma_) @ self.beta_.T + self.bias_

    def _predict(self, X: FloatArray) -> FloatArray:
        probability = pair_probabilities(self._decision_values(X).T, self.sigmoids_).T
        first, second = np.triu_indices(self.n_labels_, k=1)
        r = np.zeros((len(X), self.n_labels_, self.n_labels_))
        r[:, first, second] = probability
        r[:, second, first] = 1.0 - probability
        return couple(r)


def peak_memory(n_rows: int, n_features: int, n_labels: int) -> float:
    """Return a bound on the bytes that a fit takes, a little above what was measured.

    n x n: the kernel and its inverse, and the inverse again while it is rounded to single
    precision. Pairs x n: 105 arrays for a batch of pairs (21 for each of the five folds'
    machines), two results and a spare for all pairs. Features: scaled, centred and squared.
    """
    pairs = n_labels * (n_labels - 1) // 2
    batch = 115 * min(pairs, PAIRS_AT_ONCE)
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
            np.tile(machines.beta, (n_folds, 1)),
            np.tile(machines.multipliers, (n_folds, 1)),
            np.tile(machines.offset, n_folds),
        ),
    )
    decisions = calibration.beta @ splitting.kernel + calibration.bias[:, None]
    return decisions.reshape(n_folds, m, n)[fold, :, np.arange(n)].T, calibration
