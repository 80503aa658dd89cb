"""Heat maps with a number in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.figures.base import small_type, wide
from features.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Below this luminance white has more contrast than black.
_DARK = 0.179


def heat_map(
    panel: Axes,
    values: FloatArray,
    texts: Sequence[Sequence[str]],
    labels: tuple[Sequence[str], Sequence[str]],
    span: tuple[float, float],
    colours: str = "cividis",
) -> None:
    """Draw a matrix with a text in every cell, in colours whose order is visible in grey too.

    Parameters
    ----------
    panel : Axes
    values : ndarray of shape (rows, columns)
        NaN is hatched.
    texts : sequence of sequence of str
        What is written into the cells.
    labels : (sequence of str, sequence of str)
        Of rows and columns, escaped.
    span : (float, float)
        The values at the ends of the colours.
    colours : str
        Name of a colour map.
    """
    from matplotlib.patches import Rectangle

    image = panel.imshow(np.ma.masked_invalid(values), colours, aspect="auto",
                         vmin=span[0], vmax=span[1])  # fmt: skip
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            corner = (column - 0.5, row - 0.5)
            panel.add_patch(
                Rectangle(corner, 1, 1, facecolor="white", edgecolor="0.6", hatch="////", lw=0)
            )
        dark = not np.isnan(value) and luminance(image.to_rgba(np.array([value]))[0]) < _DARK
        panel.text(
            column, row, texts[row][column], ha="center", va="center", fontsize=small_type(),
            color="white" if dark else "black",
            # Text on hatching is legible only on a white box.
            bbox={"facecolor": "white", "lw": 0, "pad": 1} if np.isnan(value) else None,
        )  # fmt: skip
    rows, columns = labels
    panel.set_yticks(range(len(rows)), rows)
    panel.set_xticks(range(len(columns)), columns)
    panel.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    room = panel.get_window_extent().width / panel.figure.dpi / len(columns)
    if (
        max(map(wide, columns)) * 0.07 >= room
    ):  # inches; the names are too long to stand side by side
        for label in panel.get_xticklabels():
            label.set(rotation=40, ha="left", va="bottom", rotation_mode="anchor")


def luminance(colour: Sequence[float] | FloatArray) -> float:
    """Relative luminance of a colour, 0 to 1 (WCAG 2.2)."""
    c = np.asarray(colour[:3], dtype=np.float64)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
