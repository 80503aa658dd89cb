"""Fonts for names with characters that matplotlib's own font lacks."""

from __future__ import annotations

import contextlib
import functools
import warnings
import zlib
from collections.abc import Iterable, Iterator, Set
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.text import Text

_FONT = "DejaVu Sans"

# A text with codes of characters is cut to about so many characters.
_LONGEST = 32

# Widespread fonts with Chinese, Japanese and Korean characters; Noto's and Adobe's are one font
# under two names, in forms for each language.
_WIDE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
)


@contextlib.contextmanager
def quiet_fonts() -> Iterator[None]:
    """Suppress matplotlib's warnings of characters that no font has; they are drawn as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        warnings.filterwarnings("ignore", "Matplotlib currently does not support")
        yield


@contextlib.contextmanager
def covering_fonts(figure: Figure, as_text: bool) -> Iterator[None]:
    """Let texts with characters that the usual font lacks use other fonts of this machine.

    Parameters
    ----------
    figure : Figure
    as_text : bool
        Whether the file holds texts, which whoever opens it has the fonts for. In others, what no
        font of this machine has would be the same box for all characters: it is written by its
        code, so that names stay different.
    """
    from matplotlib.text import Text

    axes = _axes(figure)
    usual = _characters(_FONT)
    lacking = [
        text
        for text in figure.findobj(Text)
        if any(ord(c) not in usual for c in text.get_text() if c != "\n")
    ]
    if not lacking:
        yield
        return
    fonts = _wide_fonts()
    for text in lacking:
        text.set_fontfamily([_FONT, *fonts])
    covered = usual.union(*map(_characters, fonts))
    with contextlib.ExitStack() as stack:
        if not as_text:
            _write_codes(lacking, axes, covered, stack)
        yield


def lacking_fonts(figure: Figure) -> str:
    """Say what to install where no font of this machine has characters of a figure; else empty."""
    from matplotlib.text import Text

    _axes(figure)
    letters = {c for text in figure.findobj(Text) for c in text.get_text() if c.isprintable()}
    usual = _characters(_FONT)
    if all(ord(c) in usual for c in letters):
        return ""
    covered = usual.union(*map(_characters, _wide_fonts()))
    absent = "".join(sorted(c for c in letters if ord(c) not in covered))
    if not absent:
        return ""
    return (
        f"no font of this machine has {absent[:8]}{' and others' if len(absent) > 8 else ''}, so "
        f"that pictures and PDF files show their codes; install a font with these characters, such "
        f"as Noto Sans CJK for Chinese, Japanese and Korean (Debian: fonts-noto-cjk)"
    )


def _axes(figure: Figure) -> list[Axis]:
    axes: list[Axis] = [axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)]
    for axis in axes:  # labels of ticks get their texts when they are asked for
        axis.get_ticklabels()
    return axes


@functools.cache
def _characters(font: str) -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(font)).get_charmap())


def _wide_fonts() -> list[str]:
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return [name for name in _WIDE_FONTS if name in installed]


def _write_codes(
    texts: Iterable[Text], axes: Iterable[Axis], covered: Set[int], stack: contextlib.ExitStack
) -> None:
    """Write what no font has by its code, until the stack closes."""

    def drawable(text: str) -> str:
        return "\n".join(_with_codes(line, covered) for line in text.split("\n"))

    for text in texts:
        stack.callback(text.set_text, text.get_text())
        text.set_text(drawable(text.get_text()))
    for axis in axes:
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if any(drawable(label) != label for label in labels):
            stack.callback(axis.set_major_formatter, axis.get_major_formatter())
            axis.set_ticklabels(list(map(drawable, labels)))


def _with_codes(line: str, covered: Set[int]) -> str:
    """Write what no font has by its code, and a hash in place of many codes."""
    text = "".join(c if ord(c) in covered else f"⟨{ord(c):04X}⟩" for c in line)
    if text == line or len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}…#{zlib.crc32(line.encode(errors='surrogatepass')):08x}"
