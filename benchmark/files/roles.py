"""Which columns of a table are labels, which one names the rows, and which are features."""

from __future__ import annotations

import math
import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from benchmark.errors import UsageError
from benchmark.files.contents import plain, shown

#: A column with this prefix holds the description degrees of the label named after it.
LABEL_PREFIX = "label:"
ID_COLUMN = "id"

#: Columns of what else is known of each row, see `benchmark.datasets.row_facts`.
ROW_FACTS = ("group", "fold", "split", "raters")

# What stands where there is no value, in small letters.
_MISSING = {"", "-", "?", "<na>", "n/a", "na", "nan", "none", "null"}


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for, by their position.

    Attributes
    ----------
    names : tuple of str
        Of all columns, without blanks around them; ``Unnamed: 3`` for one without a name.
    labels, features : tuple of int
        Their columns.
    id : int, optional
        The column that names the rows.
    facts : dict
        Those of `ROW_FACTS` that are there, to their columns.
    unused : tuple of str
        What was to be left out and is not there.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    features: tuple[int, ...]
    id: int | None
    facts: dict[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels."""
        return tuple(plain(self.names[k].removeprefix(LABEL_PREFIX)) for k in self.labels)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features."""
        return tuple(self.names[k] for k in self.features)


def matching(names: Sequence[str], wanted: str) -> set[int]:
    """Find the columns that a name or a shell pattern means: what is a name is no pattern.

    A column called ``f[1]`` can so be left out without the column ``f1``.
    """
    exactly = {k for k, name in enumerate(names) if name == plain(wanted)}
    return exactly or {k for k, name in enumerate(names) if fnmatchcase(name, wanted)}


def is_missing(cell: object) -> bool:
    """Tell whether a cell stands for no value."""
    return cell is None or str(cell).strip().lower() in _MISSING


def ignoring(name: str) -> str:
    """Write the option that leaves a column out, as a shell takes it."""
    return f"--ignore {shlex.quote(name)}"


def ignored_note(names: Iterable[str], ignore: Iterable[str]) -> list[str]:
    """Tell which columns were left out as the user asked, if any."""
    names = list(names)
    left_out = sorted(set().union(*(matching(names, wanted) for wanted in ignore)))
    return [f"left out with --ignore: {', '.join(names[k] for k in left_out)}"] if left_out else []


def find_roles(path: object, header: Sequence[str], ignore: Iterable[str] = ()) -> Roles:
    """Tell what each column of a table is for, by its name.

    Parameters
    ----------
    path : object
        What to call the file.
    header : sequence of str
        The names as they are written.
    ignore : iterable of str
        Names of columns to leave out, or shell patterns.

    Raises
    ------
    UsageError
        A column without a name, two of one name, a name that is nearly that of a label, or no
        label or feature; or a label is to be left out.
    """
    ignore = list(ignore)
    names = tuple(plain(name) or f"Unnamed: {k}" for k, name in enumerate(header))
    left_out = set().union(*(matching(names, wanted) for wanted in ignore))
    kept = [k for k in range(len(names)) if k not in left_out]
    for k in sorted(left_out):
        if names[k].startswith(LABEL_PREFIX):
            raise UsageError(
                f"{path}: --ignore would leave out {names[k]!r}, a label; without it the rows no "
                f"longer sum to 1, so take it out of the file and rescale the others"
            )
    _check_names(path, header, names, kept)
    labels = tuple(k for k in kept if names[k].startswith(LABEL_PREFIX))
    ids = [k for k in kept if names[k] == ID_COLUMN]
    facts = {names[k]: k for k in kept if names[k] in ROW_FACTS}
    features = tuple(k for k in kept if k not in {*labels, *ids, *facts.values()})
    if not labels or not features:
        missing = "label" if not labels else "feature"
        beside = f" beside those left out with {ignoring(ignore[0])}" if left_out else ""
        raise UsageError(
            f"{path} has no {missing} columns{beside} (the first are: "
            f"{', '.join(map(shown, names[:3]))}); name the columns of the description degrees "
            f"'{LABEL_PREFIX}<name>' and a column of names '{ID_COLUMN}', all others but "
            f"{', '.join(ROW_FACTS)} are features"
        )
    unused = tuple(wanted for wanted in ignore if not matching(names, wanted))
    return Roles(names, labels, features, ids[0] if ids else None, facts, unused)


def _check_names(
    path: object, header: Sequence[str], names: Sequence[str], kept: Sequence[int]
) -> None:
    seen = set()
    for k in kept:
        name = names[k]
        if not plain(header[k]):
            raise UsageError(
                f"{path}: column {k} (counted from 0) has no name; name it, or leave it out with "
                f"{ignoring(name)} if it only numbers the rows, or lies behind a last comma"
            )
        if name in seen:
            raise UsageError(f"{path} has two columns named {name!r}")
        seen.add(name)
        nearly = re.match(r"label\s*:(.*)", unicodedata.normalize("NFKC", name), re.IGNORECASE)
        if nearly and not name.startswith(LABEL_PREFIX):
            raise UsageError(
                f"{path}: column {name!r} looks like a label; write it "
                f"{LABEL_PREFIX + plain(nearly[1])!r}, or leave it out with {ignoring(name)}"
            )


def refuse_cell(path: object, roles: Roles, row: int, column: int, cell: object) -> None:
    """Refuse a cell that is no number, and tell what can be done.

    Raises
    ------
    UsageError
        Always.
    """
    name = roles.names[column]
    where = f"{path}: row {row} (counted from 0) has"
    missing = is_missing(cell)
    beside = "" if column in roles.labels else f", or leave the column out with {ignoring(name)}"
    if roles.unused:
        beside += f" ({ignoring(roles.unused[0])} matches none here)"
    if missing:
        written = f" ({cell})" if cell is not None and str(cell).strip() else ""
        raise UsageError(
            f"{where} no value{written} in column {name!r}; fill it in, or take out the row{beside}"
        )
    what, advice = "is not a finite number", "correct it"
    if _overflows(cell):
        what = "is too large for a number"
    elif re.fullmatch(r"\s*[+-]?\d+,\d+\s*", str(cell)):
        advice = "write numbers with a decimal point"
    elif roles.id is None and column in roles.features and isinstance(cell, str):
        beside = f"{beside}, or call it {ID_COLUMN!r} if it names the rows"
    raise UsageError(f"{where} {shown(cell)} in column {name!r}, which {what}; {advice}{beside}")


def _overflows(cell: object) -> bool:
    try:
        return math.isinf(float(str(cell))) and any(sign.isdigit() for sign in str(cell))
    except ValueError:
        return False
