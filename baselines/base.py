"""The contract every label distribution learner follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

from baselines.checks import check_distributions, check_features, check_images
from baselines.settings import check_choice
from features.arrays import FloatArray

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
    Both get checked float64 matrices that they must not change. A constructor parameter named
    ``scaling`` makes the base standardise the features: ``"none"``, or ``"standard"`` for
    the training rows' mean 0 and deviation 1 (constant features become 0).

    Attributes
    ----------
    consumes : {"features", "images", "activations"}
        What the harness passes as ``X``: features (n, q), of an image dataset those of a backbone
        after PCA; images (n, h, w, 3) uint8 on disk, of which ``X[rows]`` reads a batch; or a
        backbone's activations (n, q) before PCA.
    monitor : Monitor
        Where a long fit keeps checkpoints and tells how far it is.
    result_version : int
        Part of the key of stored results: raise it when a change of code changes predictions.
    n_features_in_ : int
        Number of features seen by `fit`.
    n_labels_ : int
        Number of labels seen by `fit`.
    """

    consumes: ClassVar[str] = "features"
    result_version: ClassVar[int] = 1
    monitor: Monitor = Monitor()

    n_features_in_: int
    n_labels_: int

    def fit(self, X: ArrayLike, D: ArrayLike) -> Self:
        """Learn from features and their distributions.

        Parameters
        ----------
        X : array-like of shape (n, q)
            Features; images of shape (n, h, w, 3) where the class consumes images.
        D : array-like of shape (n, c)
            Description degrees; every row sums to 1.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            `X` or `D` is malformed (see `check_features`, `check_distributions`), `X` has values
            beyond `LARGEST_FEATURE`, or a hyper-parameter has no meaning.
        """
        features, distributions = self._check_input(X), check_distributions(D, "D")
        if len(features) != len(distributions):
            raise ValueError(f"X has {len(features)} rows but D has {len(distributions)}")
        self.n_features_in_ = int(np.prod(features.shape[1:]))
        self.n_labels_ = distributions.shape[1]
        self._fit(self._fit_scaling(features), distributions)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict one distribution per row.

        Parameters
        ----------
        X : array-like of shape (n, q)
            Features, as many as `fit` saw, or images of the size that `fit` saw.

        Returns
        -------
        ndarray of shape (n, c)
            Rows on the simplex; values that are negative by rounding alone are 0.

        Raises
        ------
        ValueError
            `X` is malformed, has another number of features than in `fit`, or the model returned
            something that is no distribution.
        """
        if not hasattr(self, "n_features_in_"):
            raise ValueError(f"{type(self).__name__} is not fitted: call fit(X, D) first")
        features = self._check_input(X)
        n_features = int(np.prod(features.shape[1:]))
        if n_features != self.n_features_in_:
            raise ValueError(f"X has {n_features} features, but fit saw {self.n_features_in_}")
        name = f"the prediction of {type(self).__name__}"
        predicted = self._predict(self._scale(features))
        expected = (len(features), self.n_labels_)
        shape = getattr(predicted, "shape", expected)
        if math.prod(shape) <= math.prod(expected):  # a larger one may not fit into memory
            predicted = check_distributions(predicted, name)
        if predicted.shape != expected:
            raise ValueError(f"{name} has shape {predicted.shape}, expected {expected}")
        return predicted

    def _check_input(self, X: Any) -> Any:
        return check_images(X) if self.consumes == "images" else check_features(X)

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        raise TypeError(f"{type(self).__name__} does not define _fit(X, D)")

    def _predict(self, X: FloatArray) -> FloatArray:
        raise TypeError(f"{type(self).__name__} does not define _predict(X)")

    def _fit_scaling(self, X: FloatArray) -> FloatArray:
        self._scaler = None
        if self.consumes == "images":
            return X
        scaling = getattr(self, "scaling", "none")
        check_choice("scaling", scaling, ("none", "standard"))
        largest = float(np.abs(X).max())
        if largest > LARGEST_FEATURE:
            raise ValueError(
                f"X has values up to {largest:.3g}, whose squares overflow; "
                f"rescale the features below {LARGEST_FEATURE:g}"
            )
        if scaling == "standard":
            self._scaler = StandardScaler().fit(X)
        return self._scale(X)

    def _scale(self, X: FloatArray) -> FloatArray:
        return X if self._scaler is None else np.asarray(self._scaler.transform(X))
