"""The public tabular sets: shape, size and checksum of each file, and where it can be had."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: Where the files are at home; each is called ``<name>.mat``.
HOME = "https://github.com/SpriteMisaka/PyLDL/raw/main/datasets"

_FILE = Path(__file__).with_name("catalogue.csv")


@dataclass(frozen=True)
class TabularSet:
    """Facts about a set in one MATLAB file.

    Attributes
    ----------
    name : str
        Name in tables and on the command line; that of the file without ``.mat``.
    rows, features, labels : int
        Its shape.
    what : str
        What the labels are, in a few words.
    bytes : int
        Size of the file.
    sha256 : str
        Its checksum.
    citation : str
        What to cite; empty where it is not known.
    """

    name: str
    rows: int
    features: int
    labels: int
    what: str
    bytes: int
    sha256: str
    citation: str

    @property
    def file_name(self) -> str:
        """What the file is called at its home."""
        return f"{self.name}.mat"

    @property
    def shape(self) -> str:
        """The shape in words."""
        return f"{self.rows:,} rows, {self.features:,} features and {self.labels:,} labels"


@cache
def tabular_sets() -> tuple[TabularSet, ...]:
    """Read the catalogue; every set, in its order."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            TabularSet(
                name=row["name"],
                rows=int(row["rows"]),
                features=int(row["features"]),
                labels=int(row["labels"]),
                what=row["what"],
                bytes=int(row["bytes"]),
                sha256=row["sha256"],
                citation=row["citation"],
            )
            for row in csv.DictReader(file)
        )


def find_tabular_set(name: str) -> TabularSet | None:
    """Find a set by its name, also with ``.mat``; case, ``-`` and ``_`` do not matter."""
    wanted = _plain(re.sub(r"\.mat$", "", name, flags=re.IGNORECASE))
    return next((known for known in tabular_sets() if _plain(known.name) == wanted), None)


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).casefold()
