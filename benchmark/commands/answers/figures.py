"""Figures as answers: shown inline in a notebook, saved in any of their formats."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.columns import as_csv
from benchmark.commands.answers.base import Answer, Make, paragraphs
from benchmark.errors import UsageError
from benchmark.figures.base import FORMATS, Drawing, written
from benchmark.figures.in_latex import as_latex
from benchmark.wording import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_INCH = 96  # pixels of a browser


class Figure(Sequence[tuple[Drawing, list[Path]]], Answer):
    """A figure with its numbers and its caption.

    It is also a sequence of one pair, the drawing and its files.

    Parameters
    ----------
    drawing : Drawing
    paths : iterable of Path
        The files that were written of it in the run folder.

    Attributes
    ----------
    drawing : Drawing
    paths : list of Path

    Examples
    --------
    >>> import benchmark
    >>> boxes = benchmark.figure("boxes")  # doctest: +SKIP
    >>> boxes.save("boxes.pdf")  # doctest: +SKIP
    """

    _what = "figure"

    #: What the picture is called that its LaTeX takes in, if not as in a run folder.
    _picture = ""

    def __init__(self, drawing: Drawing, paths: Iterable[Path] = ()):
        self.drawing = drawing
        self.paths = list(paths)

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.drawing.name

    @property
    def caption(self) -> str:
        """What it shows and how to read it."""
        return self.drawing.caption

    @property
    def figure(self) -> Canvas:
        """The figure as matplotlib has it, to change it before it is saved."""
        return self.drawing.figure

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers that the figure shows."""
        return self.drawing.data.copy()

    def __str__(self) -> str:
        wide, high = self.figure.get_size_inches() * 2.54
        files = f"\n{', '.join(map(str, self.paths))}" if self.paths else ""
        return f"Figure {self.name}, {wide:.1f} x {high:.1f} cm\n{self.caption}{files}"

    def _repr_html_(self) -> str:
        picture = written(self.figure, "png")
        wide = self.figure.get_size_inches()[0] * _INCH
        return (
            f'<figure style="margin:0.5em 0"><img alt="{escape(self.caption)}" '
            f'style="width:{wide:.0f}px;max-width:100%;background:white" '
            f'src="data:image/png;base64,{b64encode(picture).decode()}">'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )

    def save(self, path: str | Path) -> Path:
        """Write it as `Answer.save`; as ``.tex`` it takes in the picture of the same name."""
        shown = copy(self)
        shown._picture = Path(path).stem
        return super(Figure, shown).save(path)

    def _files(self) -> Mapping[str, Make]:
        known: dict[str, Make] = {f".{kind}": partial(written, self.figure, kind)
                                  for kind in FORMATS}  # fmt: skip
        return {
            **known,
            ".csv": lambda: as_csv(self.drawing.data),
            ".txt": lambda: f"{self.caption}\n",
            ".tex": lambda: as_latex(self.drawing, self._picture),
        }

    # As a sequence, which earlier versions returned.

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int | slice) -> tuple[Drawing, list[Path]]:  # type: ignore[override]
        return [(self.drawing, self.paths)][index]  # type: ignore[return-value]


class Figures(list[Figure], Answer):
    """All figures of a run.

    Parameters
    ----------
    found : iterable of Figure
    left_out : sequence of str
        Which cannot be drawn of the run and why, as clauses without a full stop.

    Examples
    --------
    >>> import benchmark
    >>> figures = benchmark.figure("all")  # doctest: +SKIP
    >>> [figure.name for figure in figures]  # doctest: +SKIP
    """

    _what = "list of figures"

    def __init__(self, found: Iterable[Figure], left_out: Sequence[str] = ()):
        super().__init__(found)
        self.left_out = list(left_out)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per figure: name, caption and files."""
        rows = [(one.name, one.caption, ", ".join(map(str, one.paths))) for one in self]
        return pd.DataFrame(rows, columns=["name", "caption", "files"])

    def __str__(self) -> str:
        lines = [f"{one.name}: {one.caption}" for one in self]
        return "\n".join([count(len(self), "figure"), *lines, *self.left_out])

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self)
        return "\n".join([f"{count(len(self), 'figure')}: {names}", *self.left_out])

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self) + paragraphs(self.left_out)

    def _files(self) -> Mapping[str, Make]:
        raise UsageError(
            "several figures go into several files: save one, as with figures[0].save(..)"
        )
