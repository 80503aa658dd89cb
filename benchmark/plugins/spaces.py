"""Search spaces: what a model class declares that tuning may choose from, as configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid, ParameterSampler

from benchmark.errors import UsageError
from benchmark.plugins.parameters import as_json, check_params
from features.names import did_you_mean
from features.storage.files import canonical_json

#: One way to set a model: parameter -> value.
Configuration = dict[str, Any]

#: Stands for the configuration that changes nothing.
OWN = "as published"


def search_space(cls: type) -> list[Mapping[str, Sequence[Any]]]:
    """Return the mappings of a class's ``search_space``, see `baselines.LDLEstimator`.

    Raises
    ------
    UsageError
        It is neither a mapping nor a sequence of mappings, names a parameter that the class does
        not have, or has no list of values for one.
    """
    declared = getattr(cls, "search_space", ())
    parts = [declared] if isinstance(declared, Mapping) else declared
    if not isinstance(parts, list | tuple) or not all(isinstance(p, Mapping) for p in parts):
        raise _bad(cls, f"must be a mapping or a list of mappings, not {type(declared).__name__}")
    known = cls().get_params(deep=False) if any(parts) else {}
    for part in parts:
        for name, values in part.items():
            if name not in known:
                raise _bad(cls, f"has {name!r}, no parameter{did_you_mean(str(name), known)}")
            if not isinstance(values, list | tuple) or not values:
                raise _bad(cls, f"needs a list of values for {name!r}, not {values!r}")
            check_params(cls.__name__, {name: list(values)})
    return [part for part in parts if part]


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
    grid = [{name: list(values) for name, values in part.items()} for part in space]
    if not grid:
        return
    # The row's own settings may be a point of the grid, or one beside it.
    if len(ParameterGrid(grid)) <= budget:
        yield from ParameterGrid(grid)
        return
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    yield from ParameterSampler(grid, budget, random_state=state)


def complexity(cls: type, own: Mapping[str, Any], configuration: Mapping[str, Any]) -> int:
    """Count how far a configuration is from the simplest: the places of its values in their lists.

    A value that the space does not have, of the row's own settings, counts as the last.
    """
    wanted = {name: canonical_json(as_json(v)) for name, v in {**own, **configuration}.items()}
    places = []
    for part in search_space(cls):
        place = 0
        for name, values in part.items():
            known = [canonical_json(as_json(value)) for value in values]
            place += known.index(wanted[name]) if wanted[name] in known else len(known)
        places.append(place)
    return min(places, default=0)


def settings_text(configuration: Mapping[str, Any]) -> str:
    """Write a configuration: ``l2 = 0.1, scaling = standard``."""
    parts = [f"{name} = {value_text(value)}" for name, value in configuration.items()]
    return ", ".join(parts) or OWN


def value_text(value: Any) -> str:
    """Write the value of a setting: ``none``, ``yes``, ``0.1``, ``standard``."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return value if isinstance(value, str) else canonical_json(as_json(value))
