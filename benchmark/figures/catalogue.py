"""Figures of stored results; matplotlib is loaded when one is drawn."""

from __future__ import annotations

import importlib

from benchmark.analysis.evidence import Evidence
from benchmark.figures.base import Choice, Drawing, FigureKind


def _kind(name: str, title: str, target: str, per_dataset: bool) -> FigureKind:
    """Register a figure whose module is imported only when it is drawn."""
    module, function = target.split(":")

    def make(evidence: Evidence, choice: Choice) -> Drawing:
        drawing: Drawing = getattr(importlib.import_module(module), function)(evidence, choice)
        return drawing

    return FigureKind(name, title, make, per_dataset)


_KINDS = (
    _kind(
        "1", "Sample images and their distributions", "benchmark.figures.samples:make_true", True
    ),
    _kind(
        "4", "Predicted and true distributions", "benchmark.figures.samples:make_predicted", True
    ),
    _kind("5", "Accuracy and KL divergence over sigma", "benchmark.figures.sigma:make", False),
    _kind("boxes", "Every measure, fold by fold", "benchmark.figures.boxes:make", True),
    _kind(
        "critical", "Critical differences over datasets", "benchmark.figures.critical:make", False
    ),
    _kind("ranks", "Ranks of the models", "benchmark.figures.ranks:make", False),
    _kind("wheel", "The emotion wheel and its prior", "benchmark.figures.wheel:make", True),
    _kind(
        "calibration",
        "Predicted shares against true ones",
        "benchmark.figures.calibration:make",
        True,
    ),
    _kind(
        "learning", "Loss of the networks, epoch by epoch", "benchmark.figures.learning:make", True
    ),
    _kind("cost", "Time against quality", "benchmark.figures.cost:make", True),
)

#: What can be drawn, by its name on the command line; numbers are those of the paper's figures.
FIGURES: dict[str, FigureKind] = {kind.name: kind for kind in _KINDS}
