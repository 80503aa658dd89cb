"""One's own rows among those of the reference, for people: tables, sentences and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.analysis.explained import over_what
from benchmark.analysis.statistics import ALPHA
from benchmark.columns import as_csv
from benchmark.metrics import EPS, TOLERANCE, Measure
from benchmark.reference.joining import Standing
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid, markdown
from benchmark.tables.latex import latex
from benchmark.tables.options import TableOptions
from benchmark.tables.significance import ranking_sentences
from benchmark.tables.table3 import table3_grids
from benchmark.tables.writing import write_files
from benchmark.wording import count, listed

#: Stands before the name of one's own row.
MARK = "→ "


def standing_grids(standing: Standing, options: TableOptions | None = None) -> list[Grid]:
    """Lay out the full table, the best mean rank first, one's own rows marked; one per dataset.

    Reference rows without a result are left to the sentences.
    """
    rows = standing.summary
    own, trivial = rows["origin"] == "own", rows["kind"] == "trivial"
    shown = rows[rows["mean_rank"].notna() | trivial | own].copy()
    shown["model"] = np.where(own[shown.index], MARK + shown["model"], shown["model"])
    shown["group"] = np.where(trivial[shown.index], "trivial", "own")
    parts = [
        part.sort_values(["kind", "mean_rank"], kind="stable", na_position="last")
        for _, part in shown.groupby("dataset", sort=False)
    ]
    grids = table3_grids(pd.concat(parts, ignore_index=True), standing.measures, options)
    legend = f"{MARK}own rows; the others are reference results."
    return [
        replace(grid, name=f"against-{grid.title}", legend=[legend, *grid.legend]) for grid in grids
    ]


def standing_sentences(standing: Standing, measure: Measure) -> list[str]:
    """Say where one's own rows stand, and what a reader of the table has to know."""
    summary = standing.summary
    lines = [f"{MARK}marks your own rows; the others are reference results, not computed here."]
    for dataset, part in summary[summary["kind"] == "model"].groupby("dataset", sort=False):
        lines += [_place(standing, str(dataset), part, name, measure) for name in standing.own
                  if name in set(part["model"])]  # fmt: skip
    if len(summary["dataset"].unique()) > 1:
        lines += ranking_sentences(summary, measure)
    lines += [
        "Mean over all test folds; ranks are among all models, 1 is best; mean rank over "
        f"{over_what(standing.measures)}. Means that differ by at most {TOLERANCE:g} are "
        f"tied. Predicted shares below {EPS:g} count as {EPS:g} in KLdiv.",
        "† not better than the mean training distribution, which looks at no instance.",
        "Significance: corrected resampled t-test over the folds (Nadeau and Bengio 2003), "
        "adjusted by Holm's method for the comparisons of your row (p_holm_own in "
        "against-pairs.csv; p_holm there is adjusted for all pairs of rows).",
    ]
    for dataset, lost in standing.without.items():
        reasons: dict[str, list[str]] = {}
        for name, why in lost.items():
            reasons.setdefault(why, []).append(name)
        lines += [
            f"{dataset}: the reference has no result of {listed(names)}: {why}."
            for why, names in reasons.items()
        ]
    lines.append(
        f"The reference results were computed on {listed(standing.machines, 'or')}; on another "
        f"machine the last digits of your rows may differ from what they would be there."
    )
    return lines


def _place(
    standing: Standing, dataset: str, part: pd.DataFrame, name: str, measure: Measure
) -> str:
    """Say where a row stands on a dataset, and from which others the test tells it."""
    row = part[part["model"] == name].iloc[0]
    if np.isnan(row["mean_rank"]):
        return f"{dataset}: {name} has {row['folds']} of {row['expected_folds']} folds: no rank."
    ranked = part.dropna(subset="mean_rank")
    place = int((ranked["mean_rank"] < row["mean_rank"]).sum()) + 1
    pairs = standing.pairs
    mine = pairs[(pairs["dataset"] == dataset) & (pairs["measure"] == measure.name)
                 & (pairs["model_a"] == name)]  # fmt: skip
    tested = mine["p_value"].notna()
    significant = mine["p_holm_own"] < ALPHA
    better = int((significant & (mine["difference"] > 0)).sum())
    worse = int((significant & (mine["difference"] < 0)).sum())
    untested = int((~tested).sum())
    return (
        f"{dataset}: {name} has the mean rank {row['mean_rank']:.2f}, place {place} of "
        f"{len(ranked)}. In {measure.title} it is significantly better than {better} of "
        f"{count(len(mine), 'row')}, worse than {worse}, and not told from "
        f"{int(tested.sum()) - better - worse}"
        + (f"; {untested} could not be tested." if untested else ".")
    )


def write_standing(
    folder: RunFolder,
    standing: Standing,
    sentences: Sequence[str],
    options: TableOptions | None = None,
    problems: list[str] | None = None,
) -> list[Path]:
    """Write ``against.csv``, ``.md``, ``.tex`` and ``against-pairs.csv`` into a run folder."""
    grids = standing_grids(standing, options)
    return write_files(
        folder,
        {
            "against.csv": partial(as_csv, standing.summary),
            "against-pairs.csv": partial(as_csv, standing.pairs),
            "against.md": partial(markdown, grids, sentences),
            "against.tex": partial(latex, grids, sentences),
        },
        problems,
    )
