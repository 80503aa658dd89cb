"""All measures by name: the default columns, the further ones, and those that users register."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points

from numpy.typing import ArrayLike

from benchmark.metrics.base import Measure
from benchmark.metrics.calibration import CALIBRATION
from benchmark.metrics.distances import DISTANCES
from benchmark.metrics.ordered import ORDERED
from benchmark.metrics.paper import MEASURES
from benchmark.metrics.ranking import RANKING

#: The measures beside the default columns.
FURTHER: tuple[Measure, ...] = (*DISTANCES, *ORDERED, *RANKING, *CALIBRATION)

#: All that are built in.
ALL_MEASURES: tuple[Measure, ...] = (*MEASURES, *FURTHER)

#: Those by name, the default columns first.
BY_NAME: dict[str, Measure] = {measure.name: measure for measure in ALL_MEASURES}


#: Installed packages offer measures under this entry point group: name = "package.module", or
#: "package.module:function"; the module registers them with `benchmark.register_measure`.
ENTRY_POINT_GROUP = "ldl_benchmark.measures"

#: Those of users, by name: `benchmark.register_measure` puts them here.
REGISTERED: dict[str, Measure] = {}


@cache
def installed_problems() -> list[str]:
    """Have installed packages register their measures, once; say which cannot, in sentences."""
    problems = []
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            point.load()
        except (Exception, SystemExit) as error:  # a broken package may raise anything
            problems.append(
                f"measure {point.name!r} cannot be loaded from {point.value}: "
                f"{type(error).__name__}: {error}"
            )
    return problems


def known_measures() -> dict[str, Measure]:
    """Return every measure by name: built in, then those of installed packages and of users."""
    installed_problems()
    return {**BY_NAME, **REGISTERED}


def named(name: object) -> Measure | None:
    """Find a measure by its name, its title, or the first word of its name if no other has that.

    Case and signs do not matter: ``kl_divergence``, ``KLdiv``, ``KLdiv ↓``, ``KL``, ``accuracy %``.
    """
    if not isinstance(name, str):
        return None
    known = list(known_measures().values())
    for measure in known:
        if _letters(name) in map(_letters, (measure.name, measure.title)):
            return measure
    begun = [m for m in known if _letters(m.name.partition("_")[0]) == _letters(name)]
    return begun[0] if len(begun) == 1 else None


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def counted(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """Return those that count in the mean rank, and in the gap to the oracle.

    Of the default columns the paper's seven; of others, which somebody chose, all.
    """
    shown = tuple(measures)
    return tuple(m for m in shown if m.in_mean_rank) if shown == MEASURES else shown


def scores(D: ArrayLike, P: ArrayLike, measures: Iterable[Measure] = MEASURES) -> dict[str, float]:
    """Score rows in every measure: the mean over them, or the value of the set.

    Parameters
    ----------
    D, P : array-like of shape (n, c)
        True and predicted distributions.
    measures : iterable of Measure
        By default `MEASURES`; `ALL_MEASURES` are all that are built in.

    Returns
    -------
    dict
        Measure name to value, in the order of `measures`; accuracies as shares in [0, 1].

    Raises
    ------
    ValueError
        The shapes differ, are not two-dimensional, or have no rows.
    """
    return {measure.name: measure.mean(D, P) for measure in measures}
