"""Hyper-parameters: their defaults, their form in the keys of results, and which can be sent."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from benchmark.errors import UsageError
from features.storage.files import canonical_json

#: What models may consume, see `baselines.LDLEstimator`; the last two make a model a network.
CONSUMES = ("features", "images", "activations")


def default_params(cls: type) -> dict[str, Any]:
    """Return the hyper-parameters of a model class and their defaults.

    Raises
    ------
    UsageError
        The class cannot be made without arguments or has no ``get_params``.
    """
    try:
        params: dict[str, Any] = cls().get_params(deep=False)
    except (Exception, SystemExit) as error:  # a user's constructor may raise anything
        raise UsageError(
            f"{cls.__name__} cannot be made with its defaults "
            f"({type(error).__name__}: {error}); give every parameter a default and derive from "
            f"baselines.LDLEstimator"
        ) from error
    return params


def nests(params: Mapping[str, Any]) -> bool:
    """Tell whether a hyper-parameter has hyper-parameters of its own."""
    from sklearn.base import BaseEstimator

    return any(isinstance(value, BaseEstimator) for value in params.values())


def with_settings(
    cls: type, params: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return hyper-parameters with some of them set.

    Parameters
    ----------
    cls : type
        The model class.
    params : mapping
        All its hyper-parameters.
    settings : mapping
        New values; ``estimator__alpha`` is the parameter alpha of the parameter estimator.

    Raises
    ------
    KeyError
        There is no such parameter; its argument is the name.
    """
    own = {key: value for key, value in settings.items() if "__" not in key or key in params}
    nested = {key: value for key, value in settings.items() if key not in own}
    if unknown := [key for key in own if key not in params]:
        raise KeyError(unknown[0])
    changed = {**params, **own}
    if nested:
        from sklearn.base import clone

        learner: Any = cls().set_params(**changed)
        known = learner.get_params()
        if unknown := [key for key in nested if key not in known]:
            raise KeyError(unknown[0])
        changed = clone(learner).set_params(**nested).get_params(deep=False)
    return changed


def check_params(model: str, params: dict[str, Any]) -> None:
    """Refuse hyper-parameters that cannot be sent to a worker process or written into a key.

    Raises
    ------
    UsageError
        A value cannot be pickled; names the model and the parameter.
    """
    import joblib  # as it loads much

    for key, value in params.items():
        try:
            as_json(value)
            ForkingPickler.dumps(joblib.wrap_non_picklable_objects([value]))
        except Exception as error:  # a user's object may raise anything
            raise UsageError(
                f"model {model!r}: the value of {key}, {reprlib.repr(value)}, cannot be pickled "
                f"({type(error).__name__}: {error}); use data, named functions or classes"
            ) from error


def as_json(value: Any) -> Any:
    """Turn a hyper-parameter into a JSON value; different ones give different values.

    An estimator that is not fitted becomes its type and parameters, any other object that JSON has
    no form for its type and a hash of its content.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, dict):
        pairs = [[as_json(key), as_json(item)] for key, item in value.items()]
        return {"type": "dict", "items": sorted(pairs, key=canonical_json)}
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    from sklearn.base import BaseEstimator

    kind = type(value)
    if isinstance(value, BaseEstimator) and not _is_fitted(value):
        own = {name: as_json(item) for name, item in value.get_params(False).items()}
        return {"type": f"{kind.__module__}.{kind.__qualname__}", "params": own}
    import joblib

    return {"type": f"{kind.__module__}.{kind.__qualname__}", "hash": joblib.hash(value)}


def _is_fitted(estimator: Any) -> bool:
    """Tell whether an estimator has attributes that end as scikit-learn's fitted ones do."""
    return any(name.endswith("_") and not name.startswith("_") for name in vars(estimator))
