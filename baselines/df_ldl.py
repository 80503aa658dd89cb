"""DF-LDL: a learner for each order of two labels, chosen among by neighbours (Gonzalez 2021)."""

from __future__ import annotations

from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances

from baselines.base import alike
from baselines.maxent import probabilities
from baselines.neighbours import nearest, some_rows
from baselines.sa_bfgs import SABFGS
from baselines.settings import check_count
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

#: Of each pair of labels (i, j): weights and intercepts learnt from the rows with d_i >= d_j, and
#: from the others.
Models = list[list[tuple[FloatArray, FloatArray]]]


class DFLDL(SmoothedLearner):
    """Decompose by pairs of labels, learn on each part, and fuse by what the neighbours say.

    Decomposition (one against one): for each pair of labels i < j the training rows are parted into
    those with ``d_i >= d_j`` and the others, and SA-BFGS learns whole distributions from each part.
    Fusion: of the two learners of a pair only the competent one is asked for a new row, the first
    where the mean distribution of its k nearest neighbours has ``m_i >= m_j``, else the second; the
    prediction is the mean over all pairs.

    Parameters
    ----------
    k : int, default 5
        Number of neighbours; all rows where there are fewer.
    l2, l2_unit, whiten, max_iter
        As of `baselines.sa_bfgs.SABFGS`, whose defaults these are.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    models_ : list of list of (weights, intercept)
        Of each pair, in the order of `itertools.combinations`; one alone where all rows agree on
        the order of the two.
    n_iter_ : int
        The most iterations of one of the learners.
    converged_ : bool
        Whether all of them converged.
    objective_ : float
        The sum of their objectives.

    Notes
    -----
    The paper tries several base learners; SA-BFGS is that of the implementation in PyLDL, as is
    ``k = 5``. Departures: the base learner has intercepts, see there; a part without rows has no
    learner, and the other of its pair answers (the original fails). Time grows with the square of
    the number of labels.

    References
    ----------
    Gonzalez, Gonzalez-Almagro, Triguero, Cano and Garcia, "Decomposition-Fusion for label
    distribution learning", Information Fusion 66, 2021.
    """

    year: ClassVar[int | None] = 2021
    citation: ClassVar[str] = (
        "Gonzalez, Gonzalez-Almagro, Triguero, Cano and Garcia, "
        '"Decomposition-Fusion for label distribution learning", Information Fusion 66, 2021'
    )

    memory_advice: ClassVar[str] = (
        "join labels, or take SA-BFGS, of which it trains one for each order of two labels"
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "smoothing": (0.9, 0.5, 0.2, 0.05, 0.01),
            "l2": (1.0, 0.1),
            "k": (100, 20),
            "l2_unit": ("data",),
            "whiten": (True,),
            "scaling": ("auto",),
            "components": (20,),
        },
        {
            "smoothing": (0.5, 0.2, 0.05),
            "l2": (0.1,),
            "k": (5,),
            "l2_unit": ("data",),
            "whiten": (True,),
            "scaling": ("auto",),
            "components": (20,),
        },
    )

    def __init__(
        self,
        k: int = 5,
        l2: float = 0.0,
        l2_unit: str = "one",
        whiten: bool = False,
        max_iter: int = 500,
        smoothing: float = 0.0,
        scaling: str = "none",
        components: int | None = None,
    ):
        self.k = k
        self.l2 = l2
        self.l2_unit = l2_unit
        self.whiten = whiten
        self.max_iter = max_iter
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes of a fit: the weights of two learners for each pair."""
        weights = n_labels * (n_labels - 1) * (n_features + 1) * n_labels
        return 8.0 * (weights + 3 * n_rows * (n_features + 4 * n_labels))

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        check_count("k", self.k)
        self._remember(X, D)
        self.models_: Models = []
        self.objective_, self.n_iter_, self.converged_ = 0.0, 0, True
        for i, j in combinations(range(D.shape[1]), 2):
            first = D[:, i] >= D[:, j]
            parts = [part for part in (first, ~first) if part.any()]
            self.models_.append([self._base(X[part], D[part]) for part in parts])

    def _remember(self, X: FloatArray, D: FloatArray) -> None:
        # Distances are computed as |x|^2 - 2 x.z + |z|^2, which a large common offset drowns.
        self.centre_ = X.mean(axis=0)
        self.rows_, self.distributions_ = X - self.centre_, D.copy()

    def _base(self, X: FloatArray, D: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Fit the base learner to a part of the rows."""
        base = SABFGS(
            max_iter=self.max_iter, l2=self.l2, l2_unit=self.l2_unit, whiten=self.whiten
        ).fit(X, D)
        self.objective_ += base.objective_
        self.n_iter_ = max(self.n_iter_, base.n_iter_)
        self.converged_ = self.converged_ and base.converged_
        return base.weights_, base.intercept_

    def _estimate(self, X: FloatArray) -> FloatArray:
        return self._fused(X, _means(self, X, [self.k])[0])

    def _fused(self, X: FloatArray, neighbours: FloatArray) -> FloatArray:
        """Return the mean over pairs of what their competent learners say."""
        total = np.zeros((len(X), self.distributions_.shape[1]))
        pairs = combinations(range(total.shape[1]), 2)
        for (i, j), models in zip(pairs, self.models_, strict=True):
            first = neighbours[:, i] >= neighbours[:, j]
            parts: list[NDArray[np.bool_]] = [first, ~first]
            if len(models) == 1:
                parts = [np.full(len(X), True)]
            for part, (weights, intercept) in zip(parts, models, strict=True):
                total[part] += probabilities(X[part], weights, intercept) if part.any() else 0.0
        return total / len(self.models_)

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Learn the parts once for all numbers of neighbours, and sort the distances once."""
        made: list[Any] = [None] * len(learners)
        for numbers in alike(learners, "k", "smoothing"):
            first = learners[numbers[0]]
            for number in numbers:
                check_count("k", learners[number].k)
            first._learn(X, D)
            means = _means(first, X_new, [learners[number].k for number in numbers])
            for number, mean in zip(numbers, means, strict=True):
                made[number] = first._fused(X_new, mean)
        return made


def _means(learner: DFLDL, X: FloatArray, counts: list[int]) -> list[FloatArray]:
    """Return the mean distributions of so many nearest training rows, for each of the counts."""
    parts = []
    most = min(max(counts), len(learner.rows_))
    for some in some_rows(X, most * learner.distributions_.shape[1]):
        centred = some - learner.centre_
        distances = np.asarray(euclidean_distances(centred, learner.rows_, squared=True))
        found = learner.distributions_[nearest(distances, most)]
        parts.append([found[:, :k].mean(axis=1) for k in counts])
    return [np.vstack(means) for means in zip(*parts, strict=True)]
