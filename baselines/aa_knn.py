"""AA-kNN: the mean distribution of the nearest training instances (Geng 2016, section 3.2)."""

from __future__ import annotations

import warnings

from sklearn.neighbors import NearestNeighbors

from baselines.base import LDLEstimator
from baselines.settings import check_count
from features.arrays import FloatArray


class AAKNN(LDLEstimator):
    """Predict the mean of the k nearest neighbours' distributions, as they are given.

    Parameters
    ----------
    k : int, default 4
        Number of neighbours by Euclidean distance; 4 is the value of Geng (2016). Where there are
        fewer training rows all of them are neighbours, with a warning. Which of equally distant
        rows is the k-th neighbour is the library's choice.
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
        check_count("k", self.k)
        if self.k > len(X):
            warnings.warn(
                f"k = {self.k}, but there are {len(X)} training rows: all are neighbours",
                stacklevel=3,
            )
        # Distances are computed as |x|^2 - 2 x.z + |z|^2, which a large common offset drowns.
        self.centre_ = X.mean(axis=0)
        self.neighbours_ = NearestNeighbors(n_neighbors=min(self.k, len(X))).fit(X - self.centre_)
        self.distributions_ = D.copy()

    def _predict(self, X: FloatArray) -> FloatArray:
        nearest = self.neighbours_.kneighbors(X - self.centre_, return_distance=False)
        return self.distributions_[nearest].mean(axis=1)
