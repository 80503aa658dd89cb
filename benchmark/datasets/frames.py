"""Takes names and identifiers out of DataFrames, and one with labels and features apart."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.errors import UsageError
from benchmark.files.reading import make_reading
from benchmark.files.roles import LABEL_PREFIX, find_roles

# Columns of a table -> arguments of `make_dataset`.
_ARGUMENTS = {"group": "groups", "fold": "folds", "split": "split", "raters": "raters"}


@dataclass(frozen=True)
class Framed:
    """What DataFrames tell beside their numbers.

    Attributes
    ----------
    X, D : array-like
        Features and description degrees.
    label_names, feature_names, ids : sequence of str, optional
        Where the frames have them.
    notes : tuple of str
        What was left out.
    """

    X: Any
    D: Any
    label_names: Sequence[str] | None = None
    feature_names: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    notes: tuple[str, ...] = ()


def read_frames(where: str, X: Any, D: Any, more: MutableMapping[str, Any]) -> Framed:
    """Find the names of labels, features and rows; what is no DataFrame has none.

    Parameters
    ----------
    where : str
        What to call the data in an error.
    X, D : array-like or DataFrame
        Features and description degrees; without `D`, one DataFrame `X` has both, in columns as
        those of a CSV file.
    more : mapping
        The other arguments of `make_dataset`. Of one DataFrame ``labels``, ``features`` and
        ``ignore`` tell what its columns are, and go out of the mapping; what its columns tell of
        the rows comes in, unless it is there.

    Raises
    ------
    UsageError
        There are no labels, or the indexes of two frames are not the same.
    """
    if D is None:
        if not hasattr(X, "iloc"):
            raise UsageError(
                f"{where} has no labels: give D, or one DataFrame with columns "
                f"'{LABEL_PREFIX}<name>'"
            )
        return _apart(where, X, more)
    index, first = None, ""
    parts = {"D": D, "X": X, **{name: more.get(name) for name in _ARGUMENTS.values()}}
    for name, part in parts.items():
        found = getattr(part, "index", None) if hasattr(part, "iloc") else None
        if found is None:
            continue
        if index is None:
            index, first = found, name
        if len(found) == len(index) and not found.equals(index):
            row = next(k for k, (a, b) in enumerate(zip(found, index, strict=True)) if a != b)
            raise UsageError(
                f"{where}: the index of {name} is {_said(found[row])} in row {row} (counted from "
                f"0), where that of {first} is {_said(index[row])}; bring them into one order, as "
                f"with {name}.loc[{first}.index]"
            )
    return Framed(X, D, _names(D, LABEL_PREFIX), _names(X), _ids(index))


def _said(label: Any) -> str:
    """Write a value of an index as people write it: 26, not ``np.int64(26)``."""
    return repr(label.item() if hasattr(label, "item") else label)


def _apart(where: str, frame: Any, more: MutableMapping[str, Any]) -> Framed:
    reading = make_reading(**{k: more.pop(k, ()) for k in ("labels", "features", "ignore")})
    roles = find_roles(where, [str(column) for column in frame.columns], reading)
    for fact, column in roles.facts.items():
        more.setdefault(_ARGUMENTS[fact], frame.iloc[:, column].tolist())
    ids = _ids(frame.index) if roles.id is None else frame.iloc[:, roles.id].tolist()
    return Framed(
        frame.iloc[:, list(roles.features)],
        frame.iloc[:, list(roles.labels)],
        roles.label_names,
        roles.feature_names,
        ids,
        roles.notes,
    )


def _names(frame: Any, prefix: str = "") -> list[str] | None:
    """Return the names of columns, unless these are numbered only."""
    columns = list(getattr(frame, "columns", ()))
    if not columns or _is_range(columns):
        return None
    return [str(column).removeprefix(prefix) for column in columns]


def _ids(index: Any) -> list[str] | None:
    return None if index is None or _is_range(index) else [str(label) for label in index]


def _is_range(labels: Any) -> bool:
    values = np.asarray(labels)
    return values.dtype.kind in "iu" and np.array_equal(values, np.arange(len(values)))
