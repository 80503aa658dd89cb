"""Scores, tests and Table 3 of a run, written into its folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.planning.tasks import Outcome
from benchmark.store.run_folder import RunFolder
from benchmark.tables.writing import write_run_tables

logger = logging.getLogger("benchmark")


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
    written : bool
        Whether `folder` could be written, so that it has the files of the table.
    """

    folder: Path
    summary: pd.DataFrame
    notes: list[str]
    failures: list[Outcome]
    missing: int
    written: bool = True

    @property
    def complete(self) -> bool:
        """Whether every task has a result."""
        return self.missing == 0


def write_tables(evidence: Evidence, failures: list[Outcome], std: bool = False) -> Study:
    """Write scores, timings, tests and Table 3; where that cannot be, it is logged.

    Parameters
    ----------
    evidence : Evidence
        Its target folder gets the files.
    failures : list of Outcome
        Tasks that failed, for the returned `Study`.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.
    """
    written = not tells_obstacle(evidence.target)
    if written:
        write_run_tables(evidence, std)
    folder, notes = evidence.target.path, evidence.notes
    return Study(folder, evidence.summary, notes, failures, evidence.missing, written)


def tells_obstacle(folder: RunFolder) -> bool:
    """Log that a folder cannot be written, if so: what is shown is no less right without files."""
    said = folder.obstacle()
    if said:
        logger.warning("%s", said)
    return bool(said)
