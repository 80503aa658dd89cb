"""What a fitted model tells of itself: its iterations, whether it converged, its objective.

It is beside the point of a run, so whatever a model says there costs nobody anything: it is a
number that can be stored, or it is left out with a note.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np

from benchmark.running.texts import said

#: Counts beyond this have no exact form in a table; and of a history no more values are kept.
LARGEST_COUNT, LONGEST_HISTORY = 2**53, 100_000


def read_facts(estimator: Any) -> tuple[dict[str, Any], list[str]]:
    """Read ``n_iter_``, ``converged_``, ``objective_`` and ``history_`` of a fitted model.

    Returns
    -------
    facts : dict
        Those that the model has, without the underscore, as plain values.
    notes : list of str
        A sentence for each that is left out.
    """
    facts: dict[str, Any] = {}
    notes = []
    for name, (read, wanted) in _KINDS.items():
        try:
            value = getattr(estimator, f"{name}_", None)
            if value is not None:
                facts[name] = read(value)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # it may be anything
            why = said(error) or type(error).__name__
            notes.append(f"{name}_ is left out, since it is not {wanted}: {why}")
    return facts, notes


def _one(value: Any) -> Any:
    """Return the element of an array that has one, and other values as they are."""
    if isinstance(value, np.ndarray | np.generic):
        if value.size != 1:
            raise TypeError(f"it has {value.size} values")
        value = value.item()
    if isinstance(value, str | bytes | bytearray):
        raise TypeError(f"it is text, {said(value)!r}")
    return value


def _count(value: Any) -> int:
    value = _one(value)
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"it is {value}")
        value = int(value)
    found = operator.index(value)
    if not 0 <= found <= LARGEST_COUNT:
        raise ValueError("it is out of range")
    return int(found)


def _flag(value: Any) -> bool:
    value = _one(value)
    if not isinstance(value, bool | int) or value not in (0, 1):
        raise TypeError("it is neither true nor false")
    return bool(value)


def _number(value: Any) -> float:
    found = float(_one(value))
    if not math.isfinite(found):
        raise ValueError(f"it is {found}")
    return found


def _numbers(values: Iterable[Any]) -> list[float]:
    found = [_number(value) for value in islice(values, LONGEST_HISTORY + 1)]
    if len(found) > LONGEST_HISTORY:
        raise ValueError(f"it has more than {LONGEST_HISTORY:,} values")
    return found


_KINDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "n_iter": (_count, "a whole number of iterations"),
    "converged": (_flag, "true or false"),
    "objective": (_number, "a finite number"),
    "history": (_numbers, "a list of finite numbers"),
}
