"""Scores, tests and Table 3 of a run, written into its folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Evidence, Out, gather
from benchmark.commands.against import standing_of
from benchmark.errors import UsageError, apart, told
from benchmark.metrics import MEASURES, Measure
from benchmark.planning.tasks import Outcome
from benchmark.reference.contents import Reference
from benchmark.reference.grids import write_standing
from benchmark.reference.joining import Standing
from benchmark.running.environment import log_to
from benchmark.store.run_folder import RunFolder
from benchmark.tables.writing import write_run_tables
from benchmark.wording import Chosen, find_measures

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
    problems : list of str
        What could not be made or written, in sentences without a full stop; the rest is there.
    written : bool
        Whether `folder` could be written, so that it has the files of the table.
    standing : Standing, optional
        The full table of the reference results with the run's rows in it, where that was asked for.
    remarks : list of str
        What a reader of that table has to know.
    measures : tuple of Measure
        The columns of the table.
    """

    folder: Path
    summary: pd.DataFrame
    notes: list[str]
    failures: list[Outcome]
    missing: int
    problems: list[str] = field(default_factory=list)
    written: bool = True
    standing: Standing | None = None
    remarks: list[str] = field(default_factory=list)
    measures: tuple[Measure, ...] = MEASURES

    @property
    def complete(self) -> bool:
        """Whether every task has a result."""
        return self.missing == 0


#: Gets a study as soon as its table can be shown, before anything is made that may fail.
Show = Callable[[Study], object]


def show_nothing(_study: Study) -> None:
    """Leave it to the caller to show the study in the end."""


def write_tables(
    evidence: Evidence,
    failures: Iterable[Outcome] = (),
    std: bool = False,
    show: Show = show_nothing,
    against: Reference | None = None,
) -> Study:
    """Show Table 3, then write scores, timings, tests and Table 3; where that cannot be, log it.

    Parameters
    ----------
    evidence : Evidence
        Its target folder gets the files.
    failures : iterable of Outcome
        Tasks that failed, for the returned `Study`.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.
    show : callable
        Gets the study before any file is written.
    against : Reference, optional
        What the run's rows are put into.
    """
    said = evidence.nothing_scored
    problems = [f"{said}, so the table has the default columns"] if said else []
    notes: list[str] = []
    with apart("the notes of the table", problems):
        notes = evidence.notes
    standing, remarks = standing_of(evidence, against) if against else (None, [])
    study = Study(
        evidence.target.path, evidence.summary, notes, list(failures), evidence.missing, problems,
        not tells_obstacle(evidence.target), standing, remarks, evidence.measures,
    )  # fmt: skip
    with apart("the table on the terminal", problems):
        show(study)
    if study.written:
        write_run_tables(evidence, std, problems)
        if standing:
            write_standing(evidence.target, standing, remarks, std, problems)
    return study


def tells_obstacle(folder: RunFolder) -> bool:
    """Log that a folder cannot be written, if so: what is shown is no less right without files."""
    said = folder.obstacle()
    if said:
        logger.warning("%s", said)
    return bool(said)


@contextmanager
def gathered(
    what: str, out: Out, to: str | Path | None, measures: Chosen = None
) -> Iterator[Evidence]:
    """Gather the evidence; what is made of it fails with a sentence, and the log tells the rest."""
    chosen = find_measures(measures)
    with gather(out, to, chosen) as evidence:
        target = evidence.target
        writable = not target.obstacle()
        log = log_to(target.path / "log.txt", at_once=False) if writable else nullcontext()
        with log, told(what):
            if measures is not None and evidence.nothing_scored:
                raise UsageError(evidence.nothing_scored)
            yield evidence
