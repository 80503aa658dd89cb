"""Any scikit-learn regressor as a learner of distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor
from sklearn.utils import get_tags

from baselines import simplex
from baselines.base import LDLEstimator
from baselines.settings import check_choice
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray

#: How numbers become distributions.
OUTPUTS = ("project", "clip", "softmax")


class FromRegressor(SmoothedLearner):
    """Regress the shares with a scikit-learn regressor, and make distributions of what it predicts.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Not changed: every fit works on a clone. One that predicts a single number learns each label
        by itself, in a `sklearn.multioutput.MultiOutputRegressor`.
    output : {"project", "clip", "softmax"}, default "project"
        ``"project"``: the nearest distribution by Euclidean distance. ``"clip"``: negative values
        become 0, then each row is divided by its sum; a row without a positive value becomes the
        mean training distribution. ``"softmax"``: the regressor learns centred log-ratios of the
        shares (with 0.01 of the uniform distribution mixed in, since 0 has no logarithm), and
        a softmax undoes them. Then no share is 0, but a regressor that sees nothing predicts the
        geometric mean, not the mean distribution.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction. With ``"project"`` and
        ``"clip"`` many shares are exactly 0, which the KL divergence punishes hard; 0.01 helps.
    scaling : {"none", "standard", "minmax"}, default "none"
        A pipeline of scikit-learn does as well, as `estimator`.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, optional
        Given to every ``random_state`` of the regressor, and of what it is made of, that is None.

    Attributes
    ----------
    regressor_ : scikit-learn regressor
        The fitted clone.
    """

    def __init__(
        self,
        estimator: Any,
        output: str = "project",
        smoothing: float = 0.0,
        scaling: str = "none",
        components: int | None = None,
        random_state: int | None = None,
    ):
        self.estimator = estimator
        self.output = output
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.random_state = random_state

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        check_choice("output", self.output, OUTPUTS)
        check_regressor(self.estimator)
        regressor = clone(self.estimator)
        if self.random_state is not None:
            regressor.set_params(**{
                name: self.random_state
                for name, value in regressor.get_params().items()
                if name.rpartition("__")[2] == "random_state" and value is None
            })  # fmt: skip
        if not learns_several(regressor):
            from sklearn.multioutput import MultiOutputRegressor  # a sixth of a run's imports

            regressor = MultiOutputRegressor(regressor)
        targets = simplex.log_ratios(D) if self.output == "softmax" else D.copy()
        self.regressor_ = regressor.fit(X.copy(), targets)

    def _estimate(self, X: FloatArray) -> FloatArray:
        values = np.asarray(self.regressor_.predict(X.copy()), dtype=np.float64)
        if values.shape != (len(X), self.n_labels_) or not np.isfinite(values).all():
            raise ValueError(
                f"{type(self.estimator).__name__} predicted values of shape {values.shape}, or "
                f"some that are not finite; ({len(X)}, {self.n_labels_}) finite numbers are needed"
            )
        if self.output == "softmax":
            return simplex.from_log_ratios(values)
        if self.output == "clip":
            return simplex.clip(values, self.mean_)
        return simplex.project(values)


def from_regressor(estimator: Any, output: str = "project", **settings: Any) -> FromRegressor:
    """Make a learner of distributions of a scikit-learn regressor.

    Parameters
    ----------
    estimator : scikit-learn regressor
        With its settings; not fitted.
    output : {"project", "clip", "softmax"}
        How its numbers become distributions, see `FromRegressor`.
    **settings
        smoothing, scaling, components and random_state, see `FromRegressor`.

    Returns
    -------
    FromRegressor
        Follows the contract: ``fit(X, D)``, and ``predict(X)`` returns rows on the simplex.

    Raises
    ------
    ValueError
        `estimator` is no scikit-learn regressor, or there is no such output.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> learner = from_regressor(Ridge(alpha=10.0), output="clip")
    >>> learner.get_params()["estimator__alpha"]
    10.0
    """
    check_choice("output", output, OUTPUTS)
    check_regressor(estimator)
    return FromRegressor(estimator, output, **settings)


def check_regressor(estimator: Any) -> None:
    """Raise ValueError unless it is a scikit-learn regressor, made and not a class."""
    name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
    if isinstance(estimator, type):
        raise ValueError(f"{name} is a class; give a regressor that is made of it, {name}()")
    if isinstance(estimator, LDLEstimator):
        raise ValueError(f"{name} predicts distributions already, and needs no adapter")
    for method in ("fit", "predict", "get_params", "set_params"):
        if not callable(getattr(estimator, method, None)):
            raise ValueError(f"{name} is no scikit-learn regressor: it has no method {method}")
    if not is_regressor(estimator):
        raise ValueError(
            f"{name} is no scikit-learn regressor: it does not say that it is one "
            f"(sklearn.base.is_regressor); derive it from sklearn.base.RegressorMixin"
        )


def learns_several(regressor: Any) -> bool:
    """Tell whether a regressor learns several targets at once, by what it says of itself."""
    return bool(get_tags(regressor).target_tags.multi_output)
