"""Boosting: gradient boosting with softmax outputs, on the training rows as weighted examples."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from baselines.base import alike
from baselines.settings import check_count, check_number
from baselines.size import check_memory
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

#: Bins of a feature. Every row stands in as many examples as it has labels, so that the time is
#: that of the histograms; more bins gain nothing on sets of a few thousand rows.
BINS = 63


class BoostingLDL(SmoothedLearner):
    """Histogram gradient boosting whose softmax outputs minimise the cross entropy to D.

    Why: boosted trees win most comparisons on tabular data, so that readers ask for them.
    scikit-learn has no boosting for distributions; but with every (x, d) as c examples (x, j) of
    weight d_j, the transformation of PT-Bayes and PT-SVM, the weighted log loss of its classifier
    *is* the cross entropy -sum_ij d_ij ln p_ij, whose minimum is that of the KL divergence. It
    starts at the mean distribution, from which few rounds and a small rate do not lead far. (A
    regressor per label would need log-ratios, which a share of 0 does not have.)

    Parameters
    ----------
    max_iter : int, default 50
        Rounds, each of a tree per label.
    learning_rate : float, default 0.1
        Part of each tree that is added.
    max_leaf_nodes : int, default 8
        Leaves of a tree at most.
    l2 : float, default 1.0
        Penalty on the leaves' values.
    smoothing : float, default 0.01
        Share of the mean training distribution in every prediction.
    scaling : {"none", "standard", "minmax"}, default "none"
        Trees do not see the features' units.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, optional
        Seed of the rows of which the bins are made where there are more than 200,000 examples.

    References
    ----------
    Friedman, "Greedy function approximation", Annals of Statistics 29, 2001; Ke et al., "LightGBM",
    NeurIPS 2017, for the histograms.
    """

    year: ClassVar[int | None] = 2001
    citation: ClassVar[str] = (
        'Friedman, "Greedy function approximation", Annals of Statistics 29, 2001'
    )

    memory_advice: ClassVar[str] = (
        "train on a subset of the rows, or set components; each row stands in as many examples as "
        "it has labels"
    )

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "max_iter": (1, 10, 25, 50),
        "max_leaf_nodes": (4, 8),
        "smoothing": (0.5, 0.1, 0.01),
    }

    def __init__(
        self,
        max_iter: int = 50,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 8,
        l2: float = 1.0,
        smoothing: float = 0.01,
        scaling: str = "none",
        components: int | None = None,
        random_state: int | None = None,
    ):
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.l2 = l2
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.random_state = random_state

    def check_data(self, n_features: int, D: FloatArray) -> None:
        """Raise ValueError where these distributions make too many examples; see `fit`."""
        super().check_data(n_features, D)
        examples, labels = np.count_nonzero(D), np.count_nonzero(D.any(axis=0))
        q = n_features
        if isinstance(self.components, int):  # else it is for `fit` to tell
            q = min(q, self.components)
        # An example has its features, their bins, and for each label score, slope and curvature.
        needed = examples * (9.0 * q + 40.0 * labels) if labels > 1 else 0.0
        size = len(D), n_features
        check_memory(type(self).__name__, needed, size, D.shape[1], self.memory_advice)

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        self._check_settings()
        rows, labels = np.nonzero(D)
        self.labels_, self.n_labels_seen_ = np.unique(labels), D.shape[1]
        self.n_iter_ = self.max_iter
        if len(self.labels_) == 1:  # nothing to tell apart
            return
        per_row = len(rows) / len(X)
        self.trees_ = HistGradientBoostingClassifier(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=max(1, round(min(20, len(X) / 10) * per_row)),
            l2_regularization=self.l2,
            max_bins=BINS,
            early_stopping=False,
            random_state=self.random_state,
        ).fit(X[rows], labels, sample_weight=D[rows, labels])

    def _estimate(self, X: FloatArray) -> FloatArray:
        return self._after(X, [self.max_iter])[0]

    @classmethod
    def _estimates(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Fit once for all numbers of rounds, since the first rounds are the same."""
        for learner in learners:
            learner._check_settings()
        made: list[Any] = [None] * len(learners)
        for numbers in alike(learners, "max_iter", "smoothing"):
            counts = [learners[number].max_iter for number in numbers]
            longest = learners[numbers[counts.index(max(counts))]]
            longest._learn(X, D)
            for number, predicted in zip(numbers, longest._after(X_new, counts), strict=True):
                made[number] = predicted
        return made

    def _check_settings(self) -> None:
        check_count("max_iter", self.max_iter)
        check_number("learning_rate", self.learning_rate, include_low=False)
        check_count("max_leaf_nodes", self.max_leaf_nodes, 2)
        check_number("l2", self.l2)

    def _after(self, X: FloatArray, counts: list[int]) -> list[FloatArray]:
        """Predict as after so many rounds each."""
        P = np.zeros((len(X), self.n_labels_seen_))
        if len(self.labels_) == 1:
            P[:, self.labels_] = 1.0
            return [P] * len(counts)
        after = {}
        for done, shares in enumerate(self.trees_.staged_predict_proba(X), start=1):
            if done in counts:
                after[done] = P.copy()
                after[done][:, self.labels_] = shares
        return [after[count] for count in counts]
