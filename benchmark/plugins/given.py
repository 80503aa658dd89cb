"""Models given in Python as they are: classes, configured learners, scikit-learn regressors.

Each becomes a registered model and settings, as a protocol has them, so that its results are those
of the same settings given by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from benchmark.errors import UsageError
from benchmark.plugins import registry
from benchmark.plugins.configured import class_of, with_adapter
from benchmark.plugins.model_names import LONGEST_NAME
from benchmark.plugins.parameters import as_json, default_params
from benchmark.plugins.regressors import add_regressors
from benchmark.plugins.spaces import value_text
from features.storage.files import canonical_json

#: What stands before the settings of the regressor within the adapter.
_INSIDE = "estimator__"

# A key of a row of a protocol, which no setting can have.
_RESERVED = "model"


class Learner(Protocol):
    """What has settings, learns and predicts, as estimators of scikit-learn do."""

    def fit(self, X: Any, D: Any, /) -> Any:
        """Learn from features and distributions."""

    def predict(self, X: Any, /) -> Any:
        """Predict distributions."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings."""


#: One model, and what `benchmark.run` takes as models.
ModelLike = str | Path | type[Any] | Learner
Models = ModelLike | Iterable[ModelLike]


@dataclass(frozen=True)
class Offer:
    """What is to be run.

    Attributes
    ----------
    names : list of str
        Models and rows by name, in the order given.
    rows : dict
        Name of a row to its settings, and ``model``, as a protocol has them.
    """

    names: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def offered(models: Iterable[Any]) -> Iterator[Offer]:
    """Register what is given, as long as the context lasts; names and their order are kept.

    Parameters
    ----------
    models : iterable of str, type or learner

    Yields
    ------
    Offer

    Raises
    ------
    UsageError
        One is no model, or has settings that cannot be told apart.
    """
    offer = Offer()
    with registry.forgotten_afterwards():
        for model in models:
            name, settings = _offer(model)
            if name in offer.names and not isinstance(model, str):
                raise UsageError(
                    f"model {name!r} is named twice; benchmark.register(NAME, learner) gives a "
                    f"learner a name of its own"
                )
            offer.names.append(name)
            if settings:
                offer.rows[name] = settings
        yield offer


def class_of_given(model: Any) -> tuple[str, type]:
    """Return what a model is called, and its class, of which given settings are the defaults.

    Raises
    ------
    UsageError
        It is no model.
    """
    if isinstance(model, str):
        entry = registry.find_model(model)
        return entry.name, entry.load()
    _refuse_no_model(model)
    found = with_adapter(model)
    name = model.__name__ if isinstance(model, type) else type(model).__name__
    return name, found if isinstance(found, type) else class_of(found, name)


def _offer(model: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a row, and its settings where it is no model by itself."""
    if isinstance(model, str):
        return model, {}
    _refuse_no_model(model)
    if isinstance(model, type):
        return _name_of(model), {}
    learner = with_adapter(model)
    inner = getattr(learner, "estimator", None)
    if learner is not model or _is_adapter(learner):
        if not _has_defaults(type(inner)):
            return _whole(learner, _said(inner)), {}
        name = _name_of(type(inner))
        settings = _changed(type(inner), inner, _INSIDE)
        own = {key: value for key, value in learner.get_params(deep=False).items()
               if key != "estimator"}  # fmt: skip
        usual = type(learner)(None).get_params(deep=False)
        settings |= {key: value for key, value in own.items() if not _same(value, usual[key])}
    elif _has_defaults(type(model)) and _RESERVED not in model.get_params(deep=False):
        name = _name_of(type(model))
        settings = _changed(type(model), model)
    else:
        return _whole(learner, _said(model)), {}
    if not settings:
        return name, {}
    return row_name(name, settings), {_RESERVED: name, **settings}


def _whole(learner: Any, name: str) -> str:
    """Register a learner whose class cannot be made without settings, with its own as defaults."""
    name = _free(name, type(learner))
    registry.register(name, learner)
    return name


def _name_of(cls: type) -> str:
    """Return the name of the model that is a class, which is registered unless it is."""
    for entry in registry.models().values():
        if entry.target is cls or registry.offers(entry, cls):
            return entry.name
    if not isinstance(with_adapter(cls), type):  # a plain regressor of an installed library
        return add_regressors([_target(cls)])[0]
    name = _free(cls.__name__, cls)
    registry.register(name, cls)
    return name


def _free(name: str, cls: type) -> str:
    """Return the name, or one that tells the class from a model that has it."""
    taken = registry.find_among(name, registry.models())
    if taken is None or registry.is_same_class(taken, cls):
        return name
    return f"{name} ({'own' if cls.__module__ == '__main__' else cls.__module__})"


def _target(cls: type) -> str:
    """Write where a class is imported from, by the public module if that has it."""
    public = ".".join(part for part in cls.__module__.split(".") if not part.startswith("_"))
    found = getattr(sys.modules.get(public), cls.__name__, None)
    return f"{public if found is cls else cls.__module__}:{cls.__name__}"


def row_name(model: str, settings: Mapping[str, Any]) -> str:
    """Name a row by its model and settings: ``AA-kNN (k=3)``.

    What is too long is cut, and a hash tells the rest.

    Examples
    --------
    >>> row_name("AA-kNN", {"k": 3, "scaling": "standard"})
    'AA-kNN (k=3, scaling=standard)'
    """
    short = {key.removeprefix(_INSIDE) for key in settings}
    clash = len(short) < len(settings)
    parts = [
        f"{key if clash else key.removeprefix(_INSIDE)}={_text(value)}"
        for key, value in settings.items()
    ]
    # One pair of brackets, also behind a name that has some: Ridge (sklearn.linear_model, alpha=3).
    begun = f"{model[:-1]}, " if model.endswith(")") and " (" in model else f"{model} ("
    name = f"{begun}{', '.join(parts)})"
    if len(name) <= LONGEST_NAME and name.isprintable():
        return name
    digest = sha256(canonical_json(as_json(dict(settings))).encode()).hexdigest()[:6]
    shown = "".join(character for character in name if character.isprintable())
    room = LONGEST_NAME - len(digest) - 4
    return f"{shown[:room].rstrip(', ')}... {digest}"


def _text(value: Any) -> str:
    return str(value) if value is None or isinstance(value, bool) else value_text(value)


def _changed(cls: type, learner: Any, prefix: str = "") -> dict[str, Any]:
    """Return the settings that are not the defaults."""
    usual = default_params(cls)
    return {
        f"{prefix}{key}": value
        for key, value in learner.get_params(deep=False).items()
        if not _same(value, usual[key])
    }


def _same(one: Any, two: Any) -> bool:
    return one is two or bool(as_json(one) == as_json(two))


def _has_defaults(cls: type) -> bool:
    """Tell whether a class can be made without settings."""
    try:
        cls()
    except Exception:  # a constructor may raise anything
        return False
    return True


def _is_adapter(learner: Any) -> bool:
    from baselines.regressors import FromRegressor

    return type(learner) is FromRegressor


def _said(learner: Any) -> str:
    """Name a learner made of others: ``StandardScaler + Ridge``, ``GridSearchCV (Ridge)``."""
    steps = getattr(learner, "steps", None)
    if steps:
        return " + ".join(type(step).__name__ for _, step in steps)
    inner = getattr(learner, "estimator", None)
    return type(learner).__name__ + (f" ({_said(inner)})" if inner is not None else "")


def _refuse_no_model(model: Any) -> None:
    methods = ("fit", "predict", "get_params", "set_params")
    missing = [name for name in methods if not callable(getattr(model, name, None))]
    if missing:
        raise UsageError(
            f"{model!r:.100} is no model: give a name, a class or a learner with its settings "
            f"(it has no method {missing[0]}; derive a class from baselines.LDLEstimator)"
        )
