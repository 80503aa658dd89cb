"""What the buttons beside the report's tables copy: LaTeX and CSV, packed to take little room."""

from __future__ import annotations

import base64
import csv
import io
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.columns import as_csv
from benchmark.tables.grid import Cell, Grid, text_cells
from benchmark.tables.latex import latex
from benchmark.tables.latex_text import (
    CJK_DEFINITIONS,
    CJK_PREAMBLE,
    DEFINITIONS,
    latex_text,
    needs_cjk,
)
from benchmark.tables.options import SPREADS, TableOptions
from benchmark.tables.table3 import table3_grids
from benchmark.tables.writing import marks_of
from benchmark.wording import seen, visible

#: Signs that the page's script writes into numbers, each to be put into LaTeX.
_SIGNS = "−–<>%*±"  # noqa: RUF001 - a minus and a dash are meant

#: Headings of the table of pairs, as the page has them.
PAIR_HEADERS = (
    "Compared with", "Difference", "95 % interval", "p (Holm)", "P(better) %", "P(equivalent) %",
    "P(worse) %", "Effect size", "Instances won %",
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A table of the report.

    Attributes
    ----------
    name : str
        What its buttons call it, unique in the page.
    grid : Grid
        What is shown, and copied as LaTeX.
    frame : DataFrame
        What is copied as CSV.
    shades : list of list of str
        How deep the cells behind the names are shaded, by names of the style sheet; empty if they
        are not.
    sortable : bool
        Whether a click on a heading sorts.
    """

    name: str
    grid: Grid
    frame: pd.DataFrame
    shades: list[list[str]] = field(default_factory=list)
    sortable: bool = False

    @property
    def texts(self) -> tuple[str, str]:
        """LaTeX and CSV."""
        return latex(self.grid), as_csv(self.frame)


def rows_shown(
    name: str, caption: str, headers: Sequence[str], rows: Iterable[Sequence[object]]
) -> Shown:
    """Make a table of texts, whose CSV has the same cells."""
    texts = [[visible(str(value)) for value in row] for row in rows]
    grid = Grid(caption, list(headers), [text_cells(row) for row in texts])
    return Shown(name, grid, pd.DataFrame(texts, columns=list(headers)))


def table3_copies(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """Return what ``table 3`` writes of each dataset: plain, with deviations, with intervals."""
    found = {}
    kinds = [TableOptions(spread=spread) for spread in SPREADS]
    marks = [marks_of(evidence, options, []) for options in kinds]
    parts = evidence.summary.groupby("dataset", sort=False)
    for number, (_, part) in enumerate(parts):
        text = as_csv(part)
        for options, tested in zip(kinds, marks, strict=True):
            plain = options.spread == "none"
            (grid,) = table3_grids(part, evidence.measures, options, tested)
            name = f"table3-{number}" if plain else f"table3-{number}-{options.spread}"
            # The CSV is the same.
            found[name] = (latex(grid, evidence.notes), text if plain else "")
    return found


def pattern(grid: Grid, digits: int = 1) -> str:
    """Write a table whose cells the page's script fills in: ``Q0Q`` the caption, ``Q1Q`` and so on.

    The cells of `grid` that are empty are those. More digits, ``Q00000001Q``, keep room for longer
    texts when the columns are laid out.
    """
    number = iter(range(1, 1 + sum(map(len, grid.cells))))
    cells = [
        [cell if str(cell) else Cell(f"Q{next(number):0{digits}}Q") for cell in row]
        for row in grid.cells
    ]
    return latex(Grid("Q0Q", grid.headers, cells, name=grid.name))


def pair_patterns(data: Mapping[str, Any]) -> dict[str, str]:
    """Write a pattern for every number of rows that the table of pairs may have."""
    sizes = {len(entry["models"]) - 1 for entry in data["datasets"]}
    return {
        str(size): pattern(
            Grid(
                "", list(PAIR_HEADERS), [text_cells([""] * len(PAIR_HEADERS))] * size, name="pairs"
            ),
            8,
        )
        for size in sorted(sizes)
        if size > 0
    }


def confusion_grid(labels: Sequence[str], counts: Sequence[Sequence[object]], caption: str) -> Grid:
    """Lay out a confusion: true labels by predicted ones, and how many there are of each."""
    return Grid(
        caption,
        ["True \\ predicted", *labels, "All"],
        [text_cells([name, *map(str, row)]) for name, row in zip(labels, counts, strict=True)],
        name="confusion",
    )


def confusion_pattern(labels: Sequence[str]) -> str:
    """Write a pattern for the confusions of a dataset."""
    width = len(labels) + 1
    return pattern(confusion_grid(labels, [[""] * width] * len(labels), ""))


def for_names(text: str, names: Mapping[str, tuple[str, str]]) -> str:
    """Let a pattern take in names of `names_of`: Chinese ones need definitions of their own."""
    if needs_cjk(text) or not any(needs_cjk(name) for name, _ in names.values()):
        return text
    begin = "  \\begin{document}\n"
    text = text.replace(begin, CJK_PREAMBLE + begin, 1)
    return text.replace(DEFINITIONS, DEFINITIONS + CJK_DEFINITIONS, 1)


def names_of(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """Map every name as the page shows it to how LaTeX and CSV have it."""
    names = [*evidence.plan.models, *evidence.plan.truths]
    names += [label for truth in evidence.plan.truths.values() for label in truth.label_names]
    names += [measure.title for measure in evidence.measures]
    names = list(dict.fromkeys(names))
    text = as_csv(pd.DataFrame({"name": names}))
    (_, *written) = csv.reader(io.StringIO(text, newline=""))
    return {
        seen(name): (latex_text(name), row[0] if row else "")
        for name, row in zip(names, written, strict=True)
    }


def packed(values: Mapping[str, Any]) -> str:
    """Return an address that holds the values, compressed; `unpacked` gives them back."""
    text = json.dumps({**values, "signs": {sign: latex_text(sign) for sign in _SIGNS}})
    content = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return f"data:application/zlib;base64,{content}"


def unpacked(address: str) -> dict[str, Any]:
    """Give back what `packed` holds."""
    content = base64.b64decode(address.partition(",")[2])
    values: dict[str, Any] = json.loads(zlib.decompress(content))
    return values
