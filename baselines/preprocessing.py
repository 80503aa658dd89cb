"""What happens to features before a learner sees them: scaling, then principal components."""

from __future__ import annotations

from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from baselines.settings import check_choice, check_count
from features.arrays import FloatArray

#: The scalings by name; ``"none"`` leaves the features as they are.
SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


def fit_preprocessing(
    X: FloatArray, scaling: str = "none", components: int | None = None
) -> Pipeline | None:
    """Learn the preprocessing of training features.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Training features.
    scaling : {"none", "standard", "minmax"}
        ``"standard"``: mean 0 and deviation 1; ``"minmax"``: least 0 and greatest 1; constant
        features become 0.
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
    check_choice("scaling", scaling, ("none", *SCALERS))
    steps = []
    if scaling != "none":
        steps.append((scaling, SCALERS[scaling]()))
    if components is not None:
        check_count("components", components)
        steps.append(("pca", PCA(min(components, *X.shape), svd_solver="covariance_eigh")))
    return Pipeline(steps).fit(X) if steps else None
