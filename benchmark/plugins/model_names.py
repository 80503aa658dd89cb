"""Which names a model can have."""

from __future__ import annotations

from benchmark.errors import UsageError
from features.names import name_key

#: Names of table rows that no model can take.
TRIVIAL_NAMES = (
    "mean distribution",
    "uniform",
    "oracle",
    "hidden distributions",
    "fresh panel",
)

#: Longest name of a model, in characters.
LONGEST_NAME = 80


def check_name(name: object) -> None:
    """Refuse a name that cannot stand in a table.

    Raises
    ------
    UsageError
        It is no text, empty, not printable, has spaces around it, is too long, or is reserved.
    """
    if (
        not isinstance(name, str)
        or not name
        or name != name.strip()
        or not name.isprintable()
        or len(name) > LONGEST_NAME
    ):
        raise UsageError(
            f"a model needs a printable name of at most {LONGEST_NAME} characters with no spaces "
            f"around it, not {name!r:.100}"
        )
    if name_key(name) in TRIVIAL_NAMES:
        raise UsageError(f"the name {name!r} is reserved for a row of every table; choose another")
