"""How a file is to be read: which of its columns or variables are what."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmark.files.contents import plain


@dataclass(frozen=True)
class Reading:
    """What a user says about a file, with names or shell patterns.

    Attributes
    ----------
    labels, features : tuple of str
        The columns of a table with the description degrees and with the features, or the matrices
        of a file of matrices; those of the usual names where there are none.
    ignore : tuple of str
        What is left out.
    normalise : bool
        Whether the description degrees are votes or percentages, and a row is divided by its sum.
    """

    labels: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    normalise: bool = False

    def before(self, other: Reading) -> Reading:
        """Return this, with what another one says where this says nothing."""
        return Reading(
            self.labels or other.labels,
            self.features or other.features,
            self.ignore or other.ignore,
            self.normalise or other.normalise,
        )

    @property
    def patterns(self) -> dict[str, tuple[str, ...]]:
        """The options that name something, to what they name."""
        return {
            "--labels": self.labels,
            "--features": self.features,
            "--ignore": self.ignore,
        }


#: As the file has its usual names.
USUAL = Reading()


def make_reading(
    labels: str | Sequence[str] = (),
    features: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    normalise: bool = False,
) -> Reading:
    """Make a `Reading` of one name or several for each."""
    return Reading(_several(labels), _several(features), _several(ignore), normalise)


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def matching(names: Sequence[str], wanted: str) -> set[int]:
    """Find the columns that a name or a shell pattern means: what is a name is no pattern.

    A column called ``f[1]`` can so be left out without the column ``f1``.
    """
    exactly = {k for k, name in enumerate(names) if name == plain(wanted)}
    return exactly or {k for k, name in enumerate(names) if fnmatchcase(name, wanted)}


def matching_any(names: Sequence[str], patterns: Iterable[str]) -> set[int]:
    """Find the columns that any of some names or patterns mean."""
    return set().union(*(matching(names, wanted) for wanted in patterns))


def option(name: str, value: str) -> str:
    """Write an option with its value, as a shell takes it: ``--labels 'emo_*'``."""
    return f"{name} {shlex.quote(value)}"


def ignoring(name: str) -> str:
    """Write the option that leaves a column out."""
    return option("--ignore", name)


def none_here(names: Sequence[str], patterns: Sequence[str], name: str) -> str:
    """Tell of patterns of an option that mean nothing in a file, in parentheses; else nothing."""
    unused = [wanted for wanted in patterns if not matching(names, wanted)]
    return f" ({option(name, unused[0])} matches none here)" if unused else ""
