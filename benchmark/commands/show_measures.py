"""The text of the command ``measures``."""

from __future__ import annotations

from typing import Any

from benchmark.metrics import installed_problems, known_measures
from benchmark.tables.layout import filled, listing
from benchmark.tables.measures import HEADERS, measure_rows, range_text


def show_measures(width: int | None = None) -> str:
    """List all measures, and where each was published.

    Parameters
    ----------
    width : int, optional
        Characters in a line.
    """
    rows = measure_rows(known_measures().values())
    sources = filled([f"{row[0]}: {row[-1]}" for row in rows if row[-1]], width)
    broken = "".join(f"\n{problem}." for problem in installed_problems())
    return (
        f"{listing(HEADERS[:-1], [row[:-1] for row in rows], width)}\n\nSources:\n{sources}{broken}"
    )


def facts_of_measures() -> list[dict[str, Any]]:
    """Return what there is to know of every measure, for programs."""
    return [
        {
            "name": measure.name,
            "title": measure.title,
            "higher_is_better": measure.higher_is_better,
            "range": range_text(measure),
            "summary": measure.summary,
            "source": measure.source or measure.origin,
        }
        for measure in known_measures().values()
    ]
