"""Tuned rows: for each model with a search space a second row, whose settings each fold chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.errors import UsageError
from benchmark.planning.models import Model, Search
from benchmark.planning.protocol import Protocol
from benchmark.plugins.spaces import configurations
from features.names import name_key

#: What stands behind the name of a model in the name of its tuned row.
SUFFIX = " (tuned)"


def tuned_name(model: str) -> str:
    """Return the name of a model's tuned row."""
    return f"{model}{SUFFIX}"


def add_tuned(protocol: Protocol, rows: Sequence[Model]) -> list[Model]:
    """Put behind each model that declares a search space its tuned row.

    Parameters
    ----------
    protocol : Protocol
        Its tuning settings, and the seed that a draw from a large space takes.
    rows : sequence of Model
        The rows of the tables.

    Returns
    -------
    list of Model
        The rows as they are where the protocol does not tune.

    Raises
    ------
    UsageError
        No model has a search space, one is malformed, or a row has the name of a tuned one.
    """
    tuning = protocol.tuning
    if not tuning.tune:
        return list(rows)
    found: list[Model] = []
    for row in rows:
        found.append(row)
        budget = tuning.network_budget if row.is_network else tuning.budget
        if not budget:
            continue
        tried = configurations(row.entry.load(), row.params, budget, protocol.seed)
        if len(tried) > 1:
            most = None if row.is_network else tuning.rows
            search = Search(tuple(tried), tuning.measure, tuning.folds, most)
            found.append(replace(row, name=tuned_name(row.name), search=search))
    if len(found) == len(rows):
        raise UsageError(
            "--tune would change nothing: no model of this run has a search space with other "
            "settings than its own"
        )
    taken = {name_key(row.name) for row in rows}
    for row in found:
        if row.search and name_key(row.name) in taken:
            raise UsageError(f"{row.name!r} is the name of a tuned row; rename the model")
    return found
