"""The figures of the report, as addresses that hold them whole, for light and dark pages."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.analysis.evidence import Evidence
from benchmark.errors import apart
from benchmark.figures.base import written
from benchmark.figures.catalogue import draw_all
from benchmark.figures.choice import Choice, NotShown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Number of datasets whose figures are in the report; the others can be drawn by the command.
DRAWN_DATASETS = 3

#: Figures with pictures of instances.
WITH_PICTURES = ("1", "4")

# A drawing that is larger than this as SVG, in bytes, takes less room as PNG.
_LARGEST_SVG = 150_000
_LARGEST_WITH_PICTURES = 1_000_000

# On a dark page the style sheet turns the lightness of every figure round, hues stay; photographs
# are turned back.
_PHOTOGRAPHS = (
    b"<style>@media (prefers-color-scheme: dark)"
    b"{image{filter:hue-rotate(180deg) invert(1)}}</style>"
)


@dataclass(frozen=True)
class Picture:
    """A figure in the report.

    Attributes
    ----------
    title, caption : str
    address : str
        Data address.
    turned : bool
        Whether its lightness is turned round on a dark page; a photograph in PNG is not.
    """

    title: str
    caption: str
    address: str
    turned: bool = True


def pictures_of(evidence: Evidence, pictures: bool, problems: list[str]) -> list[Picture]:
    """Draw the figures; a failure is told to `problems`.

    Parameters
    ----------
    evidence : Evidence
    pictures : bool
        Whether those with pictures of instances are wanted.
    problems : list of str
        Gets a sentence for every figure that cannot be drawn.
    """
    drawn = list(evidence.plan.truths)[:DRAWN_DATASETS]
    found = []
    for attempt in draw_all(evidence, Choice(), problems, drawn):
        drawing, kind = attempt.outcome, attempt.kind
        photographs = kind.name in WITH_PICTURES
        if isinstance(drawing, NotShown) or (not pictures and photographs):
            continue
        with apart(f"figure {kind.name}", problems):
            address = address_of(drawing.figure, photographs)
            turned = not photographs or address.startswith("data:image/svg")
            found.append(Picture(kind.title, drawing.caption, address, turned))
    return found


def address_of(figure: Figure, photographs: bool = False) -> str:
    """Write a figure as an address that holds all of it, of the smaller kind.

    Parameters
    ----------
    figure : Figure
    photographs : bool
        Whether its images are photographs, which stay as they are on a dark page.
    """
    content = written(figure, "svg")
    kind = "svg+xml"
    if photographs:
        content = content.replace(b"</defs>", _PHOTOGRAPHS + b"</defs>", 1)
    if len(content) > (_LARGEST_WITH_PICTURES if photographs else _LARGEST_SVG):
        content, kind = written(figure, "png"), "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
