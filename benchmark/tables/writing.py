"""Writes tables as files: .csv with the numbers, .md and .tex for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from benchmark.analysis.assumptions import name_of_test
from benchmark.analysis.comparisons import rankings_frame
from benchmark.analysis.evidence import Evidence
from benchmark.analysis.scores import timings_frame
from benchmark.columns import as_csv
from benchmark.errors import BenchmarkError, apart, raised_last
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid, markdown
from benchmark.tables.latex import latex
from benchmark.tables.options import TableOptions
from benchmark.tables.table3 import Tested, table3_grids
from benchmark.wording import listed


def write_run_tables(
    evidence: Evidence,
    options: TableOptions | None = None,
    problems: list[str] | None = None,
) -> None:
    """Write scores, timings, tests and Table 3 into the evidence's target folder.

    Parameters
    ----------
    evidence : Evidence
    options : TableOptions, optional
        How Table 3 is written, and which of the models it has; other files have all.
    problems : list of str, optional
        As in `write_files`.
    """
    shown = evidence.of_models(options.models if options else ())
    frames: dict[str, Callable[[], pd.DataFrame | None]] = {
        "scores": lambda: evidence.scores,
        "table3": lambda: shown.summary,
        "timings": lambda: timings_frame(evidence.plan, evidence.results),
        "pairs": lambda: evidence.pairs,
        "intervals": lambda: evidence.intervals,
        "rankings": lambda: _rankings(evidence),
        "tuning": lambda: _tuning(evidence),
    }

    def grids() -> list[Grid]:
        tested = marks_of(shown, options, problems)
        return table3_grids(shown.summary, shown.measures, options, tested)

    texts: dict[str, Callable[[], str]] = {
        "table3.tex": lambda: latex(grids(), shown.notes),
        "table3.md": lambda: markdown(grids(), shown.notes),
    }
    contents = {f"{name}.csv": _as_csv(frame) for name, frame in frames.items()}
    write_files(evidence.target, {**contents, **texts}, problems)


def marks_of(
    evidence: Evidence, options: TableOptions | None = None, problems: list[str] | None = None
) -> Tested:
    """Collect what the tests tell of the cells of Table 3; what cannot be tested is not marked.

    Parameters
    ----------
    evidence : Evidence
    options : TableOptions, optional
        Without intervals in the cells none are made.
    problems : list of str, optional
        Gets a sentence where the tests or the intervals cannot be made; else that is an error.
    """
    good: set[tuple[str, str, str]] = set()
    ends: dict[tuple[str, str, str], tuple[float, float]] = {}
    with raised_last(problems) as found:
        with apart("the marks of significance", found):
            good = evidence.as_good
        if options and options.spread == "interval":
            with apart("the intervals of means", found):
                ends = {
                    (row["dataset"], row["model"], row["measure"]): (row["low"], row["high"])
                    for row in evidence.intervals.to_dict("records")
                }
    return Tested(good, ends, name_of_test(evidence.plan.truths.values()))


def write_grid(
    folder: RunFolder,
    name: str,
    frame: pd.DataFrame,
    grid: Grid,
    problems: list[str] | None = None,
) -> list[Path]:
    """Write a table as .csv (the numbers), .tex and .md; return the files as `write_files` does."""
    contents = {
        f"{name}.csv": lambda: as_csv(frame),
        f"{name}.tex": lambda: latex(grid),
        f"{name}.md": lambda: markdown(grid),
    }
    return write_files(folder, contents, problems)


def write_files(
    folder: RunFolder,
    contents: Mapping[str, Callable[[], str | bytes | None]],
    problems: list[str] | None = None,
) -> list[Path]:
    """Write files, each whatever happens to the others.

    Parameters
    ----------
    folder : RunFolder
    contents : mapping
        Name to what makes the content, None for a file that there is no need of.
    problems : list of str, optional
        Gets a sentence for every content that cannot be made, and one for all files that cannot be
        written for the same reason.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    BenchmarkError
        There is no list, and a file is missing; the others are there.
    """
    paths = []
    unwritten: dict[str, list[str]] = {}
    with raised_last(problems) as found:
        for name, make in contents.items():
            with apart(name, found):
                content = make()
                if content is None:
                    continue
                try:
                    paths.append(folder.write_file(name, content))
                except BenchmarkError as error:
                    cause = error.__cause__
                    reason = cause.strerror if isinstance(cause, OSError) else None
                    unwritten.setdefault(reason or str(error), []).append(name)
        for reason, names in unwritten.items():
            with apart(listed(names), found):
                raise BenchmarkError(
                    f"cannot write {listed(names)} in {folder.path}: {reason}; what was computed "
                    f"is kept: make room or rights, then give the same command again"
                )
    return paths


def _rankings(evidence: Evidence) -> pd.DataFrame | None:
    """Make the tests across datasets, None for too few of them."""
    found = rankings_frame(evidence.summary, evidence.measures)
    return found if len(found) else None


def _tuning(evidence: Evidence) -> pd.DataFrame | None:
    """Return what tuning tried; without tuned rows no file of an earlier run may stay."""
    if len(evidence.tuning):
        return evidence.tuning
    (evidence.target.path / "tuning.csv").unlink(missing_ok=True)
    return None


def _as_csv(make: Callable[[], pd.DataFrame | None]) -> Callable[[], str | None]:
    def text() -> str | None:
        frame = make()
        return None if frame is None else as_csv(frame)

    return text
