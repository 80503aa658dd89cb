"""PT-SVM: problem transformation into weighted labels, then a support vector machine per pair."""

from __future__ import annotations

import numpy as np

from baselines.base import FloatArray, LDLEstimator
from baselines.pairwise import couple, fit_sigmoids, pair_probabilities
from baselines.weighted_svm import Machines, prepare, rbf_kernel, solve_machines

#: Folds behind the decision values that the sigmoids are fitted to, as in LIBSVM.
CALIBRATION_FOLDS = 5

#: Two n x n matrices of float64 take 6.4 GB at this many rows.
MAX_ROWS = 20_000


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

    Cost: two n x n matrices and one n^3 inverse per fit, then a product with an n x n matrix per
    iteration. More than 20,000 rows raise ValueError rather than exhaust the memory.

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
        self._check_parameters(len(X))
        self.gamma_ = 1.0 / X.shape[1] if self.gamma is None else self.gamma
        first, second = np.triu_indices(D.shape[1], k=1)
        upper, lower = self.C * D.T[first], -self.C * D.T[second]
        splitting = prepare(rbf_kernel(X, X, self.gamma_), lower, upper, self.tol)
        machines = solve_machines(splitting, lower, upper, self.tol, self.max_iter)

        # A row is held out by leaving it no room: lower = upper = 0.
        n_folds = min(CALIBRATION_FOLDS, len(X))
        fold = np.random.default_rng(self.random_state).permutation(len(X)) % n_folds
        held_out = fold == np.arange(n_folds)[:, None]
        kept = np.repeat(~held_out, len(first), axis=0)
        calibration = solve_machines(
            splitting,
            np.tile(lower, (n_folds, 1)) * kept,
            np.tile(upper, (n_folds, 1)) * kept,
            self.tol,
            self.max_iter,
            start=(
                np.tile(machines.beta, (n_folds, 1)),
                np.tile(machines.multipliers, (n_folds, 1)),
                np.tile(machines.offset, n_folds),
            ),
        )
        decisions = calibration.beta @ splitting.kernel + calibration.bias[:, None]
        decisions = decisions.reshape(n_folds, len(first), len(X))
        self.held_out_decisions_ = decisions[fold, :, np.arange(len(X))].T
        self.sigmoids_, calibrated = fit_sigmoids(self.held_out_decisions_, D.T[first], D.T[second])
        self._report([machines, calibration], bool(calibrated.all()))
        self.support_, self.beta_, self.bias_ = X, machines.beta, machines.bias

    def _report(self, solved: list[Machines], calibrated: bool) -> None:
        self.n_iter_ = int(max(machines.n_iter.max() for machines in solved))
        self.violation_ = float(max(machines.violation.max() for machines in solved))
        self.converged_ = calibrated and self.violation_ <= self.tol
        self.objective_ = float(solved[0].objective.sum())

    def _check_parameters(self, n_rows: int) -> None:
        for name in ("C", "gamma", "tol"):
            value = getattr(self, name)
            if not (name == "gamma" and value is None) and not 0 < value < np.inf:
                raise ValueError(f"{name} must be positive and finite, not {value!r}")
        if self.max_iter < 1:
            raise ValueError(f"max_iter must be at least 1, not {self.max_iter!r}")
        if n_rows > MAX_ROWS:
            raise ValueError(
                f"PT-SVM keeps two n x n matrices, {16 * n_rows**2 / 1e9:.0f} GB for the "
                f"{n_rows} training rows; it takes at most {MAX_ROWS} rows: use a subset"
            )

    def _decision_values(self, X: FloatArray) -> FloatArray:
        """Return the decision values of all pairs, of shape (n, n_pairs)."""
        return rbf_kernel(X, self.support_, self.gamma_) @ self.beta_.T + self.bias_

    def _predict(self, X: FloatArray) -> FloatArray:
        probability = pair_probabilities(self._decision_values(X).T, self.sigmoids_).T
        first, second = np.triu_indices(self.n_labels_, k=1)
        r = np.zeros((len(X), self.n_labels_, self.n_labels_))
        r[:, first, second] = probability
        r[:, second, first] = 1.0 - probability
        return couple(r)
