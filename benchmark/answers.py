"""The classes of what the functions of `benchmark` return, for types and tests of one's own."""

from benchmark.commands.answers.base import Answer
from benchmark.commands.answers.documents import (
    Checked,
    Comparison,
    Ranked,
    ReferenceResults,
    Report,
)
from benchmark.commands.answers.figures import Figure, Figures
from benchmark.commands.answers.models import Models
from benchmark.commands.answers.tables import Failures, Listing, Problems, Table, Text
from benchmark.commands.study import Study

__all__ = [
    "Answer",
    "Checked",
    "Comparison",
    "Failures",
    "Figure",
    "Figures",
    "Listing",
    "Models",
    "Problems",
    "Ranked",
    "ReferenceResults",
    "Report",
    "Study",
    "Table",
    "Text",
]
