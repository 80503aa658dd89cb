"""What a reader finds in a file, and the sentences that all readers share."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UsageError

#: What a file of matrices calls the names of its labels.
NAMES = "label_names"

# Of a cell in a sentence.
_LONGEST_SHOWN = 60

# What strip() removes, and two characters that are as invisible.
_BLANK = re.compile(r"^[\s\ufeff\u200b]+|[\s\ufeff\u200b]+$")

# Ids are stored side by side, each with the width of the longest.
_LONGEST_ID = 1000


@dataclass(frozen=True)
class Contents:
    """What a file of features and labels holds, as numbers and names; nothing is checked yet.

    Attributes
    ----------
    X, D : ndarray
        Features and description degrees, of any numeric type.
    label_names : tuple of str, optional
        Where the file has them.
    ids : tuple of str, optional
        A name per row as it is written, where the file has them.
    feature_names : tuple of str, optional
        A name per column of `X`; None where the file has a matrix without names.
    columns : tuple of str
        All columns of the file that have a name, those that were left out too.
    facts : dict of str to tuple of str
        What else is known of each row, see `benchmark.files.roles.ROW_FACTS`: a text per row.
    notes : tuple of str
        What a reader of the results should know.
    """

    X: NDArray[Any]
    D: NDArray[Any]
    label_names: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()
    facts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def shown(value: object) -> str:
    """Write a value as it stands in a file, cut where it is long: ``'abc...' (400 characters)``."""
    text = value if isinstance(value, str) else str(value)
    if len(text) <= _LONGEST_SHOWN:
        return repr(value)
    return f"{text[:_LONGEST_SHOWN]!r}... ({len(text):,} characters)"


def as_text(value: Any) -> str:
    """Write a value of a row as text: whole numbers without a point, nothing for no value."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return plain(value.decode(errors="backslashreplace"))
    if isinstance(value, float | np.floating):
        number = float(value)
        return f"{number:.0f}" if abs(number) < 2**53 and number.is_integer() else repr(number)
    return plain(str(value))


def plain(name: str) -> str:
    """Remove blanks around a name."""
    return _BLANK.sub("", name)


def one_line(sentence: str) -> str:
    """Take line ends and other control characters, such as of a damaged name, out of a sentence."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", sentence).strip()


def refuse_large(what: str, values: int, bytes_each: int = 8) -> None:
    """Refuse a matrix that this machine's memory cannot hold.

    Raises
    ------
    UsageError
        It begins with `what`.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if values * bytes_each > memory:
        raise UsageError(
            f"{what} has {values:,} values, which need {values * bytes_each / 2**30:,.1f} GiB of "
            f"memory; this machine has {memory / 2**30:,.1f} GiB"
        )


def checked_ids(path: object, ids: Sequence[str]) -> tuple[str, ...]:
    """Return ids as they are.

    Raises
    ------
    UsageError
        One is longer than any name.
    """
    for row, name in enumerate(ids):
        if len(name) > _LONGEST_ID:
            raise UsageError(
                f"{path}: row {row} (counted from 0) has an id of {len(name):,} characters; an id "
                f"names a row in at most {_LONGEST_ID:,}"
            )
    return tuple(ids)


def vector(path: object, name: str, values: NDArray[Any]) -> tuple[str, ...]:
    """Write the numbers or texts of a vector, one per row.

    Raises
    ------
    UsageError
        It is a matrix.
    """
    if values.size != max(values.shape, default=1):
        raise UsageError(
            f"{path}: {name} has the shape {values.shape}, but needs one value per row"
        )
    return tuple(map(as_text, values.ravel()))
