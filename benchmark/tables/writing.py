"""Writes tables as files: .csv with the numbers, .md and .tex for people."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark.analysis.comparisons import rankings_frame
from benchmark.analysis.evidence import Evidence
from benchmark.analysis.scores import timings_frame
from benchmark.metrics import MEASURES
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid, latex, markdown
from benchmark.tables.table3 import table3_grids


def write_run_tables(evidence: Evidence, std: bool = False) -> None:
    """Write scores, timings, tests and Table 3 into the evidence's target folder.

    Parameters
    ----------
    evidence : Evidence
    std : bool
        Show the deviation over folds in Markdown and LaTeX.
    """
    folder, summary = evidence.target, evidence.summary
    frames = {
        "scores": evidence.scores,
        "timings": timings_frame(evidence.plan, evidence.results),
        "pairs": evidence.pairs,
        "intervals": evidence.intervals,
        "table3": summary,
    }
    rankings = rankings_frame(summary, MEASURES)
    if len(rankings):
        frames["rankings"] = rankings
    for name, frame in frames.items():
        folder.write_file(f"{name}.csv", frame.to_csv(index=False))
    grids = table3_grids(summary, std)
    folder.write_file("table3.tex", latex(grids, evidence.notes))
    folder.write_file("table3.md", markdown(grids, evidence.notes))


def write_grid(folder: RunFolder, name: str, frame: pd.DataFrame, grid: Grid) -> list[Path]:
    """Write a table as .csv (the numbers), .tex and .md; return the files."""
    return [
        folder.write_file(f"{name}.csv", frame.to_csv(index=False)),
        folder.write_file(f"{name}.tex", latex(grid)),
        folder.write_file(f"{name}.md", markdown(grid)),
    ]
