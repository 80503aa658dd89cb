"""Text tables that fit the terminal: columns in blocks, long texts in several lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import wcwidth
from tabulate import tabulate

# Narrower terminals are treated as if they had this many characters in a line.
_NARROWEST = 40

# No column of a table of numbers is made narrower than this, so that no number is broken.
_SHORT = 30

# What tabulate puts between columns, and how much wider than a header it makes a column.
_BETWEEN, _BESIDE_HEADER = 2, 2


def columns_in_blocks(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    names: int = 1,
) -> list[str]:
    """Write a table, in several blocks of columns where it is wider than the terminal.

    Parameters
    ----------
    headers : sequence of str
    rows : sequence of sequence of str
        Cells, which may hold the marks of bold.
    width : int, optional
        Characters in a line; no limit if absent.
    names : int
        How many columns, from the first, say what a row is about; each block begins with them.

    Returns
    -------
    list of str
        The blocks.
    """
    if width is None:
        return [_table(headers, rows)]
    width = max(width, _NARROWEST)
    limits = _widths(headers, rows)
    if _total(limits) <= width:
        return [_table(headers, rows)]
    limits = _narrowed(_widths([_widest_word(header) for header in headers], rows), width, _SHORT)
    stub = _narrowed(limits[:names], width // 2, 1)
    room = width - _total(stub) - _BETWEEN
    limits = [*stub, *[min(limit, room) for limit in limits[names:]]]
    blocks = []
    for numbers in _balanced_blocks(limits[names:], room):
        chosen = [*range(names), *[names + number for number in numbers]]
        blocks.append(_part(headers, rows, limits, chosen))
    return blocks


def listing(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Write a table of texts; where it is wider than the terminal, the longest take several lines.

    Parameters are those of `columns_in_blocks`.
    """
    if width is not None:
        limits = _narrowed(_widths(headers, rows), max(width, _NARROWEST), 1)
        return _part(headers, rows, limits, range(len(headers)))
    return _table(headers, rows)


def filled(sentences: Sequence[str], width: int | None = None) -> str:
    """Put each sentence on a line of its own, or on several where it is longer than a line."""
    if width is None:
        return "\n".join(sentences)
    return "\n".join(_in_lines(sentences, [max(width, _NARROWEST)] * len(sentences)))


def _part(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    limits: Sequence[int],
    chosen: Sequence[int],
) -> str:
    """Write the chosen columns, each within its limit."""
    room = [max(limits[number] - _BESIDE_HEADER, 1) for number in chosen]
    return _table(
        _in_lines([headers[number] for number in chosen], room),
        [_in_lines([row[n] for n in chosen], [limits[n] for n in chosen]) for row in rows],
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return tabulate(rows, headers=headers, disable_numparse=True, stralign="left")


def _in_lines(texts: Iterable[str], limits: Iterable[int]) -> list[str]:
    return [
        text if wcwidth.width(text) <= limit else "\n".join(wcwidth.wrap(text, limit))
        for text, limit in zip(texts, limits, strict=True)
    ]


def _balanced_blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Part columns into as few blocks as fit, the widest of which is as narrow as can be."""
    found = list(_blocks(widths, room))
    for less in range(room - 1, max(widths) - 1, -1):
        blocks = list(_blocks(widths, less))
        if len(blocks) > len(found):
            break
        found = blocks
    return found


def _blocks(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """Yield the numbers of the columns that fit into a line, block by block."""
    block: list[int] = []
    for number in range(len(widths)):
        if block and _total([widths[other] for other in [*block, number]]) > room:
            yield block
            block = []
        block.append(number)
    yield block


def _widths(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(wcwidth.width(header) + _BESIDE_HEADER, *map(wcwidth.width, cells), 1)
        for header, *cells in zip(headers, *rows, strict=True)
    ]


def _widest_word(header: str) -> str:
    return max(header.split(), key=wcwidth.width, default="")


def _narrowed(widths: Sequence[int], room: int, least: int) -> list[int]:
    """Take from the widest columns until all fit, or none is wider than the least."""
    found = list(widths)
    while _total(found) > room and max(found) > least:
        found[found.index(max(found))] -= 1
    return found


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN * (len(widths) - 1)
