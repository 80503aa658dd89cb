"""Fonts for names with characters that matplotlib's own font lacks."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FONT = "DejaVu Sans"

# Widespread fonts with Chinese, Japanese and Korean characters, of kinds that a PDF can hold.
_WIDE_FONTS = (
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


def use_covering_fonts(figure: Figure) -> None:
    """Let texts with characters that the usual font lacks use other fonts of this machine."""
    from matplotlib.font_manager import findfont, fontManager, get_font
    from matplotlib.text import Text

    for panel in figure.axes:  # labels of ticks get their texts when they are asked for
        for axis in (panel.xaxis, panel.yaxis):
            axis.get_ticklabels()
    covered = get_font(findfont(_FONT)).get_charmap()
    lacking = [
        text for text in figure.findobj(Text) if any(ord(c) not in covered for c in text.get_text())
    ]
    if not lacking:
        return
    installed = {font.name for font in fontManager.ttflist}
    for text in lacking:
        text.set_fontfamily([_FONT, *(name for name in _WIDE_FONTS if name in installed)])
