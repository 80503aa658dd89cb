"""Keywords of the public functions: a misspelt one is told with the one that is meant."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from benchmark.errors import UsageError
from features.names import nearest

_P = ParamSpec("_P")
_R = TypeVar("_R")


def spelt(*settings: type) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Make a function refuse keywords that it does not know, with the nearest that it does.

    Parameters
    ----------
    *settings : type
        The typed dictionaries that the function unpacks as keywords, if any.
    """
    further = [name for typed in settings for name in typed.__annotations__]

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        found = signature(function).parameters
        own = [name for name, one in found.items() if one.kind in named and name != "self"]
        known = [*own, *further]

        @wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            refuse_unknown(function.__name__, kwargs, known)
            return function(*args, **kwargs)

        return call

    return decorate


def refuse_unknown(what: str, given: dict[str, Any], known: list[str]) -> None:
    """Refuse a keyword that is not known.

    Raises
    ------
    UsageError
        There is one; says which is meant, or all that there are.
    """
    for name in given:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"{what} has no setting {name!r}; {hint}")
