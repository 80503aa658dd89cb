"""A table as a person reads it, and the one place that writes tables: terminal, Markdown, LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tabulate import tabulate

from benchmark.tables.latex_text import DEFINITIONS, latex_text
from benchmark.tables.layout import columns_in_blocks, filled
from benchmark.wording import GAP, spaced, visible

#: Marks a cell of a model that does not beat the mean training distribution.
DAGGER = "†"


@dataclass(frozen=True)
class Cell:
    """A cell: plain text, and what it means.

    Attributes
    ----------
    text : str
        A lone dash stands for a missing value.
    after : str
        What follows the text and is never bold, such as a rank or a dagger.
    best : bool
        Whether it is the best of its column: bold.
    aside : bool
        Whether it is there for comparison only, as the name of a trivial row, of an extended
        baseline, of a newer or of a peer's method: italic in Markdown.
    """

    text: str
    after: str = ""
    best: bool = False
    aside: bool = False

    def __str__(self) -> str:
        return self.text + self.after


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
        What a reader has to know, in sentences.
    title : str
        Stands for the caption on the terminal and in Markdown; empty if it is the caption itself.
    rules : frozenset of int
        Rows above which a line parts groups; Markdown has no such lines.
    wide : bool
        Whether LaTeX always gives the table the width of the page; others only if they are wider.
    names : int
        How many columns, from the first, say what a row is about.
    """

    caption: str
    headers: list[str]
    cells: list[list[Cell]]
    notes: list[str] = field(default_factory=list)
    title: str = ""
    rules: frozenset[int] = frozenset()
    wide: bool = False
    names: int = 1

    @property
    def heading(self) -> str:
        """The title, or the caption where there is none."""
        return self.title or self.caption

    @property
    def rows(self) -> list[list[str]]:
        """Plain text of the cells, row by row."""
        return [list(map(str, row)) for row in self.cells]


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
class _Style:
    """How an output format writes the parts of a cell."""

    text: Callable[[str], str]
    bold: str = "{}"
    italic: str = "{}"
    gap: str = GAP

    def write(self, cell: Cell) -> str:
        text = self.gap if cell.text == GAP else self.text(cell.text)
        text = self.bold.format(text) if cell.best else text
        text = self.italic.format(text) if cell.aside else text
        return text + self.text(cell.after)


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
        Show the best values in bold; plain text has no mark for them.
    width : int, optional
        Characters in a line of the terminal; no limit if absent.
    """
    style = _Style(visible, bold="\x1b[1m{}\x1b[0m" if colour else "{}")
    blocks = []
    for grid in _several(grids):
        rows = []
        for number, row in enumerate(grid.cells):
            if number in grid.rules:
                rows.append(["-" * 4] + [""] * (len(row) - 1))
            rows.append([style.write(cell) for cell in row])
        tables = columns_in_blocks(list(map(visible, grid.headers)), rows, width, grid.names)
        remarks = filled(list(map(visible, grid.notes)), width)
        blocks += [f"{visible(grid.heading)}\n{tables[0]}", *tables[1:], remarks]
    return _joined([*blocks, filled(list(map(visible, notes)), width)])


def markdown(grids: Grid | Sequence[Grid], notes: Sequence[str] = ()) -> str:
    """Render one table or several as Markdown; parameters as of `terminal`."""
    style = _Style(markdown_text, bold="**{}**", italic="*{}*")

    def items(lines: Sequence[str]) -> str:
        return "\n".join(f"- {markdown_text(line)}" for line in lines)

    blocks = []
    for grid in _several(grids):
        rows = [[style.write(cell) for cell in row] for row in grid.cells]
        headers = [markdown_text(header) for header in grid.headers]
        table = tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True)
        blocks += [f"### {markdown_text(grid.heading)}", table, items(grid.notes)]
    return _joined([*blocks, items(notes)])


def latex(grids: Grid | Sequence[Grid], notes: Sequence[str] = (), placement: str = "htbp") -> str:
    r"""Render one table or several as LaTeX: compiles as it is, or with ``\input`` in a paper.

    All notes come last, each once, for LaTeX may move tables. Written here, because neither
    tabulate nor pandas keeps a name that begins with ``[`` or ``*`` from being read as an option.

    Parameters
    ----------
    grids, notes
        As of `terminal`.
    placement : str
        Where LaTeX may put the tables.
    """
    several = _several(grids)
    of_grids = dict.fromkeys(note for grid in several for note in grid.notes)
    remarks = [rf"\noindent {{\footnotesize {latex_text(n)}\par}}" for n in (*of_grids, *notes)]
    blocks = [_latex_table(grid, placement) for grid in several]
    return _HEAD + DEFINITIONS + "\n\n".join([*blocks, *remarks]) + "\n\\ldltableend\n"


def _latex_table(grid: Grid, placement: str) -> str:
    style = _Style(latex_text, bold=r"\textbf{{{}}}", gap="--")
    lines = []
    for number, row in enumerate(grid.cells):
        if number in grid.rules:
            lines.append(r"\midrule")
        # The empty group keeps a name that begins with [ or * from being an option of \\.
        lines.append("{}" + " & ".join(style.write(cell) for cell in row) + r" \\")
    width = r"\linewidth" if grid.wide else r"\ifdim\width>\linewidth\linewidth\else\width\fi"
    return "\n".join(
        [
            rf"\begin{{table}}[{placement}]",
            r"\centering",
            rf"\caption{{{latex_text(grid.caption)}}}",
            rf"\resizebox{{{width}}}{{!}}{{%",
            rf"\begin{{tabular}}{{l{'c' * (len(grid.headers) - 1)}}}",
            r"\toprule",
            " & ".join(map(latex_text, grid.headers)) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
        ]
    )


# Lets a table compile as it is, and be \input in a paper.
_HEAD = r"""% Made by: python -m benchmark table NUMBER
% Compile it as it is, or \input it in a paper that loads booktabs and graphicx.
% Needs UTF-8, LaTeX's own since 2018.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \def\ldltableend{}
\else
  \documentclass{article}
  \usepackage{booktabs,graphicx}
  \usepackage[a4paper,landscape,margin=15mm]{geometry}
  \begin{document}
  \def\ldltableend{\end{document}}
\fi
"""


def markdown_text(text: str) -> str:
    """Escape plain text for Markdown, so that different texts stay different."""
    # An ampersand is markup only where it begins the name of a character.
    escaped = re.sub(r"([\\`*_{}\[\]<>|#]|&(?=#?\w+;))", r"\\\1", visible(text))
    return spaced(escaped)


def _several(grids: Grid | Sequence[Grid]) -> Sequence[Grid]:
    return [grids] if isinstance(grids, Grid) else grids


def _joined(blocks: Sequence[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"
