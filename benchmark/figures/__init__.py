"""Figures of stored results; matplotlib is loaded when one is drawn."""

from benchmark.figures.base import FORMATS, Drawing
from benchmark.figures.catalogue import FIGURES, FigureKind
from benchmark.figures.choice import Choice, NotShown

__all__ = ["FIGURES", "FORMATS", "Choice", "Drawing", "FigureKind", "NotShown"]
