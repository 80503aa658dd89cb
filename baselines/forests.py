"""Forest and Extra-trees: many trees, each of whose leaves holds a mean distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from baselines.settings import check_count
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray


class ForestLDL(SmoothedLearner):
    """Random forest of distributions: a leaf predicts the mean distribution of its training rows.

    Why: a forest needs no scaling and hardly any tuning, and is the usual first choice for
    tabular data. A tree parts the rows so that all shares together are as equal as can be, hence
    the mean of its leaves is a distribution without any projection.

    Parameters
    ----------
    n_estimators : int, default 100
        Number of trees.
    min_samples_leaf : int or float, default 5
        Rows that a leaf has at least; a fraction below 1 is of the training rows. With nearly all
        of them a tree is one leaf, the mean distribution (of a bootstrap sample).
    max_features : {"sqrt"} or float, default "sqrt"
        Among how many features each split chooses: so many as the square root of their number, or a
        share of them. Time grows with it, for little on sets of many features.
    smoothing : float, default 0.01
        Share of the mean training distribution in every prediction, so that none is 0 where the
        label occurs at all.
    scaling : {"none", "standard", "minmax"}, default "none"
        Trees do not see the features' units.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, optional
        Seed of samples and splits.

    References
    ----------
    Breiman, "Random forests", Machine Learning 45, 2001.
    """

    year: ClassVar[int | None] = 2001
    citation: ClassVar[str] = 'Breiman, "Random forests", Machine Learning 45, 2001'

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "min_samples_leaf": (0.4, 0.2, 0.1, 0.05, 0.02, 5, 3, 2),
        "smoothing": (0.3, 0.1, 0.01),
    }

    memory_advice: ClassVar[str] = "choose a larger min_samples_leaf, or fewer trees (n_estimators)"

    _regressor: ClassVar[type] = RandomForestRegressor

    def __init__(
        self,
        n_estimators: int = 100,
        min_samples_leaf: int | float = 5,
        max_features: str | float = "sqrt",
        smoothing: float = 0.01,
        scaling: str = "none",
        components: int | None = None,
        random_state: int | None = None,
    ):
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.random_state = random_state

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes of the trees: a distribution and a split for each node."""
        smallest: Any = self.min_samples_leaf
        leaves = 1 / smallest if isinstance(smallest, float) else n_rows / max(smallest, 1)
        return self.n_estimators * 2 * leaves * (8.0 * n_labels + 64)

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        check_count("n_estimators", self.n_estimators)
        self.trees_ = self._regressor(
            self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.random_state,
            n_jobs=1,
        ).fit(X, D)

    def _estimate(self, X: FloatArray) -> FloatArray:
        P: FloatArray = self.trees_.predict(X)
        return P / P.sum(axis=1, keepdims=True)


class ExtraTreesLDL(ForestLDL):
    """Extremely randomised trees of distributions: as a forest, but thresholds are drawn at random.

    Why: it is several times faster than a random forest, since no feature is sorted, and smoother:
    more randomness in each tree makes the mean of many less jagged. On features that are all of the
    same kind, as those of an image, it is often the better of the two.

    Every tree sees all rows, not a bootstrap sample.

    Parameters
    ----------
    n_estimators, min_samples_leaf, max_features, smoothing, scaling, components, random_state
        As of `ForestLDL`, but for ``max_features=0.3``, which costs little here.

    References
    ----------
    Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006.
    """

    year: ClassVar[int | None] = 2006
    citation: ClassVar[str] = (
        'Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006'
    )

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "min_samples_leaf": (0.4, 0.05, 5, 2),
        "max_features": ("sqrt", 0.3),
        "smoothing": (0.3, 0.1, 0.01),
    }

    _regressor: ClassVar[type] = ExtraTreesRegressor

    def __init__(
        self,
        n_estimators: int = 100,
        min_samples_leaf: int | float = 5,
        max_features: str | float = 0.3,
        smoothing: float = 0.01,
        scaling: str = "none",
        components: int | None = None,
        random_state: int | None = None,
    ):
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.random_state = random_state
