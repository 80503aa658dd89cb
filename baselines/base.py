"""The contract every label distribution learner follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from joblib import hash as hash_of
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import RegressorTags, TargetTags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from baselines.checks import (
    check_distributions,
    check_features,
    check_images,
)
from baselines.early_stopping import kl_divergence
from baselines.preprocessing import fit_preprocessing
from baselines.seen import compare_features, compare_labels, remember
from baselines.size import check_memory
from features.arrays import AnyArray, FloatArray

#: Features beyond this would overflow in sums of squares, of which every learner has some.
LARGEST_FEATURE = 1e100


@dataclass(frozen=True)
class Monitor:
    """What a long `fit` may use; the harness gives an estimator one as its attribute ``monitor``.

    Attributes
    ----------
    folder : Path, optional
        A folder of its own that outlives the process, for checkpoints; None if there is none.
        Whatever lies in it belongs to the same data, settings and seed.
    tell : callable
        Takes a short line about how far the fit is, such as ``epoch 3/20, loss 1.234``.
    """

    folder: Path | None = None
    tell: Callable[[str], None] = lambda _line: None


class LDLEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of every label distribution learner: checks and scales, the subclass learns.

    A subclass assigns its hyper-parameters in ``__init__``, and supplies ``_fit(X, D)``, which
    sets attributes ending in ``_``, and ``_predict(X)``, which returns one distribution per row.
    Both get checked float64 matrices that they must not change. Constructor parameters named
    ``scaling`` and ``components`` make the base preprocess the features, see
    `baselines.preprocessing.fit_preprocessing`.

    Attributes
    ----------
    consumes : {"features", "images", "activations"}
        What the harness passes as ``X``: features (n, q), of an image dataset those of a backbone
        after PCA; images (n, h, w, 3) uint8 on disk, of which ``X[rows]`` reads a batch; or a
        backbone's activations (n, q) before PCA.
    monitor : Monitor
        Where a long fit keeps checkpoints and tells how far it is.
    search_space : mapping or sequence of mappings
        What tuning may choose from: for each parameter its values, **the simplest first** (large
        penalty, many neighbours, few epochs), so that the first value of each together come
        near the mean distribution where the model can express it. Several mappings are searched
        one beside the other. Empty for a learner that is not tuned.
    result_version : int
        Part of the key of stored results: raise it when a change of code changes predictions.
    later_settings : sequence of str
        Settings that the class got after results of it were stored: at their defaults they are no
        part of the key, so that those results are still found.
    year : int, optional
        When the method was published.
    citation : str
        Where: ``Authors, "Title", Venue, Year``; empty where nobody has to be cited.
    memory_advice : str
        What to do where `peak_memory` is more than there may be.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of str
        Names of the columns, where `fit` saw a DataFrame of features; `predict` checks them.
    n_labels_ : int
        Number of labels seen by `fit`.
    label_names_in_ : ndarray of str
        Names of the columns, where `fit` saw a DataFrame of distributions: those of what `predict`
        returns; `score` checks them.
    """

    consumes: ClassVar[str] = "features"
    search_space: ClassVar[Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]] = {}
    result_version: ClassVar[int] = 1
    later_settings: ClassVar[Sequence[str]] = ()
    year: ClassVar[int | None] = None
    citation: ClassVar[str] = ""
    memory_advice: ClassVar[str] = "train on a subset of the rows"
    monitor: Monitor = Monitor()

    n_features_in_: int
    feature_names_in_: AnyArray
    n_labels_: int
    label_names_in_: AnyArray

    # scikit-learn takes each argument that is not called y for one that a pipeline may route.
    __metadata_request__fit: ClassVar[Mapping[str, str]] = {"D": UNUSED}
    __metadata_request__score: ClassVar[Mapping[str, str]] = {"D": UNUSED}

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what this is: a regressor of several numbers, which it needs."""
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags(poor_score=True)  # 0 is the best one
        tags.target_tags = TargetTags(required=True, multi_output=True, single_output=False)
        tags.input_tags.two_d_array = tags.input_tags.sparse = self.consumes != "images"
        return tags

    def fit(self, X: ArrayLike, D: ArrayLike) -> Self:
        """Learn from features and their distributions.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n, q)
            Features; images of shape (n, h, w, 3) where the class consumes images. A sparse matrix
            is made an ordinary one, see `check_features`.
        D : array-like or DataFrame of shape (n, c)
            Description degrees; every row sums to 1.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            `X` or `D` is malformed (see `check_features`, `check_distributions`), `X` has values
            beyond `LARGEST_FEATURE`, a hyper-parameter has no meaning, or the fit needs more memory
            than it may take (see `baselines.size`).
        """
        features, distributions = self._check_training_rows(X, D)
        remember(self, X, D, distributions.shape[1])
        self._check_memory(features, distributions)
        self._fit(self._fit_scaling(features), distributions)
        return self

    def _remember_inputs(self, X: Any, D: FloatArray) -> None:
        """Remember the shapes and names of what a subclass trains on in a way of its own."""
        remember(self, X, D, D.shape[1])

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict one distribution per row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n, q)
            Features, as many as `fit` saw, or images of the size that `fit` saw.

        Returns
        -------
        ndarray of shape (n, c)
            Rows on the simplex; values that are negative by rounding alone are 0.

        Raises
        ------
        ValueError
            `X` is malformed, has another number of features or other names of them than in `fit`,
            or the model returned something that is no distribution.
        NotFittedError
            There was no `fit`.
        """
        check_is_fitted(self, "n_features_in_", msg="%(name)s is not fitted: call fit(X, D) first")
        features = self._check_input(X)
        compare_features(self, X)
        return self._checked(self._predict(self._scaled(features)), len(features))

    def score(self, X: ArrayLike, D: ArrayLike) -> float:
        """Return minus the mean Kullback-Leibler divergence of the predictions from `D`, in nats.

        Higher is better, as scikit-learn's model selection wants it, and 0 is the best. It is minus
        the harness's measure ``kl_divergence``: a predicted share below 1e-10 counts as 1e-10, so
        that it is finite where a prediction has zeros.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n, q)
            As in `predict`.
        D : array-like or DataFrame of shape (n, c)
            The true distributions.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            As in `predict`; or `D` is malformed, or has another number of rows or labels, or other
            names of labels.
        """
        predicted = self.predict(X)
        distributions = check_distributions(D, "D")
        if predicted.shape != distributions.shape:
            raise ValueError(
                f"D has shape {distributions.shape}, but the prediction has {predicted.shape}"
            )
        compare_labels(self, D)
        return -kl_divergence(distributions, predicted)

    def predict_each(
        self,
        configurations: Iterable[Mapping[str, Any]],
        X: ArrayLike,
        D: ArrayLike,
        X_new: ArrayLike,
    ) -> list[FloatArray]:
        """Fit under each of several configurations, and predict the same new rows with each.

        The predictions are those of ``clone(self).set_params(**configuration).fit(X, D)``, to the
        accuracy of the method; what the fits have in common (preprocessing, distances,
        decompositions, the first epochs) is computed once. The learner itself is left as it is.

        Parameters
        ----------
        configurations : iterable of mapping
            Parameters that differ from the learner's own.
        X : array-like, DataFrame or sparse matrix of shape (n, q)
            As in `fit`.
        D : array-like or DataFrame of shape (n, c)
            As in `fit`.
        X_new : array-like, DataFrame or sparse matrix of shape (m, q)
            As `predict` takes them.

        Returns
        -------
        list of ndarray of shape (m, c)
            A prediction for each configuration, in their order.

        Raises
        ------
        ValueError
            As in `fit` and `predict`, for whichever configuration it is.
        """
        learners = [clone(self).set_params(**configuration) for configuration in configurations]
        predictions: list[Any] = [None] * len(learners)
        groups: dict[Any, list[int]] = {}
        for number, learner in enumerate(learners):
            groups.setdefault(learner._preprocessing(), []).append(number)
        features, distributions = self._check_training_rows(X, D)
        new = self._check_input(X_new)
        for numbers in groups.values():
            group = [learners[number] for number in numbers]
            first = group[0]
            for learner in group:
                remember(learner, X, D, distributions.shape[1])
                learner._check_memory(features, distributions)
            compare_features(first, X_new)
            scaled = first._fit_scaling(features)
            for learner in group:
                learner._scaler = first._scaler
            made = self._predict_each(group, scaled, distributions, first._scaled(new))
            if len(made) != len(group):
                raise ValueError(
                    f"_predict_each of {type(self).__name__} returned {len(made)} predictions for "
                    f"{len(group)} learners"
                )
            for number, learner, predicted in zip(numbers, group, made, strict=True):
                predictions[number] = learner._checked(predicted, len(new))
        return predictions

    def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
        """Return a bound on the bytes that a fit takes beside a few copies of its data.

        Of learners that need more than these, as a matrix of all pairs of rows; 0 of others.

        Parameters
        ----------
        n_rows, n_features, n_labels : int
            Size of the training data.
        """
        return 0.0

    def check_size(self, n_rows: int, n_features: int, n_labels: int) -> None:
        """Raise ValueError where `fit` will refuse data of this size, with its cost and advice."""
        size = n_rows, n_features, n_labels
        needed = self.peak_memory(*size)
        check_memory(type(self).__name__, needed, size[:2], n_labels, self._memory_advice(*size))

    def check_data(self, n_features: int, D: FloatArray) -> None:
        """Raise ValueError where `fit` will refuse so many features with these distributions."""
        self.check_size(len(D), n_features, D.shape[1])

    def _check_memory(self, X: Any, D: FloatArray) -> None:
        if self.consumes != "images":
            self.check_data(X.shape[1], D)

    def _memory_advice(self, n_rows: int, n_features: int, n_labels: int) -> str:
        """Return what to do where these sizes need too much, with its cost where that is known."""
        return self.memory_advice

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: FloatArray, D: FloatArray, X_new: FloatArray
    ) -> list[FloatArray]:
        """Do the work of `predict_each` for learners whose preprocessing is the same.

        Parameters
        ----------
        learners : list of LDLEstimator
            Not fitted; they may be fitted or not on return.
        X, D, X_new : ndarray
            Checked and preprocessed, as `_fit` and `_predict` get them.

        Returns
        -------
        list of ndarray
            One prediction for each learner.
        """
        predictions = []
        for learner in learners:
            learner._fit(X, D)
            predictions.append(learner._predict(X_new))
        return predictions

    def _check_input(self, X: Any, largest: float = np.inf) -> Any:
        images = self.consumes == "images"
        return check_images(X) if images else check_features(X, "X", largest)

    def _check_training_rows(self, X: Any, D: Any) -> tuple[Any, FloatArray]:
        if D is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: give "
                f"the distributions D"
            )
        features, distributions = self._check_input(X, LARGEST_FEATURE), check_distributions(D, "D")
        if len(features) != len(distributions):
            raise ValueError(f"X has {len(features)} rows but D has {len(distributions)}")
        return features, distributions

    def _checked(self, predicted: Any, n_rows: int) -> FloatArray:
        """Return the prediction of so many rows, after checking that it is one."""
        name = f"the prediction of {type(self).__name__}"
        expected = (n_rows, self.n_labels_)
        shape = getattr(predicted, "shape", expected)
        if math.prod(shape) <= math.prod(expected):  # a larger one may not fit into memory
            predicted = check_distributions(predicted, name)
        if predicted.shape != expected:
            raise ValueError(f"{name} has shape {predicted.shape}, expected {expected}")
        checked: FloatArray = predicted
        return checked

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        raise TypeError(f"{type(self).__name__} does not define _fit(X, D)")

    def _predict(self, X: FloatArray) -> FloatArray:
        raise TypeError(f"{type(self).__name__} does not define _predict(X)")

    def _preprocessing(self) -> tuple[Any, Any]:
        return getattr(self, "scaling", "none"), getattr(self, "components", None)

    def _fit_scaling(self, X: FloatArray) -> FloatArray:
        """Learn the preprocessing of the training rows, and return them preprocessed."""
        self._scaler = None
        if self.consumes == "images":
            return X
        self._scaler = fit_preprocessing(X, *self._preprocessing())
        return self._scaled(X)

    def _scaled(self, X: FloatArray) -> FloatArray:
        """Return rows preprocessed."""
        return X if self._scaler is None else np.asarray(self._scaler.transform(X))


def alike(learners: Sequence[BaseEstimator], *free: str) -> list[list[int]]:
    """Group learners, by their numbers, whose settings differ in nothing but those named.

    Parameters
    ----------
    learners : sequence of LDLEstimator
    *free : str
        Settings in which learners of a group may differ, since one fit serves all their values.

    Returns
    -------
    list of list of int
        Each learner is in one group; groups in the order of their first.
    """
    groups: dict[str, list[int]] = {}
    for number, learner in enumerate(learners):
        settings = {k: v for k, v in learner.get_params(deep=False).items() if k not in free}
        groups.setdefault(hash_of(settings), []).append(number)
    return list(groups.values())
