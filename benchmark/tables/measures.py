"""The table of measures: column, direction, range, formula and source of each."""

from __future__ import annotations

import math
from collections.abc import Iterable

from benchmark.metrics import MEASURES, Measure
from benchmark.tables.grid import Grid, text_cells

#: What `measure_rows` gives of each measure.
HEADERS = ["Measure", "Column", "Range", "What it is", "Source"]

# For measures whose range depends on the number of labels.
_LABELS = 4


def measure_rows(measures: Iterable[Measure]) -> list[list[str]]:
    """Describe measures, a row each; the column has an arrow to where better is."""
    return [
        [
            measure.name,
            f"{measure.title} {measure.arrow}",
            range_text(measure),
            measure.summary,
            measure.source or (f"in {measure.origin}" if measure.origin else ""),
        ]
        for measure in measures
    ]


def range_text(measure: Measure) -> str:
    """Write the range of a measure; for so many labels where it depends on their number."""
    low, high = measure.bounds(_LABELS)
    text = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:.3g}"
    text = "any number" if math.isinf(low) and math.isinf(high) else text
    return f"{text} ({_LABELS} labels)" if callable(measure.high) else text


def measures_grid(measures: Iterable[Measure]) -> Grid:
    """Lay out `measure_rows`."""
    return Grid(
        caption="Measures",
        headers=HEADERS,
        cells=[text_cells(row) for row in measure_rows(measures)],
        notes=[
            f"Without --measures tables have {', '.join(m.name for m in MEASURES)}, and the mean "
            "rank is over the first seven, the paper's.",
            "Arrows point to where better is; tables show columns with % times 100.",
        ],
    )
