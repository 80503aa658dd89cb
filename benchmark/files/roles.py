"""Which columns of a table are labels, which one names the rows, and which are features."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmark.errors import UsageError
from benchmark.files.contents import plain, shown
from benchmark.files.reading import USUAL, Reading, ignoring, matching, matching_any, none_here

#: A column with this prefix holds the description degrees of the label named after it.
LABEL_PREFIX = "label:"
ID_COLUMN = "id"

#: Columns of what else is known of each row, see `benchmark.datasets.row_facts`.
ROW_FACTS = ("group", "fold", "split", "raters")

# So many columns are named in a note.
_NAMED = 10

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
    notes : tuple of str
        Which columns are left out, and why.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    features: tuple[int, ...]
    id: int | None
    facts: dict[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels."""
        return tuple(plain(self.names[k].removeprefix(LABEL_PREFIX)) for k in self.labels)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features."""
        return tuple(self.names[k] for k in self.features)


def is_missing(cell: object) -> bool:
    """Tell whether a cell stands for no value."""
    return cell is None or str(cell).strip().lower() in _MISSING


class NoLabelsError(UsageError):
    """A table has no columns of labels, where none are named with ``--labels``."""

    def with_options(self, options: str) -> UsageError:
        """Return the error with the options that may read the table, if there are any."""
        hint = f"; perhaps they are read with {options}" if options else ""
        return UsageError(f"{self}{hint}")


def find_roles(
    path: object, header: Sequence[str], reading: Reading = USUAL, unnamed: Sequence[str] = ()
) -> Roles:
    """Tell what each column of a table is for, by its name and by what the user says.

    What is to be left out comes first, then labels, what else is known of the rows, and features;
    but a name comes before a pattern.

    Parameters
    ----------
    path : object
        What to call the file.
    header : sequence of str
        The names as they are written.
    reading : Reading
        Names of columns or shell patterns; where a kind of column has none that is here, the usual
        names count.
    unnamed : sequence of str
        Further columns to leave out.

    Raises
    ------
    UsageError
        A column without a name, two of one name, a name that is nearly that of a label, or no
        label or feature; or a label is to be left out.
    """
    names = tuple(plain(name) or f"Unnamed: {k}" for k, name in enumerate(header))
    left_out = matching_any(names, [*reading.ignore, *unnamed])
    kept = [k for k in range(len(names)) if k not in left_out]
    chosen, wanted = (matching_any(names, given) & set(kept)
                      for given in (reading.labels, reading.features))  # fmt: skip
    by_name = {k for k in kept if names[k] in map(plain, reading.features)}
    chosen -= by_name - {k for k in kept if names[k] in map(plain, reading.labels)}
    for k in () if chosen else sorted(left_out):
        if names[k].startswith(LABEL_PREFIX):
            raise UsageError(
                f"{path}: --ignore would leave out {names[k]!r}, a label; without it the rows no "
                f"longer sum to 1, so take it out of the file and rescale the others"
            )
    prefixed = {k for k in kept if names[k].startswith(LABEL_PREFIX)}
    labels = chosen or prefixed - by_name
    usual = [k for k in kept if k not in labels | by_name]
    ids = [k for k in usual if names[k] == ID_COLUMN]
    facts = {names[k]: k for k in usual if names[k] in ROW_FACTS}
    rest = {k for k in kept if k not in {*labels, *ids, *facts.values()}}
    features = rest & wanted if wanted else rest - prefixed
    _check_names(path, header, names, [k for k in kept if k not in rest - features])
    if not labels or not features:
        _refuse_lack(path, names, reading, bool(labels))
    notes = [
        f"left out {why}: {_named([names[k] for k in sorted(columns)])}"
        for why, columns in (
            ("with --ignore", matching_any(names, reading.ignore)),
            ("since --features names others", rest - features if wanted else ()),
            ("since --labels names others", rest - features if not wanted else ()),
        )
        if columns
    ]
    unused = tuple(wanted for wanted in reading.ignore if not matching(names, wanted))
    return Roles(
        names, tuple(sorted(labels)), tuple(sorted(features)), ids[0] if ids else None, facts,
        unused, tuple(notes),
    )  # fmt: skip


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _refuse_lack(path: object, names: Sequence[str], reading: Reading, have_labels: bool) -> None:
    """Refuse a table without labels or features."""
    missing, option_name = ("feature", "--features") if have_labels else ("label", "--labels")
    beside = ""
    if matching_any(names, reading.ignore):
        beside = f" beside those left out with {ignoring(reading.ignore[0])}"
    beside += none_here(names, reading.patterns[option_name], option_name)
    kind = UsageError if have_labels else NoLabelsError
    raise kind(
        f"{path} has no {missing} columns{beside} (the first are: "
        f"{', '.join(map(shown, names[:3]))}); name the columns of the description degrees "
        f"'{LABEL_PREFIX}<name>' or tell them with --labels, and a column of names "
        f"'{ID_COLUMN}'; all others but {', '.join(ROW_FACTS)} are features"
    )


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
    elif re.fullmatch(r"\s*\d+(\.\d+)?\s*%\s*", str(cell)):
        advice = "write percentages without their sign"
    elif column in roles.features and (fact := _nearly_a_fact(name)) and fact not in roles.facts:
        beside = f"{beside}, or call it {fact!r} if it tells the {fact} of the rows"
    elif roles.id is None and column in roles.features and isinstance(cell, str):
        beside = f"{beside}, or call it {ID_COLUMN!r} if it names the rows"
    raise UsageError(f"{where} {shown(cell)} in column {name!r}, which {what}; {advice}{beside}")


def _nearly_a_fact(name: str) -> str:
    """Find the usual name that another one means but for case or an s."""
    nearly = {known.rstrip("s"): known for known in ROW_FACTS}
    return nearly.get(name.casefold().rstrip("s"), "")


def _overflows(cell: object) -> bool:
    try:
        return math.isinf(float(str(cell))) and any(sign.isdigit() for sign in str(cell))
    except ValueError:
        return False
