"""Search spaces: what a model class declares that tuning may choose from, as configurations."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.errors import UsageError
from benchmark.plugins.parameters import as_json, check_params
from features.names import did_you_mean
from features.storage.files import canonical_json

#: One way to set a model: parameter -> value.
Configuration = dict[str, Any]

#: Stands for the configuration that changes nothing.
OWN = "own settings"

# More combinations than this cannot be numbered; more values of a parameter take long to compare.
_MOST, _MOST_VALUES = sys.maxsize, 10_000


def search_space(cls: type) -> list[dict[str, list[Any]]]:
    """Return the mappings of a class's ``search_space``, see `baselines.LDLEstimator`.

    The values of a parameter may stand in a list, a tuple, a range or a NumPy array of one axis.

    Raises
    ------
    UsageError
        It is neither a mapping nor a sequence of mappings, names a parameter that the class does
        not have, has no list of values for one, or more combinations than can be counted.
    """
    declared = getattr(cls, "search_space", ())
    parts = [declared] if isinstance(declared, Mapping) else declared
    if not isinstance(parts, list | tuple):
        raise _bad(cls, f"must be a mapping or a list of mappings, not {type(declared).__name__}")
    if wrong := [part for part in parts if not isinstance(part, Mapping)]:
        raise _bad(
            cls, f"must be a mapping or a list of mappings, but has {reprlib.repr(wrong[0])} in it"
        )
    known = cls().get_params(deep=False) if any(parts) else {}
    found = [
        {name: _values(cls, name, values, known) for name, values in part.items()}
        for part in parts
        if part
    ]
    if sum(math.prod(map(len, part.values())) for part in found) > _MOST:
        raise _bad(cls, "has more combinations than can be counted; list fewer values")
    return found


def _values(cls: type, name: Any, values: Any, known: Mapping[str, Any]) -> list[Any]:
    """Return the values of a parameter as a list, after checking that they can be tried."""
    if name not in known:
        raise _bad(cls, f"has {name!r}, no parameter{did_you_mean(str(name), known)}")
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    if not isinstance(values, list | tuple | range) or not len(values):
        raise _bad(cls, f"needs a list of values for {name!r}, not {reprlib.repr(values)}")
    if len(values) > _MOST_VALUES:
        raise _bad(cls, f"has {len(values)} values for {name!r}; list at most {_MOST_VALUES}")
    check_params(cls.__name__, {name: list(values)})
    return list(values)


def _bad(cls: type, what: str) -> UsageError:
    return UsageError(f"search_space of {cls.__name__} {what}")


def configurations(
    cls: type, own: Mapping[str, Any], budget: int, seed: int
) -> list[Configuration]:
    """List what tuning tries: the model's own settings, then those of its space.

    Parameters
    ----------
    cls : type
        The model's class.
    own : mapping
        All settings of the row that is tuned; always the first configuration.
    budget : int
        The most configurations. Of a larger space scikit-learn's sampler draws; the simplest
        configuration of each mapping, which is near the mean distribution, is always among them.
    seed : int
        Of the draw.

    Returns
    -------
    list of dict
        Distinct ones; each with the parameters of the space that differ from the row's own. Only
        the row's own where the class has no space.
    """
    space = search_space(cls)
    found: dict[str, Configuration] = {"": {}}
    simplest = [{name: values[0] for name, values in part.items()} for part in space]
    for configuration in [*simplest, *_draw(space, budget, seed)]:
        differing = {
            name: value
            for name, value in configuration.items()
            if name not in own or as_json(value) != as_json(own[name])
        }
        key = canonical_json(as_json(differing)) if differing else ""
        if len(found) < budget:
            found.setdefault(key, differing)
    return list(found.values())


def _draw(
    space: Sequence[Mapping[str, Sequence[Any]]], budget: int, seed: int
) -> Iterator[Configuration]:
    """Yield the whole grid where the budget has room for it, else `budget` of its points."""
    grid = list(space)
    if not grid:
        return
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    # The row's own settings may be a point of the grid, or one beside it.
    if len(ParameterGrid(grid)) <= budget:
        yield from ParameterGrid(grid)
        return
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    yield from ParameterSampler(grid, budget, random_state=state)


def complexities(cls: type, own: Mapping[str, Any], tried: Sequence[Configuration]) -> list[int]:
    """Count how far configurations are from the simplest: the places of values in their lists.

    A value that the space does not have, of the row's own settings, counts as the last.
    """
    parts = [
        {name: [_text(value) for value in values] for name, values in part.items()}
        for part in search_space(cls)
    ]
    found = []
    for configuration in tried:
        wanted = {name: _text(value) for name, value in {**own, **configuration}.items()}
        places = [
            sum(_place(wanted[name], known) for name, known in part.items()) for part in parts
        ]
        found.append(min(places, default=0))
    return found


def _place(wanted: str, known: list[str]) -> int:
    return known.index(wanted) if wanted in known else len(known)


def _text(value: Any) -> str:
    return canonical_json(as_json(value))


def settings_text(configuration: Mapping[str, Any]) -> str:
    """Write a configuration: ``l2 = 0.1, scaling = standard``."""
    parts = [f"{name} = {value_text(value)}" for name, value in configuration.items()]
    return ", ".join(parts) or OWN


def value_text(value: Any) -> str:
    """Write the value of a setting: ``none``, ``yes``, ``0.1``, ``standard``, ``Lasso(..)``."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, str):
        return value
    form = as_json(value)
    if isinstance(form, dict) and "type" in form and form.keys() & {"params", "hash"}:
        # An estimator, or an object that JSON has no form for.
        inside = settings_text(form["params"]) if form.get("params") else form.get("hash", "")[:8]
        return f"{str(form['type']).rpartition('.')[2]}({inside})"
    return canonical_json(form)
