"""PT-Bayes: problem transformation into weighted labels, then Bayes' rule with Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.special import log_softmax
from sklearn.base import clone

from baselines.base import LDLEstimator
from baselines.settings import check_number
from baselines.size import cost
from features.arrays import FloatArray

#: Least posterior before normalisation, as in the original code.
MIN_POSTERIOR = 1e-9

#: What leave-one-out chooses the shrinkage from.
SHRINKAGES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)

#: Losses closer than this, relatively, differ by rounding.
EQUAL_LOSS = 1e-12

#: Rows are left out in blocks of so many numbers, which stay in the cache.
BLOCK = 2**15

#: From so many labels on, if they are more than the features, what the model expects of a row is
#: summed over the labels once, and not for every label in its own axes.
MANY_LABELS = 128

#: Principal components named to those whose features are too many: what the paper takes.
LIKELY_COMPONENTS = 280

#: Least part of a determinant that stays when a row is left out: the rest is rounding.
LEAST_LEFT = 1e-12


class PTBayes(LDLEstimator):
    """Bayes' rule on single-label examples, with one Gaussian per label.

    Every (x, d) becomes c examples (x, j) of weight d_j. Label j gets the prior
    sum_n d_nj / n and a Gaussian with the weighted mean and the full weighted covariance S_j of
    its examples (maximum likelihood), and P(j | x) follows from Bayes' rule.

    Departures from the original code (Geng 2016):

    * Examples carry their exact weights, the expectation of its resampling: nothing is drawn.
    * The original adds 1e-14 to the diagonal of S_j. A label with fewer examples than features
      keeps a singular covariance (all its posteriors underflow: uniform predictions on SJAFFE),
      and one with a few times more overfits (on Emotion6 far beyond the uniform distribution).
      Here S_j is replaced by (1 - a) S_j + a S, with S the covariance of the residuals
      x_n - sum_j d_nj mean_j, which the labels share: regularised discriminant analysis (Friedman
      1989). As there, cross-validation chooses a: the value with the least held-out
      cross entropy -sum_j d_j ln p_j, each row being left out of its own prediction, for which one
      fit is enough (see `left_out_joints`). a = 0 is the original
      without its 1e-14, a = 1 gives all labels one covariance. S itself is shrunk towards a
      multiple of the identity by Ledoit and Wolf's (2004) formula, see `shrunk_covariance`.
    * Features are standardised by default. Maximum likelihood does not depend on units, the
      shrinkage of S does, and is right for features of one scale.

    The posterior is floored at 1e-9 and renormalised, as in the original. A label without any
    weight has prior 0 and gets that floor.

    The likelihood of many features is often too sure. With ``power`` below 1 the posterior is the
    prior times the likelihood to that power, which goes to the mean distribution as ``power`` goes
    to 0. 1 is Bayes' rule, the published method.

    Cost: an eigendecomposition (q^3) for each label, and a projection of the rows where
    the shrinkage is to be chosen; meant for some hundred features. Memory: see `peak_memory`; the
    covariances need c q^2 numbers. A fit that needs more than `baselines.size` allows raises
    ValueError before it begins; ``components`` is the way out.

    Parameters
    ----------
    shrinkage : float or None, default None
        a, from 0 to 1; None chooses it. Nothing is random. A covariance left singular (0 and too
        few examples) raises ValueError.
    power : float, default 1.0
        Power of the likelihood, above 0 and at most 1.
    scaling : {"none", "standard", "minmax", "auto"}, default "standard"
        See `baselines.preprocessing.fit_preprocessing`. Principal components are standardised too.
    components : int or None, default None
        Keep so many principal components of the scaled features.

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

    year: ClassVar[int | None] = 2016
    citation: ClassVar[str] = 'Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016'

    #: 24 with the default. "auto", since components of whitened components are any directions.
    search_space = (
        {
            "power": (0.03, 0.1, 0.3, 1.0),
            "scaling": ("auto",),
            "components": (2, 10),
            "shrinkage": (1.0, None),
        },
        {"power": (0.03, 0.1, 0.3, 1.0), "shrinkage": (1.0, None)},
    )
    result_version = 2

    def __init__(
        self,
        shrinkage: float | None = None,
        power: float = 1.0,
        scaling: str = "standard",
        components: int | None = None,
    ):
        self.shrinkage = shrinkage
        self.power = power
        self.scaling = scaling
        self.components = components

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes of a fit.

        q x q: the axes of every label, and a few more while they are found. n x q: the rows centred
        and whitened, and residuals. n x c: the densities of rows left out for all `SHRINKAGES`,
        three times.
        """
        q = self._kept(n_rows, n_features)
        per_row = 4 * q + (3 * len(SHRINKAGES) + 3) * n_labels
        return 8.0 * (q * q * (n_labels + 8) + n_rows * per_row)

    def _kept(self, n_rows: int, n_features: int) -> int:
        components = self.components
        return n_features if components is None else min(components, n_rows, n_features)

    def _memory_advice(self, n_rows: int, n_features: int, n_labels: int) -> str:
        q = self._kept(n_rows, n_features)
        fewer = min(LIKELY_COMPONENTS, q, n_rows)

        def operations(width: int) -> float:
            return n_labels * width**2 * (10.0 * width + 6.0 * n_rows)

        if fewer == q:
            return self.memory_advice
        reduced = clone(self).set_params(components=fewer)
        needed = reduced.peak_memory(n_rows, n_features, n_labels)
        return (
            f"set components={fewer}, so many principal components, which takes "
            f"{cost(needed, operations(fewer))} in place of "
            f"{cost(self.peak_memory(n_rows, n_features, n_labels), operations(q))}"
        )

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._check_parameters()
        gaussians = fit_gaussians(X, D)
        joints = left_out_joints(gaussians, X, D) if self.shrinkage is None else None
        self._settle(gaussians, joints, D)

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Share the Gaussians, and what leave-one-out knows of them."""
        for learner in learners:
            learner._check_parameters()
        gaussians, joints = fit_gaussians(X, D), None
        if any(learner.shrinkage is None for learner in learners):
            joints = left_out_joints(gaussians, X, D)
        for learner in learners:
            learner._settle(gaussians, joints, D)
        shrinkages = tuple(dict.fromkeys(learner.shrinkage_ for learner in learners))
        joint = dict(zip(shrinkages, log_joints(gaussians, X_new, shrinkages), strict=True))
        return [learner._posterior(joint[learner.shrinkage_]) for learner in learners]

    def _check_parameters(self) -> None:
        if self.shrinkage is not None:
            check_number("shrinkage", self.shrinkage, high=1.0, include_high=True)
        check_number("power", self.power, high=1.0, include_low=False, include_high=True)

    def _settle(self, gaussians: Gaussians, joints: FloatArray | None, D: FloatArray) -> None:
        """Take the Gaussians, and choose the shrinkage by the joint densities of rows left out."""
        self.gaussians_ = gaussians
        if self.shrinkage is not None:
            self.shrinkage_ = float(self.shrinkage)
        elif joints is not None:
            self.shrinkage_ = choose_shrinkage(joints, D, self.power)
        self.shared_shrinkage_ = gaussians.shared_shrinkage
        self.prior_ = D.sum(axis=0) / D.sum()
        variances = self.shrinkage_ + (1 - self.shrinkage_) * gaussians.variances
        condition = variances.min(axis=1) / variances.max(axis=1)
        n_features = variances.shape[1]
        if (condition <= n_features * np.finfo(float).eps).any():
            j = int(condition.argmin())
            raise ValueError(
                f"the covariance of label {j} is singular: {np.count_nonzero(D[:, j])} "
                f"examples, {n_features} features; raise shrinkage above {self.shrinkage_}"
            )

    def _predict(self, X: FloatArray) -> FloatArray:
        return self._posterior(log_joints(self.gaussians_, X, (self.shrinkage_,))[0])

    def _posterior(self, log_likelihood: FloatArray) -> FloatArray:
        joint = self.power * log_likelihood + self.gaussians_.log_prior
        posterior = np.maximum(np.exp(log_softmax(joint, axis=1)), MIN_POSTERIOR)
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

    def whitened(self, X: FloatArray) -> FloatArray:
        """Return z of rows."""
        return whiten(self.factor, X - self.centre)


def whiten(factor: FloatArray, centred: FloatArray) -> FloatArray:
    """Return the solutions z of factor z = x for rows x, which are overwritten."""
    z: FloatArray = solve_triangular(
        factor, centred.T, lower=True, overwrite_b=True, check_finite=False
    ).T
    return z


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
    Z, means = whiten(factor, centred), whiten(factor, means)
    variances, axes = np.ones((c, q)), np.tile(np.eye(q), (c, 1, 1))
    residuals = np.empty_like(Z)
    for j in np.flatnonzero(totals):
        np.subtract(Z, means[j], out=residuals)
        residuals *= np.sqrt(D[:, j] / totals[j])[:, None]
        # A product with itself, which takes half the time.
        variances[j], axes[j] = eigh(residuals.T @ residuals, driver="evd", check_finite=False)
    np.maximum(variances, 0.0, out=variances)
    log_prior = np.log(np.maximum(totals / totals.sum(), np.finfo(float).tiny))
    return Gaussians(centre, factor, shared_shrinkage, means, variances, axes, log_prior)


def log_joints(gaussians: Gaussians, X: FloatArray, shrinkages: tuple[float, ...]) -> FloatArray:
    """Return ln p(x | j) up to a constant, of shape (n_shrinkages, n, c)."""
    Z = gaussians.whitened(X)
    joint = np.empty((len(shrinkages), len(X), len(gaussians.means)))
    for j, mean in enumerate(gaussians.means):
        squares = ((Z - mean) @ gaussians.axes[j]) ** 2
        variances = blended(gaussians.variances[j], shrinkages)
        joint[:, :, j] = -0.5 * (squares @ (1.0 / variances) + np.log(variances).sum(axis=0)).T
    return joint


def blended(variances: FloatArray, shrinkages: tuple[float, ...]) -> FloatArray:
    """Return (1 - a) variances + a, of shape (q, n_shrinkages)."""
    a = np.array(shrinkages)
    return np.outer(variances, 1.0 - a) + a


def left_out_joints(gaussians: Gaussians, X: FloatArray, D: FloatArray) -> FloatArray:
    """Return ln p(x_n | j) without row n, for `SHRINKAGES`, of shape (n_shrinkages, n, c).

    With w = d_nj / sum_n d_nj and r = x_n - mean_j, leaving row n out moves the mean to
    x_n - r / (1 - w) and takes w / (1 - w) r r' from S_j; it takes e e' / n from the covariance of
    the residuals e. So the covariance (1 - a) S_j + a S changes by a matrix of rank two, of which
    the quadratic form and the determinant follow from those of r and e (Sherman, Morrison and
    Woodbury). What is neglected is of the order of the row's weight, and the same for all a: the
    means within the other rows' residuals, the common factor of the covariance, the amount of the
    shrinkage of S.
    """
    Z = gaussians.whitened(X)
    totals = D.sum(axis=0)
    a = np.array(SHRINKAGES)
    shared = a * (1.0 - gaussians.shared_shrinkage) / len(X)
    # In memory by labels: sums over labels are then faster.
    joints = np.zeros((D.shape[1], len(a), len(D))).transpose(1, 2, 0)
    expected = D @ gaussians.means if D.shape[1] >= max(MANY_LABELS, Z.shape[1]) else None
    size = max(1, BLOCK // Z.shape[1])
    for j in np.flatnonzero(totals):
        variances = blended(gaussians.variances[j], SHRINKAGES)
        precisions, logs = 1.0 / variances, np.log(variances).sum(axis=0)
        means = gaussians.means @ gaussians.axes[j]
        for start in range(0, len(Z), size):
            rows = slice(start, start + size)
            # A row that has all of a label's weight keeps a little of it.
            w = np.minimum(D[rows, j] / totals[j], 0.999)[:, None]
            along = Z[rows] @ gaussians.axes[j]
            R = along - means[j]
            if expected is None:
                E = along - D[rows] @ means
            else:
                E = along - expected[rows] @ gaussians.axes[j]
            re = (R * E) @ precisions
            rr, ee = np.square(R, out=R) @ precisions, np.square(E, out=E) @ precisions
            own = (1.0 - a) * w / (1.0 - w)
            p, q = 1.0 - own * rr, 1.0 - shared * ee
            left = np.maximum(p * q - own * shared * re * re, LEAST_LEFT)
            form = rr + (own * rr * rr * q + shared * re * re * (p + 2.0 * own * rr)) / left
            joints[:, rows, j] = -0.5 * (form / (1.0 - w) ** 2 + logs + np.log(left)).T
    return joints


def choose_shrinkage(joints: FloatArray, D: FloatArray, power: float = 1.0) -> float:
    """Return the value of `SHRINKAGES` with the least cross entropy of rows left out.

    No x is predicted by itself under another label. The largest of equally good values wins; so
    it does when there is only one row.
    """
    if len(D) == 1:
        return SHRINKAGES[-1]
    prior = np.log(np.maximum(D.sum(axis=0) - D, np.finfo(float).tiny))
    prior = np.asfortranarray(prior)  # by labels as the joints are
    log_p = np.maximum(log_softmax(power * joints + prior, axis=2), np.log(MIN_POSTERIOR))
    loss = -(D * log_p).sum(axis=(1, 2))
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
