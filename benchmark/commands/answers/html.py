"""Tables as HTML for a notebook: readable with any theme, and no wider than the cell."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmark.tables.grid import Cell, Grid, Style, titled
from benchmark.wording import GAP, seen

# Inline, since a notebook that is shown elsewhere drops style sheets; colours are the theme's.
_SCROLLS = "overflow-x:auto;max-width:100%"
_TABLE = (
    "border-collapse:collapse;font-size:0.92em;font-variant-numeric:tabular-nums;margin:0.5em 0"
)
_CAPTION = "caption-side:top;text-align:left;font-weight:600;padding:0.2em 0"
_CELL = "padding:0.15em 0.45em;white-space:nowrap;border:none"
_RULE = "border-top:1px solid currentColor;"


def _text(text: str) -> str:
    return escape(seen(text))


_STYLE = Style(
    _text,
    bold="<b>{}</b>",
    underlined="<u>{}</u>",
    italic="<i>{}</i>",
    gap="\N{EN DASH}",
    raised="<sup>{}</sup>".format,
    faint='<span style="opacity:0.65"> {}</span>',
)


def grids_html(grids: Sequence[Grid]) -> str:
    """Render tables one below the other."""
    return "".join(map(_table, grids))


def _table(grid: Grid) -> str:
    heads = "".join(
        f'<th scope="col" style="{_CELL};text-align:{_side(number, grid)}">{escape(seen(head))}'
        "</th>"
        for number, head in enumerate(grid.headers)
    )
    rows = "".join(
        f'<tr style="{_RULE if number == 0 or number in grid.rules else ""}background:none">'
        + "".join(_cell(cell, column, grid) for column, cell in enumerate(row))
        + "</tr>"
        for number, row in enumerate(grid.cells)
    )
    return (
        f'<div style="{_SCROLLS}"><table style="{_TABLE}">'
        f'<caption style="{_CAPTION}">{escape(seen(titled(grid)))}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(cell: Cell, column: int, grid: Grid) -> str:
    text = _STYLE.write(cell, grid.options.ranks)
    kind, scope = ("th", ' scope="row"') if column == 0 else ("td", "")
    weight = ";font-weight:normal" if column == 0 else ""
    style = f"{_CELL};text-align:{_side(column, grid)}{weight}"
    return f'<{kind}{scope} style="{style}">{text}</{kind}>'


def _side(column: int, grid: Grid) -> str:
    """Numbers stand at the right, texts at the left."""
    texts = [row[column].text for row in grid.cells if row[column].text not in ("", GAP)]
    numbers = column >= grid.names and all(text[0] in "+-<0123456789" for text in texts)
    return "right" if numbers else "left"
