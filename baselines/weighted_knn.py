"""Weighted-kNN: the mean distribution of the nearest instances, near ones counting more."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from baselines.neighbours import nearest, some_rows
from baselines.settings import check_count
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

#: The least distance that counts, as a share of the farthest neighbour's.
NEAREST = 0.1


class WeightedKNN(SmoothedLearner):
    """Predict the mean of the k nearest neighbours' distributions, weighted by 1 / distance.

    Why: AA-kNN's k = 4 is the value of its paper, and loses to the mean distribution on many sets;
    with more neighbours, weights and standardised features it is what people mean by nearest
    neighbours today. It shows how much of a gain is due to the neighbours alone.

    Parameters
    ----------
    k : int, default 30
        Number of neighbours by Euclidean distance; all rows where there are fewer. One that is
        nearer than a tenth of the k-th counts as if at that distance, so that a row with the same
        features does not count alone.
    smoothing : float, default 0.01
        Share of the mean training distribution in every prediction, so that none is 0 where the
        label occurs at all.
    scaling : {"auto", "none", "standard", "minmax"}, default "auto"
        Since distances see the features' units; but ``"auto"`` leaves principal components as they
        are, of which standardising would make the noise as large as the signal.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    References
    ----------
    Dudani, "The distance-weighted k-nearest-neighbor rule", IEEE Transactions on Systems, Man, and
    Cybernetics 6, 1976.
    """

    year: ClassVar[int | None] = 1976
    citation: ClassVar[str] = (
        'Dudani, "The distance-weighted k-nearest-neighbor rule", IEEE Transactions on Systems, '
        "Man, and Cybernetics 6, 1976"
    )

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "k": (1000, 200, 100, 50, 30, 10),
        "smoothing": (0.1, 0.01),
        "scaling": ("auto", "none"),
    }

    def __init__(
        self,
        k: int = 30,
        smoothing: float = 0.01,
        scaling: str = "auto",
        components: int | None = None,
    ):
        self.k = k
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        check_count("k", self.k)
        # Distances are computed as |x|^2 - 2 x.z + |z|^2, which a large common offset drowns.
        self.centre_ = X.mean(axis=0)
        self.rows_, self.distributions_ = X - self.centre_, D.copy()

    def _estimate(self, X: FloatArray) -> FloatArray:
        return self._of_all(X, [self.k])[0]

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        for learner in learners:
            check_count("k", learner.k)
        if not learners:
            return []
        learners[0]._learn(X, D)  # whose rows serve all
        found: list[FloatArray] = learners[0]._of_all(X_new, [learner.k for learner in learners])
        return found

    def _of_all(self, X: FloatArray, counts: list[int]) -> list[FloatArray]:
        width = min(max(counts), len(self.rows_)) * self.distributions_.shape[1]
        made = [self._of_some(some, counts) for some in some_rows(X, width)]
        return [np.vstack(parts) for parts in zip(*made, strict=True)]

    def _of_some(self, X: FloatArray, counts: list[int]) -> list[FloatArray]:
        """Predict rows with several numbers of neighbours, sorting the distances once."""
        distances = np.asarray(euclidean_distances(X - self.centre_, self.rows_))
        most = min(max(counts), len(self.rows_))
        near = nearest(distances, most)
        lengths = np.take_along_axis(distances, near, axis=1)
        distributions = self.distributions_[near]
        made = []
        for k in counts:
            farthest = lengths[:, :k][:, -1:]
            bounded = np.maximum(lengths[:, :k], NEAREST * farthest)
            weights = 1 / np.where(farthest > 0, bounded, 1.0)
            weights /= weights.sum(axis=1, keepdims=True)
            made.append(np.einsum("nk,nkc->nc", weights, distributions[:, :k]))
        return made
