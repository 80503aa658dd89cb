"""Scores, tests and Table 3 of a run, shown and written into its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.analysis.evidence import Evidence, Out
from benchmark.commands.against import opened, standing_of
from benchmark.commands.answers.tables import Failures
from benchmark.commands.gathering import gathered, tells_obstacle
from benchmark.commands.study import Study
from benchmark.errors import apart
from benchmark.planning.tasks import Outcome
from benchmark.reference.contents import Reference
from benchmark.reference.grids import write_standing
from benchmark.tables.options import TableOptions
from benchmark.tables.writing import write_run_tables
from benchmark.wording import Chosen

#: Gets a study as soon as its table can be shown, before anything is made that may fail.
Show = Callable[[Study], object]


def show_nothing(_study: Study) -> None:
    """Leave it to the caller to show the study in the end."""


def write_tables(
    evidence: Evidence,
    failures: Iterable[Outcome] = (),
    options: TableOptions | None = None,
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
    options : TableOptions, optional
        How it is written, and of which models.
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
        evidence, notes, Failures(failures), problems, not tells_obstacle(evidence.target),
        standing, remarks, options or TableOptions(),
    )  # fmt: skip
    with apart("the table on the terminal", problems):
        show(study)
    if study.written:
        write_run_tables(evidence, options, problems)
        if standing:
            write_standing(evidence.target, standing, remarks, options, problems)
    return study


def tabulated(
    out: Out = None,
    options: TableOptions | None = None,
    to: str | Path | None = None,
    show: Show = show_nothing,
    against: str | Path | None = None,
    measures: Chosen = None,
) -> Study:
    """Make Table 3 of finished or interrupted runs again, without computing a prediction.

    Parameters
    ----------
    out, to : optional
        Run folders, and the output folder: see `benchmark.analysis.evidence.gather`.
    options : TableOptions, optional
        How it is written, and of which models.
    show : callable
        Gets the study before any file is written.
    against : str or Path, optional
        ``reference``, or a folder of reference results, whose full table the rows are put into.
    measures : str, iterable of str or Measure, optional
        The columns, see `benchmark.wording.find_measures`; ranks and tests are over these.

    Returns
    -------
    Study
        It tells what could not be written.

    Raises
    ------
    UsageError
        There is no run, or the runs do not fit together.
    BenchmarkError
        A file of a run is damaged.
    """
    with gathered("the table", out, to, measures) as evidence:
        return write_tables(evidence, (), options, show, opened(against))
