"""PT-Bayes: problem transformation into weighted labels, then Bayes' rule with Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.special import log_softmax

from baselines.base import LDLEstimator
from baselines.settings import check_number
from features.arrays import FloatArray

#: Least posterior before normalisation, as in the original code.
MIN_POSTERIOR = 1e-9

#: What cross-validation chooses the shrinkage from.
SHRINKAGES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)

#: Losses closer than this, relatively, differ by rounding.
EQUAL_LOSS = 1e-12

#: Row n is held out in fold n modulo this.
FOLDS = 5


class PTBayes(LDLEstimator):
    """Bayes' rule on single-label examples, with one Gaussian per label.

    Every (x, d) becomes c examples (x, j) of weight d_j. Label j gets the prior
    sum_n d_nj / n and a Gaussian with the weighted mean and the full weighted covariance S_j of
    its examples (maximum likelihood), and P(j | x) follows from Bayes' rule.

    Departures from the original code (Geng 2016):

    * Examples carry their exact weights, the expectation of its resampling: nothing is drawn.
    * The original adds 1e-14 to the diagonal of S_j. A label with fewer examples than features
      keeps a singular covariance (all its posteriors underflow: uniform predictions on SJAFFE),
      and one with a few times more overfits (KL 7.8 on Emotion6, the uniform distribution has
      0.7). Here S_j is replaced by (1 - a) S_j + a S, with S the covariance of the residuals
      x_n - sum_j d_nj mean_j, which the labels share: regularised discriminant analysis (Friedman
      1989). As there, cross-validation chooses a: the value with the least held-out
      cross entropy -sum_j d_j ln p_j in five folds of the training rows. a = 0 is the original
      without its 1e-14, a = 1 gives all labels one covariance. S itself is shrunk towards a
      multiple of the identity by Ledoit and Wolf's (2004) formula, see `shrunk_covariance`.
    * Features are standardised by default. Maximum likelihood does not depend on units, the
      shrinkage of S does, and is right for features of one scale.

    The posterior is floored at 1e-9 and renormalised, as in the original. A label without any
    weight has prior 0 and gets that floor.

    Cost: an eigendecomposition (q^3) for each label, and six times that with cross-validation;
    meant for some hundred features.

    Parameters
    ----------
    shrinkage : float or None, default None
        a, from 0 to 1; None chooses it by cross-validation, in which row i is in fold i % 5: the
        choice depends on the order of the rows, and nothing is random. A covariance left singular
        (0 and too few examples) raises ValueError.
    scaling : {"none", "standard"}, default "standard"
        Standardise the features.

    Attributes
    ----------
    shrinkage_ : float
        a.
    shared_shrinkage_ : float
        The shrinkage of S towards the identity.
    prior_ : ndarray of shape (c,)
        Mean distribution of the training rows.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016, section 3.1. Friedman,
    "Regularized discriminant analysis", JASA 84, 1989. Ledoit and Wolf, "A well-conditioned
    estimator for large-dimensional covariance matrices", Journal of Multivariate Analysis 88(2),
    2004.
    """

    def __init__(self, shrinkage: float | None = None, scaling: str = "standard"):
        self.shrinkage = shrinkage
        self.scaling = scaling

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        if self.shrinkage is not None:
            check_number("shrinkage", self.shrinkage, high=1.0, include_high=True)
        self.gaussians_ = fit_gaussians(X, D)
        self.shrinkage_ = choose_shrinkage(X, D) if self.shrinkage is None else self.shrinkage
        self.shared_shrinkage_ = self.gaussians_.shared_shrinkage
        self.prior_ = D.sum(axis=0) / D.sum()
        variances = self.shrinkage_ + (1 - self.shrinkage_) * self.gaussians_.variances
        condition = variances.min(axis=1) / variances.max(axis=1)
        if (condition <= X.shape[1] * np.finfo(float).eps).any():
            j = int(condition.argmin())
            raise ValueError(
                f"the covariance of label {j} is singular: {np.count_nonzero(D[:, j])} "
                f"examples, {X.shape[1]} features; raise shrinkage above {self.shrinkage_}"
            )

    def _predict(self, X: FloatArray) -> FloatArray:
        posterior = log_posteriors(self.gaussians_, X, (self.shrinkage_,))[0]
        posterior = np.maximum(np.exp(posterior), MIN_POSTERIOR)
        return posterior / posterior.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Gaussians:
    """A Gaussian per label, in coordinates z = L^-1 (x - centre) with S = L L'.

    There S is the identity, so (1 - a) S_j + a S has the axes of S_j whatever a is, and variances
    (1 - a) variances + a.

    Attributes
    ----------
    centre, factor : ndarray of shape (q,) and (q, q)
        Mean of the rows, and L.
    shared_shrinkage : float
        How far S was shrunk towards the identity.
    means : ndarray of shape (c, q)
        Weighted means in z.
    variances, axes : ndarray of shape (c, q) and (c, q, q)
        Eigenvalues and eigenvectors (columns) of S_j in z.
    log_prior : ndarray of shape (c,)
    """

    centre: FloatArray
    factor: FloatArray
    shared_shrinkage: float
    means: FloatArray
    variances: FloatArray
    axes: FloatArray
    log_prior: FloatArray


def fit_gaussians(X: FloatArray, D: FloatArray) -> Gaussians:
    """Fit the weighted mean and covariance of every label; one without weight is left standard."""
    c, q = D.shape[1], X.shape[1]
    totals = D.sum(axis=0)
    # The mean of a constant feature is exact this way, and what differs by rounding is no variance.
    centre = X[0] + (X - X[0]).mean(axis=0)
    centred = X - centre
    centred[np.abs(centred) <= 4 * np.finfo(float).eps * np.abs(X).max(axis=0)] = 0.0
    means = D.T @ centred / np.where(totals > 0, totals, 1.0)[:, None]
    shared, shared_shrinkage = shrunk_covariance(centred - D @ means)
    factor = cholesky(shared, lower=True)
    Z = solve_triangular(factor, centred.T, lower=True).T
    means = solve_triangular(factor, means.T, lower=True).T
    variances, axes = np.ones((c, q)), np.tile(np.eye(q), (c, 1, 1))
    for j in np.flatnonzero(totals):
        residuals = Z - means[j]
        covariance = (residuals * (D[:, j] / totals[j])[:, None]).T @ residuals
        variances[j], axes[j] = eigh(covariance, driver="evd")
    np.maximum(variances, 0.0, out=variances)
    log_prior = np.log(np.maximum(totals / totals.sum(), np.finfo(float).tiny))
    return Gaussians(centre, factor, shared_shrinkage, means, variances, axes, log_prior)


def log_posteriors(
    gaussians: Gaussians, X: FloatArray, shrinkages: tuple[float, ...]
) -> FloatArray:
    """Return ln P(j | x) by Bayes' rule, of shape (n_shrinkages, n, c)."""
    Z = solve_triangular(gaussians.factor, (X - gaussians.centre).T, lower=True).T
    log_joint = np.empty((len(shrinkages), len(X), len(gaussians.means)))
    for j, mean in enumerate(gaussians.means):
        squares = ((Z - mean) @ gaussians.axes[j]) ** 2
        for k, a in enumerate(shrinkages):
            variances = (1.0 - a) * gaussians.variances[j] + a
            log_joint[k, :, j] = -0.5 * (squares @ (1.0 / variances) + np.log(variances).sum())
    return log_softmax(log_joint + gaussians.log_prior, axis=2)


def choose_shrinkage(X: FloatArray, D: FloatArray) -> float:
    """Return the value of `SHRINKAGES` with the least held-out cross entropy.

    Folds are of rows, so no x is held out under one label and trained on under another. The
    largest of equally good values wins; so it does when there is only one row.
    """
    fold = np.arange(len(X)) % FOLDS
    loss = np.zeros(len(SHRINKAGES))
    for held_out in (fold == k for k in range(min(FOLDS, len(X)))):
        if held_out.all():
            continue
        log_p = log_posteriors(fit_gaussians(X[~held_out], D[~held_out]), X[held_out], SHRINKAGES)
        loss -= (D[held_out] * np.maximum(log_p, np.log(MIN_POSTERIOR))).sum(axis=(1, 2))
    equally_good = loss <= loss.min() * (1 + EQUAL_LOSS)
    return SHRINKAGES[int(np.flatnonzero(equally_good)[-1])]


def shrunk_covariance(residuals: FloatArray) -> tuple[FloatArray, float]:
    """Shrink a covariance towards the identity times its mean variance.

    With S = sum_n r_n r_n' / n and m = tr S / q the result is (1 - a) S + a m I. Ledoit and Wolf
    (2004) choose a = min(1, sum_n |r_n r_n' - S|_F^2 / (n^2 |S - m I|_F^2)), the
    estimated variance of S over its distance to the target. Two opposite residuals make it 0: it
    is at least 1e-6 here, so that the result is regular.

    Parameters
    ----------
    residuals : ndarray of shape (n, q)
        Rows minus their mean.

    Returns
    -------
    covariance : ndarray of shape (q, q)
        The identity where all residuals are zero or their squares underflow.
    shrinkage : float
        a.
    """
    n, q = residuals.shape
    m = (residuals * residuals).sum() / (n * q)
    if m <= 0:
        return np.eye(q), 1.0
    # In units of sqrt(m), where m is 1, the fourth powers below neither overflow nor vanish.
    residuals = residuals / np.sqrt(m)
    S = residuals.T @ residuals / n
    squares = (residuals * residuals).sum(axis=1)
    size = (S * S).sum()
    variance = ((squares * squares).sum() / n - size) / n
    distance = size - q
    shrinkage = float(np.clip(variance / distance, 1e-6, 1.0)) if distance > 0 else 1.0
    covariance = (1.0 - shrinkage) * S
    covariance.flat[:: q + 1] += shrinkage
    return m * covariance, shrinkage
