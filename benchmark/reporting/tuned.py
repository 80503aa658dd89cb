"""Tuned rows beside the rows that they tune."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.tuning import untuned
from benchmark.reporting.copies import Shown
from benchmark.tables.grid import Cell, Grid
from benchmark.tables.tuning import (
    measure_of_tuning,
    notes_of_failures,
    tuning_grid,
    tuning_table,
)
from benchmark.wording import signed, value


def tuned_tables(evidence: Evidence) -> list[Shown]:
    """Make the table of the tuning, then one per dataset with all measures; none without tuning."""
    by = measure_of_tuning(evidence.plan)
    if by is None:
        return []
    with_it = evidence.including(by)
    table = tuning_table(with_it.plan, with_it.summary, with_it.pairs, with_it.tuning)
    grid = tuning_grid(table, with_it.plan, notes_of_failures(with_it.tuning))
    return [Shown("tuned", grid, table), *_beside(evidence)]


def _beside(evidence: Evidence) -> list[Shown]:
    partners = untuned(evidence.plan)
    found = []
    for number, (dataset, part) in enumerate(evidence.summary.groupby("dataset", sort=False)):
        rows = part.set_index("model")
        pairs = [(p, t) for t, p in partners.items() if {p, t} <= set(rows.index)]
        if pairs:
            found.append(_of_dataset(f"tuned-{number}", str(dataset), rows, pairs, evidence))
    return found


def _of_dataset(
    name: str,
    dataset: str,
    rows: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    evidence: Evidence,
) -> Shown:
    cells: list[list[Cell]] = []
    numbers: list[tuple[str, str, str, float, float, float]] = []
    measures = evidence.measures
    values = rows[[measure.name for measure in measures]].to_dict("index")
    for plain, tuned in pairs:
        first, second, third = [Cell(plain)], [Cell("")], [Cell("")]
        for line, title in ((first, "untuned"), (second, "tuned"), (third, "gain")):
            line.append(Cell(title))
        for measure in measures:
            before, after = (float(values[model][measure.name]) for model in (plain, tuned))
            gain = after - before if measure.higher_is_better else before - after
            first.append(Cell(value(before, measure), best=gain < 0))
            second.append(Cell(value(after, measure), best=gain > 0))
            third.append(Cell(signed(gain, measure)))
            numbers.append((dataset, plain, measure.name, before, after, gain))
        cells += [first, second, third]
    grid = Grid(
        caption=f"Every measure on {dataset}, untuned and tuned",
        headers=["Model", "Settings", *(f"{m.title} {m.arrow}" for m in measures)],
        cells=cells,
        notes=[
            "Gain: positive where the tuned row is better, whatever the direction of the "
            "measure. Bold: the better of both."
        ],
        rules=frozenset(range(3, len(cells), 3)),
        names=2,
    )
    columns = ["dataset", "model", "measure", "untuned", "tuned", "gain"]
    return Shown(name, grid, pd.DataFrame(numbers, columns=columns))
