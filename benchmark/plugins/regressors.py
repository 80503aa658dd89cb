"""scikit-learn regressors of the command line, ``package.module:Class``, as models."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from baselines.regressors import check_regressor, from_regressor
from benchmark.errors import UsageError
from benchmark.plugins.configured import class_of, origin
from benchmark.plugins.registry import Entry, add_entry
from benchmark.plugins.undisturbed import undisturbed
from features.names import did_you_mean, name_key

_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class RegressorEntry(Entry):
    """A regressor that can be run; its target is the text of the command line."""

    def load(self) -> type:
        """Import the regressor and return the class of a learner around it, with its defaults."""
        assert isinstance(self.target, str)  # noqa: S101 - see `add_regressors`
        cls = _find(self.target)
        if self.source.startswith("sha256:") and origin(cls) != self.source:
            raise UsageError(f"the code of {self.target} has changed; start Python anew")
        return class_of(from_regressor(cls()), self.name)

    def identified(self) -> Entry:
        """Return the entry itself, since its source tells version or code."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Entry], tuple[Any, ...]]:
        return RegressorEntry, (self.name, self.target, self.file, self.source)


def with_regressors(
    models: Iterable[str], regressors: Iterable[str], every: bool = False
) -> list[str]:
    """Register regressors, and add them to the models that are named.

    Parameters
    ----------
    models : iterable of str
        Names of models.
    regressors : iterable of str
        As `add_regressors` takes them.
    every : bool
        Whether all registered models are run, so that none needs a name.
    """
    named, added = list(models), add_regressors(regressors)
    known = {name_key(name) for name in named}
    return named if every else [*named, *(name for name in added if name_key(name) not in known)]


def add_regressors(targets: Iterable[str]) -> list[str]:
    """Register regressors as models.

    Parameters
    ----------
    targets : iterable of str
        Each ``package.module:Class``. The module is imported; nothing of the text is evaluated.

    Returns
    -------
    list of str
        The names of the models: those of the classes, or ``Class (package.module)`` where another
        model has that.

    Raises
    ------
    UsageError
        There is no such module or class, it is no regressor, it cannot be made without
        arguments, or another model has its name.
    """
    names = []
    for target in dict.fromkeys(targets):
        cls = _find(target)
        try:
            check_regressor(cls())
        except Exception as error:  # a constructor may raise anything
            raise _unusable(target, _why_not(cls, error)) from error
        entry = RegressorEntry(cls.__name__, target, source=origin(cls) or "own")
        try:
            add_entry(entry)
        except UsageError:  # another model has the name, such as Ridge
            entry = replace(entry, name=f"{entry.name} ({target.partition(':')[0]})")
            add_entry(entry)
        names.append(entry.name)
    return names


def _find(target: str) -> type:
    """Import the class that a text names, or say what is wrong with it."""
    if not _FORM.fullmatch(target):
        raise UsageError(
            f"--regressor {target}: write it as module:Class, such as "
            f"sklearn.ensemble:RandomForestRegressor"
        )
    name, _, attribute = target.partition(":")
    try:
        with undisturbed():
            module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not error.name or not f"{name}.".startswith(f"{error.name}."):
            raise _unusable(target, f"{name} cannot be imported: {error}") from error
        raise _unusable(target, f"there is no module {name}{_like(name, error.name)}") from error
    except (Exception, SystemExit) as error:  # a module may raise anything
        why = f"{name} cannot be imported: {type(error).__name__}: {error}"
        raise _unusable(target, why) from error
    cls = getattr(module, attribute, None)
    if cls is None:
        public = [key for key in dir(module) if inspect.isclass(getattr(module, key, None))]
        near = did_you_mean(attribute, public)
        raise _unusable(target, f"module {name} has no class {attribute!r}{near}")
    if not isinstance(cls, type):
        raise _unusable(target, f"{attribute} is no class")
    return cls


def _like(name: str, missing: str) -> str:
    """Suggest a module: the nearest one of the package that there is."""
    parent = missing.rpartition(".")[0]
    try:
        found = importlib.import_module(parent) if parent else None
    except Exception:  # it says nothing about the name
        return ""
    places = getattr(found, "__path__", None)
    names = [
        each.name
        for each in pkgutil.iter_modules(places)
        if not each.name.startswith(("_", "tests"))
    ]
    return did_you_mean(missing, [f"{parent}.{each}" if parent else each for each in names])


def _why_not(cls: type, error: Exception) -> str:
    needed = [] if cls.__init__ is object.__init__ else _needed(cls)  # type: ignore[misc]
    if needed:
        return (
            f"{cls.__name__} cannot be made without arguments ({', '.join(needed)}); "
            f"register it in a plugin: register(NAME, from_regressor({cls.__name__}(..)))"
        )
    if getattr(cls, "_estimator_type", "") == "classifier" or _is_classifier(cls):
        other = cls.__name__.replace("Classifier", "Regressor")
        hint = f"; did you mean {other!r}?" if other != cls.__name__ else ""
        return f"{cls.__name__} is a classifier, a regressor is needed{hint}"
    return str(error)


def _needed(cls: type) -> list[str]:
    try:
        found = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in found if p.default is p.empty and p.kind not in optional]


def _is_classifier(cls: type) -> bool:
    return any(base.__name__ == "ClassifierMixin" for base in cls.__mro__)


def _unusable(target: str, why: str) -> UsageError:
    return UsageError(f"--regressor {target}: {why}")
