"""AA-kNN: the mean distribution of the nearest training instances (Geng 2016, section 3.2)."""

from __future__ import annotations

from sklearn.neighbors import NearestNeighbors

from baselines.base import FloatArray, LDLEstimator


class AAKNN(LDLEstimator):
    """Predict the mean of the k nearest neighbours' distributions.

    Parameters
    ----------
    k : int, default 4
        Number of neighbours by Euclidean distance; 4 is the value of Geng (2016). Larger than the
        number of training rows raises ValueError in `fit`.
    scaling : {"none", "standard"}, default "none"
        ``"none"`` as in the original code; standardising changes which rows are near, and helps
        where features have different units.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016.
    """

    def __init__(self, k: int = 4, scaling: str = "none"):
        self.k = k
        self.scaling = scaling

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        if not 1 <= self.k <= len(X):
            raise ValueError(f"k must lie between 1 and the {len(X)} training rows, not {self.k}")
        self.neighbours_ = NearestNeighbors(n_neighbors=self.k).fit(X)
        self.distributions_ = D.copy()

    def _predict(self, X: FloatArray) -> FloatArray:
        nearest = self.neighbours_.kneighbors(X, return_distance=False)
        return self.distributions_[nearest].mean(axis=1)
