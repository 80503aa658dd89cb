"""A table as a person reads it, written for terminal and Markdown, and as CSV.

`benchmark.tables.latex` writes it for LaTeX, `benchmark.commands.answers.html` for a browser.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tabulate import tabulate

from benchmark.tables.layout import columns_in_blocks, filled
from benchmark.tables.options import TableOptions
from benchmark.wording import GAP, spaced, visible

#: Marks a cell of a model that does not beat the mean training distribution.
DAGGER = "†"

#: Marks a cell that the test does not tell from the best of its column.
AS_GOOD = "≈"

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Cell:
    """A cell: plain text, and what it means.

    Attributes
    ----------
    text : str
        A lone dash stands for a missing value.
    after : str
        Marks behind all else, which are never bold, such as a dagger.
    best, second : bool
        Whether it is the best of its column, or the next one: bold, underlined.
    aside : bool
        Whether it is there for comparison only, as the name of a trivial row, of an extended
        baseline, of a newer or of a peer's method: italic in Markdown and HTML.
    spread : str
        What stands behind a mean: ``±`` and a deviation, or an interval.
    rank : str
        The rank among the models, or empty.
    """

    text: str
    after: str = ""
    best: bool = False
    second: bool = False
    aside: bool = False
    spread: str = ""
    rank: str = ""

    def __str__(self) -> str:
        return self.text + self.spread + (f"({self.rank})" if self.rank else "") + self.after


def text_cells(texts: Iterable[str]) -> list[Cell]:
    """Make cells of nothing but text."""
    return [Cell(text) for text in texts]


@dataclass(frozen=True)
class Grid:
    """Cells under headers.

    Attributes
    ----------
    caption : str
        What the table shows.
    headers : list of str
        One per column.
    cells : list of list of Cell
        Row by row.
    notes : list of str
        What a reader has to know, in sentences; comments in LaTeX where there is a `legend`.
    title : str
        Stands for the caption on the terminal and in Markdown; empty if it is the caption itself.
    rules : frozenset of int
        Rows above which a line parts groups; Markdown has no such lines.
    names : int
        How many columns, from the first, say what a row is about.
    legend : list of str
        What stands under the table in a paper: short sentences.
    name : str
        What tells the table from others, such as ``table3-emotion6``.
    options : TableOptions
        How it is written.
    """

    caption: str
    headers: list[str]
    cells: list[list[Cell]]
    notes: list[str] = field(default_factory=list)
    title: str = ""
    rules: frozenset[int] = frozenset()
    names: int = 1
    legend: list[str] = field(default_factory=list)
    name: str = ""
    options: TableOptions = field(default_factory=TableOptions)

    @property
    def heading(self) -> str:
        """The title, or the caption where there is none."""
        return self.title or self.caption

    @property
    def rows(self) -> list[list[str]]:
        """Plain text of the cells, row by row."""
        return [list(map(str, row)) for row in self.cells]


def captioned(grids: Sequence[Grid], options: TableOptions) -> list[Grid]:
    """Give tables their options, and the caption that these name; of several each has its title."""
    found = []
    for grid in grids:
        caption = options.caption or grid.caption
        if options.caption and len(grids) > 1:
            caption = f"{caption} ({grid.title or grid.caption})"
        found.append(replace(grid, caption=caption, options=options))
    return found


def best_and_second(ranks: Iterable[float]) -> tuple[float, float]:
    """Return the best rank and the next one; missing values where there are none."""
    found = sorted({float(rank) for rank in ranks if not math.isnan(rank)})
    best, second = (*found[:2], math.nan, math.nan)[:2]
    return best, second


def group_rules(groups: Iterable[str]) -> frozenset[int]:
    """Return the rows above which a line parts groups, by the group of each row.

    Models of the paper and those of plugins stand together; extended baselines, newer methods,
    those of the peer library and trivial predictors each stand apart.
    """
    parts = ["" if group in ("paper", "own") else group for group in groups]
    return frozenset(
        number for number, (one, two) in enumerate(pairwise(parts), start=1) if one != two
    )


#: The groups that are there for comparison: see `Cell.aside`.
ASIDE = ("extended", "newer", "peer", "trivial")


@dataclass(frozen=True)
class Style:
    """How an output format writes the parts of a cell."""

    text: Callable[[str], str]
    bold: str = "{}"
    underlined: str = "{}"
    italic: str = "{}"
    gap: str = GAP
    raised: Callable[[str], str] = "{}".format
    faint: str = "{}"

    def write(self, cell: Cell, ranks: str) -> str:
        """Write a cell, its rank as the options of tables say."""
        text = self.gap if cell.text == GAP else self.text(cell.text)
        text = self.bold.format(text) if cell.best else text
        text = self.underlined.format(text) if cell.second else text
        text = self.italic.format(text) if cell.aside else text
        if cell.rank and ranks != "none":
            rank = f"({cell.rank})" if ranks == "parentheses" else self.raised(cell.rank)
        else:
            rank = ""
        behind = self.text(cell.spread) + rank + self.text(cell.after)
        return text + (self.faint.format(behind) if behind else "")


def terminal(
    grids: Grid | Sequence[Grid],
    notes: Sequence[str] = (),
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Render one table or several for a terminal.

    A table that is wider than the terminal is parted into blocks of columns, each of which begins
    with the first column again. Nothing is left out.

    Parameters
    ----------
    grids : Grid or sequence of Grid
    notes : sequence of str
        What is to be said of all of them, at the end.
    colour : bool
        Show the best values in bold and the second underlined; plain text has no marks for them.
    width : int, optional
        Characters in a line of the terminal; no limit if absent.
    """
    style = Style(
        visible,
        bold="\x1b[1m{}\x1b[0m" if colour else "{}",
        underlined="\x1b[4m{}\x1b[0m" if colour else "{}",
        raised=lambda rank: rank.translate(_RAISED),
    )
    blocks = []
    for grid in several(grids):
        rows = []
        for number, row in enumerate(grid.cells):
            if number in grid.rules:
                rows.append(["-" * 4] + [""] * (len(row) - 1))
            rows.append([style.write(cell, grid.options.ranks) for cell in row])
        tables = columns_in_blocks(list(map(visible, grid.headers)), rows, width, grid.names)
        remarks = filled(list(map(visible, grid.notes)), width)
        blocks += [f"{visible(titled(grid))}\n{tables[0]}", *tables[1:], remarks]
    return _joined([*blocks, filled(list(map(visible, notes)), width)])


def markdown(grids: Grid | Sequence[Grid], notes: Sequence[str] = ()) -> str:
    """Render one table or several as Markdown; parameters as of `terminal`."""
    style = Style(
        markdown_text,
        bold="**{}**",
        underlined="<ins>{}</ins>",
        italic="*{}*",
        raised="<sup>{}</sup>".format,
    )

    def items(lines: Sequence[str]) -> str:
        return "\n".join(f"- {markdown_text(line)}" for line in lines)

    blocks = []
    for grid in several(grids):
        rows = [[style.write(cell, grid.options.ranks) for cell in row] for row in grid.cells]
        headers = [markdown_text(header) for header in grid.headers]
        table = tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True)
        blocks += [f"### {markdown_text(titled(grid))}", table, items(grid.notes)]
    return _joined([*blocks, items(notes)])


def csv_text(grids: Grid | Sequence[Grid]) -> str:
    """Write tables as CSV: what is shown, with spreads, ranks and marks in columns of their own.

    Of several tables a column before all others has the title.
    """
    many = several(grids)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    before: list[str] = []
    for grid in many:
        parts = [_parts_of(grid, column) for column in range(len(grid.headers))]
        heads = [
            f"{header} {part}".strip()
            for header, of in zip(grid.headers, parts, strict=True)
            for part in of
        ]
        heads = ["Table", *heads] if len(many) > 1 else heads
        if heads != before:
            writer.writerow(heads)
            before = heads
        for row in grid.cells:
            texts = [
                _part_of(cell, part) for cell, of in zip(row, parts, strict=True) for part in of
            ]
            writer.writerow([grid.heading, *texts] if len(many) > 1 else texts)
    return written.getvalue()


# Columns that a column of a table has in a CSV file, and where they are in a cell.
_PARTS = {"": "text", "spread": "spread", "rank": "rank", "mark": "after"}


def _parts_of(grid: Grid, column: int) -> list[str]:
    """Return which of `_PARTS` any cell of a column has."""
    cells = [row[column] for row in grid.cells]
    found = [part for part, name in _PARTS.items() if part and any(getattr(c, name) for c in cells)]
    return ["", *(part for part in found if part != "rank" or grid.options.ranks != "none")]


def _part_of(cell: Cell, part: str) -> str:
    text = str(getattr(cell, _PARTS[part])).removeprefix("±")
    return "" if text == GAP else text


def markdown_text(text: str) -> str:
    """Escape plain text for Markdown, so that different texts stay different."""
    # An ampersand is markup only where it begins the name of a character.
    escaped = re.sub(r"([\\`*_{}\[\]<>|#]|&(?=#?\w+;))", r"\\\1", visible(text))
    return spaced(escaped)


def several(grids: Grid | Sequence[Grid]) -> Sequence[Grid]:
    """Return a list of tables, also of one."""
    return [grids] if isinstance(grids, Grid) else grids


def titled(grid: Grid) -> str:
    """Return what stands above a table that has its own notes; a caption that was asked for."""
    return grid.caption if grid.options.caption else grid.heading


def _joined(blocks: Sequence[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"
