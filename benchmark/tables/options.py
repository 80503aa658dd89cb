"""How a table is written: for which paper, with which rows, columns and signs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from benchmark.errors import UsageError
from benchmark.metrics import Measure

#: How ranks stand beside values, and what may stand behind a mean.
RANKS = ("none", "parentheses", "superscript")
SPREADS = ("none", "std", "interval")

# More decimals than a double precision number has.
_MOST_DIGITS = 12

# What LaTeX takes in \label and \ref as it is.
_LABEL = re.compile(r"[\w:./+*()\[\]!?;@' -]*", re.ASCII)


@dataclass(frozen=True)
class TableOptions:
    r"""How a table is written; the same for LaTeX, Markdown, HTML, CSV and the terminal.

    Attributes
    ----------
    columns : {2, 1}
        Columns of text on a page of the paper. In a paper of two a table that is wider than a
        column goes over both.
    caption : str
        Instead of the table's own: plain text, of which nothing is taken for markup.
    label : str
        What ``\ref`` calls it; by default ``tab:`` and the name of the table.
    ranks : {"parentheses", "superscript", "none"}
        How the rank among the models stands behind a value.
    measures : tuple of str
        The columns, by names as `benchmark.wording.find_measures` takes them; by default those of
        the run. The mean rank is over them.
    models : tuple of str
        The rows, in this order; by default all. Ranks are among them.
    digits : int
        Decimals of values; those in percent have two fewer.
    percent : bool
        Whether all values that lie between 0 and 1 are in percent, not the accuracies alone.
    spread : {"none", "std", "interval"}
        What stands behind a mean: the deviation over folds, or the bootstrap interval.

    Raises
    ------
    UsageError
        A value is none of these.
    """

    columns: int = 2
    caption: str = ""
    label: str = ""
    ranks: str = "parentheses"
    measures: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    digits: int = 4
    percent: bool = False
    spread: str = "none"

    def __post_init__(self) -> None:
        """Refuse what no table has, and take lists and single names for tuples."""
        for name in ("measures", "models"):
            given = getattr(self, name)
            names = (given,) if isinstance(given, str) else tuple(given or ())
            object.__setattr__(self, name, names)
        known = (("columns", (2, 1)), ("ranks", RANKS), ("spread", SPREADS))
        for name, words in known:
            if getattr(self, name) not in words:
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}; give one of {', '.join(map(str, words))}"
                )
        number = isinstance(self.digits, int) and not isinstance(self.digits, bool)
        if not (number and 0 <= self.digits <= _MOST_DIGITS):
            raise UsageError(
                f"digits is {self.digits!r}; give a whole number from 0 to {_MOST_DIGITS}"
            )
        for name in ("caption", "label"):
            if not isinstance(getattr(self, name) or "", str):
                raise UsageError(f"{name} is {getattr(self, name)!r}; give a text")
            object.__setattr__(self, name, getattr(self, name) or "")
        if self.percent not in (True, False):
            raise UsageError(f"percent is {self.percent!r}; give True or False")
        if not _LABEL.fullmatch(self.label):
            raise UsageError(
                f"the label {self.label!r} has characters that LaTeX does not take there; "
                f"letters, digits and : . - _ / are safe"
            )

    def shown(self, measure: Measure) -> Measure:
        """Return a measure as its values are written: in percent, and with so many decimals."""
        if self.percent and not measure.percent and (measure.low, measure.high) == (0.0, 1.0):
            measure = replace(measure, percent=True, title=f"{measure.title} %")
        return replace(measure, digits=self.digits)


class Look(TypedDict, total=False):
    """The attributes of `TableOptions` as keywords, and ``std``, short for ``spread="std"``."""

    columns: int
    caption: str
    label: str
    ranks: str
    models: str | Sequence[str]
    digits: int
    percent: bool
    spread: str
    std: bool


# All but the text, which is none.
_GRIDS = ("1", "3", "4", "wheel", "tests", "tuned")

#: Which tables have them, where not all do.
TABLES_WITH = {
    "columns": _GRIDS,
    "caption": _GRIDS,
    "label": _GRIDS,
    "ranks": ("3", "4"),
    "models": ("3", "4", "tests", "tuned", "text"),
    "digits": ("3", "4", "tests", "tuned", "wheel", "text"),
    "percent": ("3", "tests", "tuned", "wheel", "text"),
    "spread": ("3", "4"),
    "std": ("3", "4"),
    "interval": ("3", "4"),
    "measures": ("3",),
    "against": ("3",),
    "show": ("3",),
    "measure": ("tests", "text"),
    "datasets": ("1",),
    "data_dir": ("1",),
}


def options_of(given: Mapping[str, Any]) -> TableOptions:
    """Make options of keywords, those of `Look`; others are left aside.

    Raises
    ------
    UsageError
        As `TableOptions`.
    """
    found = {name: given[name] for name in TableOptions.__dataclass_fields__ if name in given}
    found.pop("measures", None)  # chosen where results are read
    if given.get("std"):
        found["spread"] = "std"
    return TableOptions(**found)
