"""Says how two plans differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmark.planning.plan import Plan, Truth
from benchmark.planning.splits import name_split
from benchmark.wording import listed


def other_plan(mine: Plan, its: Plan) -> str:
    """Say how a plan differs from another one; empty if both have the same tasks.

    Parameters
    ----------
    mine : Plan
        What "here" means in the sentence.
    its : Plan
        What "there" means.
    """
    found = []
    for what in ("protocol", "seed"):
        one, two = getattr(mine, what), getattr(its, what)
        if one != two:
            found.append(f"{what} {one} here, {two} there")
    for what, names, others in (
        ("datasets", mine.truths, its.truths),
        ("models", mine.models, its.models),
    ):
        for where, more in (("here", names.keys() - others.keys()),
                            ("there", others.keys() - names.keys())):  # fmt: skip
            if more:
                found.append(f"{what} {listed(sorted(more))} only {where}")
    for name in common(mine, its):
        one, two = mine.truths[name], its.truths[name]
        if one.fingerprint != two.fingerprint:
            found.append(f"other data under the name {name}")
        elif said := other_split(one, two):
            found.append(f"{said} of {name}")
        elif one.folds.version != two.folds.version:
            found.append(f"folds of version {one.folds.version} and {two.folds.version} of {name}")
    found += [f"{name}: {difference}" for name, difference in differing_models(mine, its)]
    if not found and mine.tasks != its.tasks:
        found.append("other tasks")
    return "; ".join(found)


def other_split(mine: Truth, its: Truth) -> str:
    """Say how the splits of a dataset differ; empty where they are the same."""
    one, two = (name_split(truth, truth.folds) for truth in (mine, its))
    if mine.folds.kind != its.folds.kind:
        return f"other splits ({one}, and {two})"
    if not np.array_equal(mine.folds.assignment, its.folds.assignment):
        return "other folds" if one == two else f"other folds ({one}, and {two})"
    apart = [None if folds.groups is None else folds.groups.tolist() for folds in
             (mine.folds, its.folds)]  # fmt: skip
    return "" if apart[0] == apart[1] else "other groups"


def differing_models(mine: Plan, its: Plan) -> Iterator[tuple[str, str]]:
    """Yield models of the same name that were not made in the same way, and what differs."""
    for name in mine.models:
        if name not in its.models:
            continue
        found = list(_compare(mine.models[name], its.models[name]))
        for dataset in common(mine, its):
            keys = [plan.inputs[dataset].get(name) for plan in (mine, its)]
            if None not in keys and keys[0] != keys[1]:
                found.append(f"other features or images of {dataset}")
        if found:
            yield name, ", ".join(found)


def common(mine: Plan, its: Plan) -> list[str]:
    """Return the names of datasets that both have."""
    return [name for name in mine.truths if name in its.truths]


def _compare(mine: Mapping[str, Any], its: Mapping[str, Any]) -> Iterator[str]:
    """Tell what differs between two descriptions of a model."""
    for key in sorted({*mine, *its}):
        one, two = mine.get(key), its.get(key)
        if one == two:
            continue
        if isinstance(one, dict) and isinstance(two, dict):
            yield from _compare(one, two)
        elif key == "source":
            yield "another code"
        else:
            yield f"{key} = {one!r} and {two!r}"
