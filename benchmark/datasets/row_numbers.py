"""Finds features that only number the rows: they tell the label of a row in a file sorted by it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UsageError
from benchmark.files.reading import ignoring
from benchmark.wording import cut
from features.arrays import FloatArray

# Names that say by themselves that a column numbers rows, in small letters and without signs;
# unnamed0, level0 and indexlevel0 are what an index without a name is called when it is saved.
_NAME = re.compile(
    r"|id|ids|uid|uuid|guid|pk|idx|index|indices|row|rows|rownames?|line|no|nr|num|number|counter|"
    r"ordinal|serial|serialno|serialnumber|recno|obs|unnamed\d*|level\d|indexlevel\d+|"
    r"编号|番号|序号|行号"
)

# Of these, words that may name a feature.
_ORDINARY = {"index", "line", "no", "nr", "num", "number"}

# Last words that say it of what stands before them, as in row_id, imageIndex and "sample no".
_LAST_WORD = re.compile(r"id|ids|idx|index|no|nr|num|number")
_COUNTED = (
    "row|line|sample|image|img|photo|picture|record|item|instance|example|entry|case|object|obs|"
    "observation|data|subject|patient|user|file|serial|sequence|seq"
)
_ONE_WORD = re.compile(rf"(?:{_COUNTED})(?:{_LAST_WORD.pattern})")

# With fewer rows nearly everything is a sequence of equal steps.
_FEWEST = 5

# How far a value may be from its place in a sequence, in steps: rounded ones are found too.
_NEAR = 0.1

# The first rows tell nearly every other feature from a sequence.
_GLANCE = 64

# So many features are named in a note.
_NAMED = 5


def note_row_numbers(
    where: str, X: FloatArray, names: Sequence[str] | None, may_ignore: bool
) -> list[str]:
    """Find features that only number the rows, by what they hold and by their names.

    Parameters
    ----------
    where : str
        What to call the data in an error.
    X : ndarray of shape (n, q)
        Features.
    names : sequence of str, optional
        One per feature.
    may_ignore : bool
        Whether the option ``--ignore`` leaves out a feature by its name.

    Returns
    -------
    list of str
        Notes on features of which either the values or the name say so.

    Raises
    ------
    UsageError
        Both say so.
    """
    known = names if names is not None and len(names) == X.shape[1] else None
    named = [] if known is None else [k for k, name in enumerate(known) if numbers_rows(name)]
    wanted = np.arange(X.shape[1]) if len(X) >= _FEWEST else np.array(named, dtype=np.intp)
    stepping = _with_equal_steps(X, wanted)
    shuffled = _shuffled(X, wanted) - stepping

    def leave_out(columns: Sequence[int]) -> str:
        them = "it" if len(columns) == 1 else "them"
        if known is None or not may_ignore:
            return f"take {them} out"
        return f"leave {them} out with {' '.join(ignoring(known[k]) for k in columns[:_NAMED])}"

    for k in named:
        if k in stepping | shuffled:
            assert known is not None  # noqa: S101 - it has a name
            raise UsageError(
                f"{where}: column {known[k]!r} only numbers the rows ({_beginning(X[:, k])}) and "
                f"tells their labels where they are sorted; {leave_out([k])}, or give it another "
                f"name if it is a feature"
            )
    by_name = [k for k in named if known is not None and _is_name_of_rows(known[k], X[:, k])]
    notes = []
    for columns, why in (
        (sorted(stepping), "may only number the rows: it goes from row to row by equal steps"),
        (sorted(shuffled), "may only number the rows, in another order"),
        (by_name, "may only name the rows, as its name says"),
    ):
        if columns:
            called = [f"{k} (counted from 0)" if known is None else repr(known[k]) for k in columns]
            noun = "feature" if len(columns) == 1 else f"{len(columns)} features,"
            notes.append(
                f"{noun} {cut(called, _NAMED)} {why} ({_beginning(X[:, columns[0]])}); if so, "
                f"{leave_out(columns)}"
            )
    return notes


def numbers_rows(name: str) -> bool:
    """Tell whether a column's name says that it numbers or names the rows: ``ID``, ``row_no``."""
    text = unicodedata.normalize("NFKC", name)
    if _is_full_name(text) or _ONE_WORD.fullmatch(_letters(text)):
        return True
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", text)
    return len(words) > 1 and _LAST_WORD.fullmatch(words[-1].lower()) is not None


def _is_full_name(text: str) -> bool:
    return _NAME.fullmatch(_letters(unicodedata.normalize("NFKC", text))) is not None


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _is_name_of_rows(name: str, values: NDArray[np.float64]) -> bool:
    """Tell whether a name means the rows: beyond doubt, or with different whole numbers below it.

    "refractive_index" ends like one, too, and "no" is nitric oxide or an answer.
    """
    whole = bool((values == np.round(values)).all())
    if _is_full_name(name) and _letters(name) not in _ORDINARY:
        return True
    return whole and len(np.unique(values)) == len(values)


def _with_equal_steps(X: FloatArray, columns: NDArray[np.intp]) -> set[int]:
    """Find features that go in a straight line from the first row to the last: 0, 1, 2, ..."""
    n = len(X)
    if n < 2:
        return set()
    steps = (X[-1] - X[0]) / (n - 1)

    def follow(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        places = X[0, columns] + np.outer(rows, steps[columns])
        off = np.abs(X[np.ix_(rows, columns)] - places).max(axis=0)
        return columns[off <= _NEAR * np.abs(steps[columns])]

    columns = columns[steps[columns] != 0]
    columns = follow(np.arange(min(n, _GLANCE)), columns)
    return set(follow(np.arange(n), columns).tolist())


def _shuffled(X: FloatArray, columns: NDArray[np.intp]) -> set[int]:
    """Find features with as many different whole numbers as rows, without a gap."""
    if len(X) < 2:
        return set()
    width = X.max(axis=0) - X.min(axis=0)
    return {int(k) for k in columns if width[k] == len(X) - 1 and _no_gap(X[:, k])}


def _no_gap(values: NDArray[np.float64]) -> bool:
    ordered = np.sort(values)
    return bool((np.diff(ordered) == 1).all()) and ordered[0] == np.round(ordered[0])


def _beginning(values: Collection[float]) -> str:
    return ", ".join(f"{value:.15g}" for value in list(values)[:3]) + ", ..."
