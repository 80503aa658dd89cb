"""Makes a class of a learner with settings, since models are registered as classes."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import packages_distributions, version
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.plugins.fingerprint import INSTALLED, class_fingerprint
from benchmark.plugins.session import closure_code, session_fingerprint

#: The packages of this project.
OURS = ("baselines", "benchmark", "ewmtcnn", "features")


def class_of(learner: Any, name: str) -> type:
    """Make a class of which the settings of a learner are the defaults.

    Parameters
    ----------
    learner : LDLEstimator
        Not fitted; such as `baselines.from_regressor` returns.
    name : str
        What the class is called in messages.

    Raises
    ------
    UsageError
        It is no learner that can be cloned.
    """
    from sklearn.base import clone

    try:
        settings = clone(learner).get_params(deep=False)
    except Exception as error:  # a user's object may raise anything
        raise UsageError(
            f"{name!r} cannot be registered: {type(learner).__name__} is no learner "
            f"({type(error).__name__}: {error}); give a class, or a learner with its settings such "
            f"as from_regressor(..) returns"
        ) from error
    base: Any = type(learner)

    def make(self: Any, **given: Any) -> None:
        for key in given:
            if key not in settings:
                raise TypeError(f"{name} has no setting {key!r}")
        own = {key: clone(value, safe=False) for key, value in settings.items()}
        base.__init__(self, **{**own, **given})

    # scikit-learn reads the names of the parameters from the signature.
    parameters = [
        Parameter(key, Parameter.KEYWORD_ONLY, default=value) for key, value in settings.items()
    ]
    make.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
    about = {"__init__": make, "__doc__": _summary(learner), "__module__": base.__module__}
    return type(base.__name__, (base,), {**about, "__qualname__": base.__qualname__})


def with_adapter(learner: Any) -> Any:
    """Put the adapter around a plain regressor of an installed library, and leave all else as is.

    A regressor of somebody's own file may predict distributions by itself, so it is left too; the
    check of its contract tells what to write if it does not.

    Parameters
    ----------
    learner : object
        A class or an instance, of anything.

    Raises
    ------
    UsageError
        It is the class of such a regressor, but cannot be made without arguments.
    """
    # These load much, and models are listed without.
    from sklearn.base import RegressorMixin, is_regressor

    from baselines.base import LDLEstimator
    from baselines.regressors import from_regressor

    if isinstance(learner, type):
        if not issubclass(learner, RegressorMixin) or not _is_foreign(learner):
            return learner
        try:
            return from_regressor(learner())
        except Exception as error:  # a constructor may raise anything
            raise UsageError(
                f"{learner.__name__} cannot be made without settings ({error}); register it with "
                f"them: register(NAME, {learner.__name__}(..))"
            ) from error
    parts = [learner]
    with suppress(Exception):  # a user's object may raise anything
        parts += learner.get_params().values()
        if (
            is_regressor(learner)
            and _is_foreign(type(learner))
            and not any(isinstance(part, LDLEstimator) for part in parts)
        ):
            return from_regressor(learner)
    return learner


def _is_foreign(cls: type) -> bool:
    """Tell whether a class lies among the installed libraries, by its file."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return not INSTALLED.isdisjoint(Path(file).parts)


def code_of(learner: Any) -> str:
    """Identify the code of a learner and of the estimators among its settings, each by `origin`.

    It is not empty, since that stands for built-in models.
    """
    parts = [learner, *learner.get_params().values()]
    kinds = [value if isinstance(value, type) else type(value) for value in parts
             if callable(getattr(value, "get_params", None))]  # fmt: skip
    return " ".join(dict.fromkeys(["session", *map(origin, kinds)])).strip()


def origin(cls: type) -> str:
    """Identify the code of a class: empty for ours, name and version of an installed package.

    Of any other class it is its `class_code`; where that is not known, something new each time.
    """
    top = cls.__module__.partition(".")[0]
    if top in OURS:
        return ""
    if packages := _packages().get(top):
        return f"{packages[0]}=={version(packages[0])}"
    return class_code(cls) or f"unknown:{uuid.uuid4()}"


def class_code(cls: type) -> str:
    """Identify the code of a class by its file or, in a notebook, by its text and what that uses.

    It is empty where the text is not known.
    """
    of_file = class_fingerprint(cls)
    return f"{of_file} {closure_code(cls)}".strip() if of_file else session_fingerprint(cls)


@cache
def _packages() -> Mapping[str, list[str]]:
    return packages_distributions()


def _summary(learner: Any) -> str:
    estimator, output = (getattr(learner, name, None) for name in ("estimator", "output"))
    if estimator is None or output is None:
        return str(type(learner).__doc__ or "").strip().partition("\n")[0]
    kind = type(estimator)
    place = ".".join(part for part in kind.__module__.split(".") if not part.startswith("_"))
    return f"The regressor {place}.{kind.__qualname__}, output {output!r}."
