"""Figures of stored results; matplotlib is loaded when one is drawn."""

from benchmark.figures.base import Choice, Drawing, FigureKind
from benchmark.figures.catalogue import FIGURES

__all__ = ["FIGURES", "Choice", "Drawing", "FigureKind"]
