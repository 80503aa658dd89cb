"""Scores, tests and Table 3 of a run, written into its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.scores import timings_frame
from benchmark.metrics import MEASURES
from benchmark.planning.tasks import Outcome
from benchmark.tables import render
from benchmark.tables.significance import rankings_frame


@dataclass(frozen=True)
class Study:
    """The outcome of a run.

    Attributes
    ----------
    folder : Path
        The folder with all of its files.
    summary : DataFrame
        Table 3 in numbers, see `benchmark.analysis.scores.summarise`.
    notes : list of str
        What a reader of the table has to know.
    failures : list of Outcome
        Tasks of this run that failed.
    missing : int
        Number of tasks that have no result.
    """

    folder: Path
    summary: pd.DataFrame
    notes: list[str]
    failures: list[Outcome]
    missing: int

    @property
    def complete(self) -> bool:
        """Whether every task has a result."""
        return self.missing == 0


def write_tables(evidence: Evidence, failures: list[Outcome], std: bool = False) -> Study:
    """Write scores, timings, tests and Table 3.

    Parameters
    ----------
    evidence : Evidence
        Its target folder gets the files.
    failures : list of Outcome
        Tasks that failed, for the returned `Study`.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.
    """
    folder, summary = evidence.target, evidence.summary
    lines = evidence.notes
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
    folder.write_file("table3.tex", render.latex(summary, lines, std))
    folder.write_file("table3.md", render.markdown(summary, lines, std))
    return Study(folder.path, summary, lines, failures, evidence.missing)
