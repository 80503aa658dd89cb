"""What happens to features before a learner sees them: scaling, then principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.settings import check_choice, check_count
from features.arrays import FloatArray

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: The scalings by name, with their classes in `sklearn.preprocessing`; ``"none"`` leaves the
#: features as they are, ``"auto"`` chooses.
SCALERS = {"standard": "StandardScaler", "minmax": "MinMaxScaler"}

#: What tells principal components: the rank correlation of a column's variance with its number is
#: at most the first, and the mean squared correlation of two columns at most the second above what
#: so few rows give; and the squared means of the columns, in units of what chance gives so many
#: rows of centred ones, are at most the third.
FALLING, UNCORRELATED, CENTRED = -0.6, 0.01, 5.0


def are_components(X: FloatArray) -> bool:
    """Say whether columns look like principal components: uncorrelated, centred, falling variance.

    Their variances are what they say, which standardising would take away (whitening): noise in
    the last component would count as much as the first. The rows may be a part of those that the
    components were made of. Fewer than three columns with any variance tell nothing.

    Parameters
    ----------
    X : ndarray of shape (n, q)

    Returns
    -------
    bool
    """
    from scipy.stats import spearmanr

    mean = X.mean(axis=0)
    centred = X - mean
    # Units of the largest value, whose squares neither overflow nor vanish; then what is left of
    # an empty component is rounding.
    unit = np.abs(centred).max() or 1.0
    centred /= unit
    variance = (centred * centred).mean(axis=0)
    kept = variance > np.finfo(float).eps ** 2 * variance.max()
    q = int(kept.sum())
    sizes = np.log(variance[kept]).round(6)  # what differs by rounding alone is equal
    if q < 3 or np.ptp(sizes) == 0 or spearmanr(np.arange(q), sizes).statistic > FALLING:
        return False
    n, deviation = len(X), np.sqrt(variance[kept])
    if n * np.square(mean[kept] / unit / deviation).mean() > CENTRED:
        return False
    standard = centred[:, kept] / deviation
    # |Z'Z|_F = |ZZ'|_F: the smaller of the two.
    product = standard @ standard.T if n < q else standard.T @ standard
    squares = (product * product).sum() / n**2 - q
    return bool(squares / (q * (q - 1)) <= UNCORRELATED + 1.0 / n)


def fit_preprocessing(
    X: FloatArray, scaling: str = "none", components: int | None = None
) -> Pipeline | None:
    """Learn the preprocessing of training features.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Training features.
    scaling : {"none", "standard", "minmax", "auto"}
        ``"standard"``: mean 0 and deviation 1; ``"minmax"``: least 0 and greatest 1; constant
        features become 0. ``"auto"``: ``"none"`` for principal components as `are_components`
        tells them, else ``"standard"``.
    components : int, optional
        Then keep so many leading principal components, not whitened; all of them where there are
        fewer. None leaves the features as they are.

    Returns
    -------
    Pipeline or None
        What to transform features with; None where there is nothing to do.

    Raises
    ------
    ValueError
        Another scaling, or fewer than one component.
    """
    check_choice("scaling", scaling, ("none", *SCALERS, "auto"))
    if scaling == "auto":
        scaling = "none" if are_components(X) else "standard"
    if components is None and scaling == "none":
        return None
    # Loaded here, since they load much that learners without preprocessing do without.
    from sklearn import preprocessing
    from sklearn.pipeline import Pipeline

    steps = []
    if scaling != "none":
        steps.append((scaling, getattr(preprocessing, SCALERS[scaling])()))
    if components is not None:
        from sklearn.decomposition import PCA

        check_count("components", components)
        if scaling != "standard":
            # PCA takes the means off the covariance, which a large common offset drowns.
            steps.append(("centred", preprocessing.StandardScaler(with_std=False)))
        # The covariance matrix is the small one of the two only where there are few features.
        solver = "covariance_eigh" if X.shape[1] <= len(X) else "full"
        steps.append(("pca", PCA(min(components, *X.shape), svd_solver=solver)))
    with np.errstate(invalid="ignore"):  # shares of a variance of 0, which nobody asks for
        return Pipeline(steps).fit(X)
