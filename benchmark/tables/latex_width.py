"""How wide a text is in print, and how the columns of a table come into the width of a page.

Widths are those of Computer Modern at 8 points, LaTeX's own font and wider than Times: what fits in
it fits in the fonts of journals.
"""

# ruff: noqa: RUF001 - signs that look like others have widths, too

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import wcwidth

#: Type size of tables in points, and the distance of their lines.
SIZE, LEADING = 8.0, 9.5

#: Widths of a page and of one of its columns in points, by columns of text on the page: the least
#: of the usual styles. Of two: IEEEtran, acmart, elsarticle 5p, cvpr; of one: article at 10 points.
PAGE = {2: 490.0, 1: 340.0}
COLUMN = {2: 230.0, 1: 340.0}

#: Height of a page that a table may take, in points.
HEIGHT = 520.0

#: Least space between columns.
BETWEEN = 6.0

# Widths of characters in thousandths of the type size: cmr8, from its font metrics.
_WIDTHS = {
    character: width
    for width, characters in {
        295: " \u00a0!',.:;[]`il|", 325: "fj", 354: "-", 383: "I", 413: "()t", 414: "r", 419: "s",
        472: "cez", 502: "?", 531: '"$*/0123456789\\ago{}', 545: "J", 561: "kqvxy_",
        590: "Sbdhnpu", 649: "Z^~", 663: "L", 693: "F", 722: "EP", 752: "B", 767: "CTw",
        781: "R", 796: "AHNUVXY", 811: "D", 825: "K", 826: "&+<=>@OQ", 833: "G", 885: "#%m",
        973: "M", 1091: "W", 560: "↑↓†", 830: "±≈→←≤≥×−",
    }.items()
    for character in characters
}  # fmt: skip

# Wider letters than any that LaTeX has of its own, and codes in angle brackets.
_OTHER = 1000
_CODE = 4500

# How much wider bold letters are (cmbx8).
_BOLD = 1.16

# A column of texts that is wider than this takes several lines where there is no room for one, and
# no column of texts is made narrower than the other.
_LONG, _SHORTEST = 100.0, 56.0

# The share of a page that names of rows may take.
_NAMES = 0.4

# A header that is no wider than this takes one line, and none takes more lines than these.
_NARROW = 28.0
_HEADER_LINES = 3

#: After these a word that is too long may go on in the next line.
_BREAKS = re.compile(r"(?<=[-_/.,;:=+])(?=.)")


def width(text: str, bold: bool = False) -> float:
    """Return the width of a text in points at the type size of tables; an upper bound."""
    total = 0
    for character in unicodedata.normalize("NFC", text):
        plain = unicodedata.normalize("NFD", character)[0]
        if character in _WIDTHS or plain in _WIDTHS:
            total += _WIDTHS.get(character) or _WIDTHS[plain]
        elif wcwidth.wcwidth(character) == 2 or character.isalpha():
            total += _OTHER if unicodedata.name(character, "")[:5] in _PRINTED else _CODE
        else:
            total += _CODE
    return total * SIZE / 1000 * (_BOLD if bold else 1.0)


# Beginnings of the names of characters that fonts of papers have: Latin, Greek, Chinese, Japanese.
_PRINTED = ("LATIN", "GREEK", "CJK U", "CJK C", "HIRAG", "KATAK", "FULLW", "IDEOG")


def pieces(text: str, limit: float) -> list[str]:
    """Part a word that is wider than the limit, after signs where it has some."""
    if width(text, bold=True) <= limit:
        return [text]
    found: list[str] = []
    for part in _BREAKS.split(text):
        line = ""
        for character in part:
            if line and width(line + character, bold=True) > limit:
                found.append(line)
                line = ""
            line += character
        if found and len(found[-1]) and width(found[-1] + line, bold=True) <= limit:
            found[-1] += line
        else:
            found.append(line)
    return found


def lines_of(text: str, limit: float) -> list[str]:
    """Part a text into lines that are no wider than the limit, as LaTeX does in a paragraph."""
    lines: list[str] = []
    for word in text.split(" "):
        for number, piece in enumerate(pieces(word, limit)):
            joined = f"{lines[-1]}{'' if number else ' '}{piece}" if lines else piece
            if lines and width(joined, bold=True) <= limit:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def header_lines(header: str, body: float) -> list[str]:
    """Part a header into lines, so that it makes its column no wider than need be."""
    # Signs stay with the word before them.
    words = re.sub(r" (?=[%↑↓](?: |$))", "\u00a0", header).split(" ")
    longest = max(width(piece) for word in words for piece in pieces(word, 2 * _SHORTEST))
    limit = max(body, longest, _NARROW) * _BOLD
    lines = lines_of(" ".join(words), limit)
    while len(lines) > _HEADER_LINES:
        limit *= 1.1
        lines = lines_of(" ".join(words), limit)
    return [line.replace("\u00a0", " ") for line in lines]


@dataclass(frozen=True)
class Layout:
    """How the columns of a table lie on the page.

    Attributes
    ----------
    wide : bool
        Whether it goes over all columns of text of the page.
    blocks : list of list of int
        Numbers of the columns that stand beside each other, without the names of the rows; the
        blocks are one below the other.
    paragraphs : dict
        Columns whose texts take several lines: number to width in points.
    needed : float
        Width in points; an upper bound.
    """

    wide: bool
    blocks: list[list[int]]
    paragraphs: dict[int, float]
    needed: float


def lay_out(widths: Sequence[float], texts: Sequence[bool], names: int, columns: int) -> Layout:
    """Find the columns their places.

    The rule: a table that fits a column of text stays in it; else it goes over the page. Where it
    is wider than that, long names and texts take several lines; then the columns come in as few
    blocks as fit, the same number in each, one block below the other. No column is left out.

    Parameters
    ----------
    widths : sequence of float
        Width of every column in points.
    texts : sequence of bool
        Which columns have words that may go on in the next line.
    names : int
        How many columns, from the first, stand in every block.
    columns : int
        Columns of text on a page.
    """
    values = list(range(names, len(widths)))
    for room in dict.fromkeys((COLUMN[columns], PAGE[columns])):
        if (needed := _needed(widths, [*range(names), *values])) <= room:
            return Layout(room > COLUMN[columns], [values], {}, needed)
    page = PAGE[columns]
    stub = _narrowed(widths[:names], [True] * names, _NAMES * page if values else page)
    long = [
        number >= names and can and width > _LONG
        for number, (can, width) in enumerate(zip(texts, widths, strict=True))
    ]
    narrowed = _narrowed([*stub, *widths[names:]], long, page)
    for number in range(1, max(len(values), 1) + 1):
        each = -(-len(values) // number)
        blocks = [values[i : i + each] for i in range(0, len(values), each)] if values else [[]]
        # What stands below each other has one width.
        shared = [max(narrowed[block[i]] for block in blocks if i < len(block))
                  for i in range(each)]  # fmt: skip
        needed = _needed([*stub, *shared], range(names + each))
        if needed <= page:
            break
    paragraphs = {i: w for i, w in enumerate(narrowed) if w < widths[i]}
    return Layout(page > COLUMN[columns], blocks, paragraphs, needed)


def _narrowed(widths: Sequence[float], which: Sequence[bool], room: float) -> list[float]:
    """Take from the widest of some columns until all fit, or none is wider than the shortest."""
    found = list(widths)
    while _needed(found, range(len(found))) > room:
        wide = [i for i, width in enumerate(found) if which[i] and width > _SHORTEST]
        if not wide:
            break
        widest = max(wide, key=lambda i: found[i])
        found[widest] = max(found[widest] - 4.0, _SHORTEST)
    return found


def _needed(widths: Sequence[float], chosen: Sequence[int]) -> float:
    return sum(widths[i] for i in chosen) + BETWEEN * (len(chosen) - 1)
