"""What all figures share: how they look, and how they are written as files."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from wcwidth import wcwidth

from benchmark.figures.lettering import covering_fonts, quiet_fonts
from benchmark.figures.look import STYLE_FILE, look, read_style
from benchmark.figures.plain_matplotlib import plain_matplotlib
from benchmark.metrics import Measure
from features.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: File formats of figures.
FORMATS = ("pdf", "svg", "png")

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")
LINES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Drawing:
    """A figure, its numbers and its caption.

    Attributes
    ----------
    name : str
        Name of its files, without an ending.
    figure : matplotlib.figure.Figure
    data : DataFrame
        The numbers that it shows.
    caption : str
        What the figure shows and how to read it, in sentences; where it shows a selection, by
        which rule it was chosen.
    """

    name: str
    figure: Figure
    data: pd.DataFrame
    caption: str


@functools.cache
def _default_style() -> dict[str, Any]:
    with plain_matplotlib({}):
        return read_style(STYLE_FILE)


def colours() -> list[str]:
    """Return the colours of the style, as it says them; they are few and come again."""
    style = {**_default_style(), **look().style}
    return [str(colour) for colour in style["axes.prop_cycle"].by_key()["color"]]


def small_type() -> Any:
    """Return the size of the smallest type: that of legends and of numbers in panels."""
    from matplotlib import rcParams

    return rcParams["legend.fontsize"]


def styled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function draw in the style of this package, whatever the user's settings say."""

    @functools.wraps(function)
    def inside(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        settings = {**_default_style(), **look().style}
        with plain_matplotlib(settings), quiet_fonts():
            return function(*args, **kwargs)

    return inside


def model_style(names: Sequence[str], name: str) -> dict[str, Any]:
    """Colour, marker and line of a model.

    No two of up to 77 models have the same, and no two of up to 44 in grey.
    """
    number, known = names.index(name), colours()
    return {
        "color": known[number % len(known)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
    }


def directed(measure: Measure) -> str:
    """Title of a measure with an arrow to where better is."""
    return f"{measure.title} {'↑' if measure.higher_is_better else '↓'}"


def far_out(values: FloatArray, among: FloatArray) -> NDArray[np.bool_]:
    """Find values that would squeeze all others on a common axis.

    They are more than three interquartile ranges off the quartiles (Tukey's outer fences). Where
    the quartiles are equal, no distance is large.

    Parameters
    ----------
    values : ndarray of shape (n,)
        With fewer than four none is far out.
    among : ndarray
        What the quartiles are taken of.

    Returns
    -------
    ndarray of shape (n,)
    """
    low, high = np.percentile(among, (25, 75))
    reach = 3 * (high - low)
    far: NDArray[np.bool_] = (values < low - reach) | (values > high + reach)
    told = len(values) >= 4 and reach > 0 and not far.all()
    return far if told else np.zeros(len(values), dtype=bool)


def plain(text: str) -> str:
    """Escape a text that matplotlib must show as it is: no formulas, no line breaks."""
    return _visible(text).replace("$", r"\$")


def shortened(names: Sequence[str], limit: int) -> list[str]:
    """Cut long names in the middle and escape them; different names stay different.

    Names that would be cut to the same show more of their end, and where that is not enough, a
    number.
    The limit counts Latin letters; Chinese, Japanese and Korean characters are twice as wide.
    """
    found: dict[str, str] = {}
    head = (limit - 1) // 2
    # Names that fit come first, so that no other is cut to one of them.
    for name in sorted(dict.fromkeys(names), key=lambda name: wide(_visible(name)) > limit):
        shown = short = _visible(name)
        if wide(shown) > limit:
            cuts = [_cut(shown, start, limit) for start in range(head, 1, -1)]
            free = (cut for cut in cuts if plain(cut) not in found.values())
            short = next(free, _cut(shown, head, limit))
        number = len(found)
        while plain(short) in found.values():
            number += 1
            short = f"{_start(shown, head)}…#{number}"
        found[name] = plain(short)
    return [found[name] for name in names]


def wide(text: str) -> int:
    """Return how wide a text is, in Latin letters."""
    return sum(max(0, wcwidth(c)) for c in text)


def _cut(text: str, start: int, limit: int) -> str:
    """Return the start and the end of a text, together as wide as the limit."""
    return f"{_start(text, start)}…{_start(text[::-1], limit - 1 - start)[::-1]}"


def _start(text: str, limit: int) -> str:
    """Return as much of the start of a text as fits."""
    ends = accumulate(max(0, wcwidth(c)) for c in text)
    return text[: sum(end <= limit for end in ends)]


def name_limit() -> int:
    """Return how many characters of a name beside a panel there is room for."""
    return 24 if not look().narrow else 18


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def legend_columns(labels: Iterable[str]) -> int:
    """Return the number of columns that a legend across the figure has room for."""
    return max(1, int(look().width / (0.5 + 0.065 * max(map(wide, labels), default=0))))


def legend_height(labels: Sequence[str]) -> float:
    """Return the height in inches that a legend across the figure takes."""
    return 0.15 * -(-len(labels) // legend_columns(labels)) + 0.1


@styled
def written(figure: Figure, file_format: str) -> bytes:
    """Return a figure as a file of a format; the same numbers give the same bytes."""
    # Undo the layout of an earlier file, so that every file gets the same.
    for panel in figure.axes:
        spec = panel.get_subplotspec()
        if spec is not None:
            panel.set_subplotspec(spec)
    buffer = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}[file_format]
    with covering_fonts(figure, as_text=file_format == "svg"):
        figure.savefig(buffer, format=file_format, metadata=metadata)
    return buffer.getvalue()
