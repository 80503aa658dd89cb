r"""Tables as LaTeX that goes into a paper as it is: natural type size, notes within the float.

What the reader of the paper needs stands under the table; what concerns only its author stands in
comments at the end of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from textwrap import wrap

from benchmark.tables.grid import Cell, Grid, Style, several
from benchmark.tables.latex_text import (
    CJK_DEFINITIONS,
    CJK_PREAMBLE,
    DEFINITIONS,
    latex_text,
    needs_cjk,
)
from benchmark.tables.latex_width import (
    BETWEEN,
    HEIGHT,
    LEADING,
    PAGE,
    SIZE,
    Layout,
    header_lines,
    lay_out,
    lines_of,
    pieces,
    width,
)
from benchmark.wording import visible
from features.storage.files import slug

# A minus, not a hyphen, where it stands before a number.
_MINUS = re.compile(r"(?<![\w.])-(?=\.?\d)")


def latex(grids: Grid | Sequence[Grid], notes: Sequence[str] = (), placement: str = "htbp") -> str:
    r"""Render one table or several as LaTeX: compiles as it is, or with ``\input`` in a paper.

    Written here, because neither tabulate nor pandas keeps a name that begins with ``[`` or ``*``
    from being read as an option.

    Parameters
    ----------
    grids : Grid or sequence of Grid
    notes : sequence of str
        What its author has to know of all of them; comments.
    placement : str
        Where LaTeX may put the tables.
    """
    many = several(grids)
    floats, said, taken = [], [], set()
    for number, grid in enumerate(many, start=1):
        label = _label(grid, len(many) > 1)
        label = f"{label}-{number}" if label in taken else label
        taken.add(label)
        parts = _floats(grid, label, placement)
        floats += parts
        said += [*(grid.notes if grid.legend else ()), *_of_layout(grid, len(parts))]
    columns = {grid.options.columns for grid in many} or {2}
    text = "\n\n".join(floats)
    head = _HEAD.format(
        options="twocolumn" if 2 in columns else "10pt",
        margin="17mm" if 2 in columns else "45mm",
        chinese=CJK_PREAMBLE if needs_cjk(text) else "",
    )
    definitions = _TYPE + DEFINITIONS + (CJK_DEFINITIONS if needs_cjk(text) else "")
    return "\n".join(
        [head + definitions + text, "", *_comments([*said, *notes]), r"\ldltableend", ""]
    )


def paragraphs_in_latex(texts: Sequence[str]) -> str:
    r"""Write paragraphs of a text, for ``\input`` in a paper."""
    body = "\n\n".join("\n".join(_wrapped(latex_text(_signed(text)))) for text in texts)
    chinese = CJK_DEFINITIONS if needs_cjk(body) else ""
    return f"% Made by: ldl-benchmark table text\n{DEFINITIONS}{chinese}{body}\n"


def _wrapped(text: str) -> list[str]:
    """Break lines at spaces alone: LaTeX would print one where a name is broken at its hyphen."""
    return wrap(text, 96, break_on_hyphens=False, break_long_words=False)


def _label(grid: Grid, among_others: bool) -> str:
    name = slug(grid.name or grid.heading)
    if not grid.options.label:
        return f"tab:{name}"
    return (
        f"{grid.options.label}-{slug(grid.title or name)}" if among_others else grid.options.label
    )


def _comments(sentences: Sequence[str]) -> list[str]:
    """Write sentences as comments, each once."""
    if not sentences:
        return []
    found = ["% What the author should know of these numbers:"]
    for sentence in dict.fromkeys(sentences):
        found += wrap(visible(sentence), 96, initial_indent="% - ", subsequent_indent="%   ")
    return found


def _of_layout(grid: Grid, floats: int) -> list[str]:
    """Say by which rule a table is laid out, where it is not simply rows and columns."""
    layout = _layout(grid)
    names, columns = grid.heading, grid.options.columns
    found = []
    if len(layout.blocks) > 1:
        found.append(
            f"{names}: wider than the {PAGE[columns]:.0f} points of a page, so its columns come in "
            f"{len(layout.blocks)} blocks, one below the other; none is left out. "
            "--measures, --ranks none and --digits make it narrower."
        )
    if floats > 1:
        found.append(f"{names}: higher than a page, so it comes in {floats} tables.")
    if layout.needed > PAGE[columns]:
        found.append(
            f"{names}: takes {layout.needed:.0f} points, more than the {PAGE[columns]:.0f} of a "
            "page; fewer digits or shorter names make it fit."
        )
    return found


def _layout(grid: Grid) -> Layout:
    widths = []
    for number, header in enumerate(grid.headers):
        cells = [row[number] for row in grid.cells]
        body = max((_width(cell, grid) for cell in cells), default=0.0)
        widths.append(max([body, *map(width, header_lines(header, body))]))
    texts = [
        all(not row[i].rank and not row[i].spread for row in grid.cells)
        for i in range(len(grid.headers))
    ]
    return lay_out(widths, texts, grid.names, grid.options.columns)


def _width(cell: Cell, grid: Grid) -> float:
    shown = width(_signed(cell.text), cell.best) + width(_signed(cell.spread)) + width(cell.after)
    if not cell.rank or grid.options.ranks == "none":
        return shown
    superscript = grid.options.ranks == "superscript"
    return shown + width(cell.rank if superscript else f"({cell.rank})")


def _signed(text: str) -> str:
    return _MINUS.sub("\N{MINUS SIGN}", text)


def _floats(grid: Grid, label: str, placement: str) -> list[str]:
    """Write a table as one float, or as several where it is higher than a page."""
    layout = _layout(grid)
    panels = [
        _panel(grid, layout, block, rows)
        for rows in _parts_of_rows(grid, layout)
        for block in layout.blocks
    ]
    pages: list[list[list[str]]] = []
    room = 0.0
    for lines, height in panels:
        if not pages or height > room:
            pages.append([])
            room = HEIGHT - _notes_height(grid, layout)
        pages[-1].append(lines)
        room -= height
    return [
        _float(grid, layout, page, (label, number), placement) for number, page in enumerate(pages)
    ]


def _notes_height(grid: Grid, layout: Layout) -> float:
    room = PAGE[grid.options.columns] if layout.wide else layout.needed
    texts = (" ".join(grid.legend or grid.notes), grid.caption)
    return sum((width(text) // room + 2) * LEADING for text in texts)


def _parts_of_rows(grid: Grid, layout: Layout) -> list[list[int]]:
    """Part the rows, where they do not fit a page."""
    limit = HEIGHT - _notes_height(grid, layout) - 6 * LEADING
    parts: list[list[int]] = [[]]
    used = 0.0
    for number, row in enumerate(grid.cells):
        height = LEADING * max(
            [len(lines_of(str(row[i]), room)) for i, room in layout.paragraphs.items()] or [1]
        )
        height += LEADING / 2 if number in grid.rules else 0.0
        if parts[-1] and used + height > limit:
            parts.append([])
            used = 0.0
        parts[-1].append(number)
        used += height
    return parts


def _panel(
    grid: Grid, layout: Layout, block: list[int], rows: list[int]
) -> tuple[list[str], float]:
    """Write some columns of some rows, with their headers; return the lines and the height."""
    shown = [*range(grid.names), *block]
    each = max(map(len, layout.blocks))
    style = Style(
        latex_text,
        bold=r"\textbf{{{}}}",
        underlined=r"\underline{{{}}}",
        gap="--",
        raised=r"\ldlraised{{{}}}".format,
    )
    end = r" \tabularnewline" if grid.names + each - 1 in _ragged(grid, layout) else r" \\"
    empty = [""] * (each - len(block))
    lines = [*_headers(grid, layout, shown, each, end), r"\midrule"]
    pads = {number: _padding(grid, number) for number in shown[grid.names :]}
    height = LEADING * (len(lines) + 1)
    for number in rows:
        if number in grid.rules and number != rows[0]:
            lines.append(r"\midrule")
        texts = []
        for i in shown:
            cell = grid.cells[number][i]
            if i in layout.paragraphs:
                texts.append(_paragraph(cell, style, grid.options.ranks, layout.paragraphs[i]))
                continue
            cell = replace(cell, text=_signed(cell.text), spread=_signed(cell.spread))
            before = pads[i](cell) if i in pads else ""
            texts.append(before + style.write(cell, grid.options.ranks))
        # The empty group keeps a name that begins with [ or * from being an option of \\.
        lines.append("{}" + " & ".join([*texts, *empty]) + end)
        height += LEADING * max(
            [len(lines_of(str(grid.cells[number][i]), room))
             for i, room in layout.paragraphs.items()] or [1]
        )  # fmt: skip
    return lines, height


def _ragged(grid: Grid, layout: Layout) -> set[int]:
    """Return the places, in a block, of columns whose texts take several lines."""
    names = set(range(grid.names)) & layout.paragraphs.keys()
    places = (
        grid.names + place
        for block in layout.blocks
        for place, number in enumerate(block)
        if number in layout.paragraphs
    )
    return {*names, *places}


def _headers(grid: Grid, layout: Layout, shown: list[int], each: int, end: str) -> list[str]:
    """Write the headers, which take several lines where a word is wider than what is below it."""
    parts = []
    for i in shown:
        room = layout.paragraphs.get(i)
        body = max((_width(row[i], grid) for row in grid.cells), default=0.0)
        parts.append(
            lines_of(grid.headers[i], room) if room else header_lines(grid.headers[i], body)
        )
    high = max(map(len, parts))
    lines = []
    for level in range(high):
        texts = [
            part[level - high + len(part)] if level >= high - len(part) else "" for part in parts
        ]
        texts += [""] * (grid.names + each - len(texts))
        lines.append("{}" + " & ".join(map(latex_text, texts)) + end)
    return lines


def _padding(grid: Grid, column: int) -> Callable[[Cell], str]:
    """Return what puts space before a number, so that points stand below each other."""

    def whole(cell: Cell) -> int:
        found = re.match("[-+\N{MINUS SIGN}]?([0-9]+)(?=[. ]|$)", cell.text)
        return len(found[1]) if found else 0

    most = max((whole(row[column]) for row in grid.cells), default=0)

    def before(cell: Cell) -> str:
        lacking = most - whole(cell) if whole(cell) else 0
        return rf"\phantom{{{'0' * lacking}}}" if lacking else ""

    return before


def _paragraph(cell: Cell, style: Style, ranks: str, room: float) -> str:
    """Write a text that takes several lines; words that are wider than the column go on below."""

    def broken(text: str) -> str:
        words = (
            r"\hspace{0pt}".join(map(latex_text, pieces(word, room))) for word in text.split(" ")
        )
        return " ".join(words)

    shown = replace(style, text=broken).write(cell, ranks)
    return rf"\raggedright {shown}" if shown else ""


def _float(
    grid: Grid, layout: Layout, panels: list[list[str]], label: tuple[str, int], placement: str
) -> str:
    """Write the panels of a table below each other in one float, with its notes."""
    name, number = label
    kind = "table*" if layout.wide else "table"
    each = max(map(len, layout.blocks))
    ragged = _ragged(grid, layout)
    shared: dict[int, float] = {}
    for block in [list(range(grid.names)), *layout.blocks]:
        first = 0 if block == list(range(grid.names)) else grid.names
        for place, column in enumerate(block, start=first):
            if column in layout.paragraphs:
                shared[place] = max(shared.get(place, 0.0), layout.paragraphs[column])
    kinds = [f"p{{{shared[i]:.0f}pt}}" if i in ragged else "l" for i in range(grid.names + each)]
    separator = [r"\addlinespace", r"\midrule"]
    body = chain.from_iterable(
        [*(separator if place else ()), *panel] for place, panel in enumerate(panels)
    )
    continued = " (continued)" if number else ""
    legend = list(grid.legend or grid.notes)
    notes = [
        r"\begin{tablenotes}[flushleft]",
        r"\ldltabletype",
        rf"\item {' '.join(map(latex_text, legend))}",
        r"\end{tablenotes}",
    ]
    return "\n".join(
        [
            # A table over both columns of text stands at the top of a page, or on one of its own.
            rf"\begin{{{kind}}}[{'tp' if layout.wide and placement == 'htbp' else placement}]",
            r"\centering",
            r"\begin{threeparttable}",
            rf"\ldlneeds{{{layout.needed:.0f}}}",
            rf"\caption{{{latex_text(grid.caption)}{continued}}}",
            rf"\label{{{name}{f'-part{number + 1}' if number else ''}}}",
            r"\ldltabletype",
            rf"\begin{{tabular*}}{{\linewidth}}{{@{{\extracolsep{{\fill}}}}{''.join(kinds)}@{{}}}}",
            r"\toprule",
            *body,
            r"\bottomrule",
            r"\end{tabular*}",
            *(notes if legend else ()),
            r"\end{threeparttable}",
            rf"\end{{{kind}}}",
        ]
    )


# Lets a table compile as it is, and be \input in a paper.
_HEAD = r"""% Made by: ldl-benchmark table NUMBER
% Compile it as it is, or \input it in a paper that loads booktabs and threeparttable.
% Needs UTF-8, LaTeX's own since 2018.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \def\ldltableend{{}}
\else
  \documentclass[{options}]{{article}}
  \usepackage{{booktabs,threeparttable}}
  \usepackage[a4paper,margin={margin}]{{geometry}}
{chinese}  \begin{{document}}
  \def\ldltableend{{\end{{document}}}}
\fi
"""

# The type is natural: the same size in every class, so that the width of a table is known. Raised
# ranks have it too, since a smaller one would be below 7 points.
_TYPE = rf"""\ifdefined\ldltabletype\else
  \def\ldltabletype{{\fontsize{{{SIZE:g}}}{{{LEADING:g}}}\selectfont
    \setlength{{\tabcolsep}}{{{BETWEEN / 2:g}pt}}}}
  \def\ldlneeds#1{{\ifdim\linewidth<#1pt \GenericWarning{{}}{{LaTeX Warning: the next table needs
    #1pt, more than there is; ldl-benchmark makes it narrower with --measures, --ranks none
    or fewer --digits, and --columns tells it of the page}}\fi}}
  \def\ldlraised#1{{\raisebox{{0.7ex}}{{#1}}}}
\fi
"""
