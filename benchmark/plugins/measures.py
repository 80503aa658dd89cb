"""Measures of users: registered in a session, in a plugin file, or by an installed package."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from benchmark.columns import table3_of
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME, REGISTERED, Measure, MeasureError, pair
from benchmark.plugins.loading import LOADING
from benchmark.plugins.undisturbed import undisturbed
from benchmark.spelling import spelt
from features.arrays import FloatArray

#: By how much of its size a value may be beyond the declared range, for rounding.
SLACK = 1e-9

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_LONGEST_TITLE = 24

Function = TypeVar("Function", bound=Callable[..., Any])


@spelt()
def register_measure(
    name: str,
    *,
    higher_is_better: bool,
    title: str = "",
    range: tuple[float, float | Callable[[int], float]] = (-math.inf, math.inf),  # noqa: A002
    per_row: bool = True,
    best: float | None = None,
) -> Callable[[Function], Function]:
    """Register a function ``(D, P)`` as a measure, as a decorator.

    Parameters
    ----------
    name : str
        Name in files and on the command line: small letters, digits and underscores.
    higher_is_better : bool
        Direction.
    title : str
        Column title, by default the name.
    range : tuple
        Least and largest value; the latter may be a function of the number of labels. Values
        outside are refused.
    per_row : bool
        Whether the function returns one value per row, shape (n,), which does not depend on the
        other rows; else it returns one number for all of them.
    best : float, optional
        The value of a perfect prediction, P = D, if there is one that no prediction is better than.

    Raises
    ------
    UsageError
        One of these cannot be used, or another measure has the name.

    Examples
    --------
    >>> import numpy as np
    >>> from benchmark import register_measure
    >>> @register_measure("largest_error", higher_is_better=False, range=(0, 1))
    ... def largest_error(D, P):
    ...     return np.abs(D - P).max(axis=1)
    """

    def add(function: Function) -> Function:
        loading = LOADING[-1] if LOADING else None
        low, high = _checked_range(name, range)
        measure = Measure(
            name, title or name, _guarded(function, name, low, high, per_row), higher_is_better,
            low=low, high=high, per_row=per_row, best=best,
            origin=loading.file if loading else _module_of(function),
        )  # fmt: skip
        _check(measure)
        taken = known_by_key().get(_key(name))
        if taken and not _same(taken, measure):
            owner = taken.origin or "a built-in measure"
            raise UsageError(f"the name {name!r} of a measure is taken by {owner}; choose another")
        REGISTERED[name] = measure
        return function

    return add


def measures_of(file: str) -> list[Measure]:
    """Return the measures that a plugin file has registered."""
    return [measure for measure in REGISTERED.values() if measure.origin == file]


def forget_measures(file: str) -> None:
    """Forget the measures of a plugin file."""
    for measure in measures_of(file):
        del REGISTERED[measure.name]


def known_by_key() -> dict[str, Measure]:
    """Return every measure by what people tell its name by."""
    return {_key(name): measure for name, measure in {**BY_NAME, **REGISTERED}.items()}


def _key(name: str) -> str:
    return name.replace("_", "")


def _checked_range(name: str, ends: Any) -> tuple[float, float | Callable[[int], float]]:
    try:
        low, high = ends
        largest = high(4) if callable(high) else high
        if float(low) < float(largest):
            return float(low), high if callable(high) else float(high)
    except (TypeError, ValueError):
        pass
    raise UsageError(
        f"measure {name!r}: range must be (least, largest) with the least below the largest, such "
        f"as (0, 1), not {ends!r:.80}"
    )


def _check(measure: Measure) -> None:
    name, title = measure.name, measure.title
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"a measure needs a name of 2 to 40 small letters, digits and underscores, beginning "
            f"with a letter, not {name!r:.100}"
        )
    if name in table3_of(()) or name in ("paper", "all") or re.search("_(std|rank|gap)$", name):
        raise UsageError(
            f"the name {name!r} of a measure stands for another column; choose another"
        )
    if not isinstance(title, str) or not title.isprintable() or len(title) > _LONGEST_TITLE:
        raise UsageError(
            f"measure {name!r}: the title must be printable and have at most {_LONGEST_TITLE} "
            f"characters, not {title!r:.100}"
        )
    if not isinstance(measure.higher_is_better, bool):
        raise UsageError(
            f"measure {name!r}: higher_is_better must be True or False, not "
            f"{measure.higher_is_better!r:.80}"
        )
    if any(title == other.title for other in BY_NAME.values()):
        raise UsageError(f"measure {name!r}: {title!r} is the title of a built-in measure")


def _guarded(
    function: Callable[..., Any],
    name: str,
    low: float,
    high: float | Callable[[int], float],
    per_row: bool,
) -> Callable[[ArrayLike, ArrayLike], FloatArray]:
    """Let a user's function see only copies, and refuse what it does not declare."""

    @functools.wraps(function)
    def guarded(D: ArrayLike, P: ArrayLike) -> FloatArray:
        d, p = (np.array(shares) for shares in pair(D, P))
        for shares in (d, p):
            shares.setflags(write=False)
        with undisturbed():
            returned = function(d, p)
        try:
            values = np.asarray(returned, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise MeasureError(f"it returns {type(returned).__name__}, no numbers") from error
        shape = (len(d),) if per_row else ()
        if values.shape != shape:
            expected = f"one value per row, shape {shape}" if per_row else "one number"
            raise MeasureError(f"it must return {expected}, it returns shape {values.shape}")
        if not np.isfinite(values).all():
            rows = int((~np.isfinite(values)).sum())
            raise MeasureError(f"{rows} of {values.size} values are not finite")
        most = float(high(d.shape[1]) if callable(high) else high)
        slack = SLACK * max(1.0, *(abs(end) for end in (low, most) if math.isfinite(end)), 0.0)
        if (values < low - slack).any() or (values > most + slack).any():
            raise MeasureError(
                f"it declares values from {low:g} to {most:g}, it returns "
                f"{values.min():.6g} to {values.max():.6g}"
            )
        return values

    return guarded


def _module_of(function: Callable[..., Any]) -> str:
    """Say which module defines a function, for people."""
    module = inspect.getmodule(function)
    return getattr(module, "__name__", "") or "this session"


def _same(taken: Measure, measure: Measure) -> bool:
    """Tell whether a measure is one defined anew, as when a notebook's cell is run twice."""
    return taken.name == measure.name and bool(taken.origin) and taken.origin == measure.origin
