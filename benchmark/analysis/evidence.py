"""Opens the results of one run folder or of several, as one body of evidence."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.analysis import comparisons
from benchmark.analysis import scores as tables
from benchmark.analysis.instances import instance_values, instance_weights
from benchmark.errors import BenchmarkError, UsageError
from benchmark.planning.plan import Plan, Result
from benchmark.planning.tasks import Task
from benchmark.store.merging import Part, merge
from benchmark.store.run_folder import RunFolder
from features.arrays import FloatArray
from features.storage.files import DamagedFileError, slug

#: Where runs go unless told otherwise.
RUNS = Path("results", "runs")

#: Where that goes which is made of several runs.
MERGED = Path("results", "merged")

#: One run folder, ``LABEL=FOLDER``, several of them, or None for the run that was written last.
Out = str | Path | Iterable[str | Path] | None


@dataclass(frozen=True)
class Evidence:
    """Stored results and what follows from them; scores are computed when first asked for.

    Attributes
    ----------
    plan : Plan
        Datasets with their truth and folds, and models with their settings.
    results : dict
        Task to stored result.
    missing : int
        Number of tasks that have no result.
    folders : tuple of RunFolder
        Where they were read.
    abouts : tuple of dict
        For each folder the command, versions and machine of its run.
    target : RunFolder
        Where that goes which is made of them.
    """

    plan: Plan
    results: dict[Task, Result]
    missing: int
    folders: tuple[RunFolder, ...]
    abouts: tuple[Mapping[str, Any], ...]
    target: RunFolder

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every value, see `benchmark.analysis.scores.scores_frame`."""
        return tables.scores_frame(self.plan, self.results)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Means over folds and ranks, see `benchmark.analysis.scores.summarise`."""
        return tables.summarise(self.plan, self.scores)

    @cached_property
    def notes(self) -> list[str]:
        """What a reader of Table 3 has to know."""
        return tables.notes(self.plan, self.results, self.summary)

    @cached_property
    def values(self) -> dict[str, dict[str, FloatArray]]:
        """Scores of every instance, by dataset and model, see `instance_values`."""
        return {name: instance_values(self, name) for name in self.plan.truths}

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """All pairs of models with tests, see `benchmark.analysis.comparisons.pairwise`."""
        return comparisons.pairwise(self.plan, self.scores, self.values)

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Bootstrap intervals of the means, see `benchmark.analysis.comparisons.intervals`."""
        weights = {name: instance_weights(truth) for name, truth in self.plan.truths.items()}
        return comparisons.intervals(self.plan, self.values, weights)

    def thumbnails(self, dataset: str) -> dict[int, bytes]:
        """Small pictures of instances of a dataset that were kept: row to JPEG file."""
        from benchmark.store.pictures import pictures_of

        return pictures_of(self.folders, self.plan.truths[dataset])

    @cached_property
    def remarks(self) -> list[str]:
        """What a reader of any table has to know."""
        return tables.remarks(self.plan, self.results, self.summary)


@contextlib.contextmanager
def gather(out: Out = None, to: str | Path | None = None) -> Iterator[Evidence]:
    """Read one run folder or several, and keep runs out of them meanwhile.

    Parameters
    ----------
    out : str, Path, iterable of them, optional
        Run folders, by default the one below ``results/runs`` that was written last. Written
        ``LABEL=FOLDER``, the models of a folder get the label behind their names where another
        folder has a model of the same name with other settings or another code.
    to : str or Path, optional
        Where that goes which is made of the results; by default the run folder, and for several
        ``results/merged/<names>``.

    Raises
    ------
    UsageError
        There is no run, or the runs do not fit together.
    BenchmarkError
        A file of a run is damaged.
    """
    wanted = [_latest_run()] if out is None else [out] if isinstance(out, str | Path) else list(out)
    opened = [_labelled(entry) for entry in wanted]
    if not opened:
        opened = [("", _latest_run())]
    # A folder that is given twice is read once.
    opened = list({path.resolve(): (label, path) for label, path in reversed(opened)}.values())
    opened.reverse()
    with contextlib.ExitStack() as stack:
        parts: list[Part] = []
        folders = []
        for label, path in opened:
            folder = RunFolder(path)
            plan = folder.read_plan()
            stack.enter_context(folder.lock())
            damaged: list[str] = []
            results = read_results(folder, plan.tasks, damaged.append)
            if damaged:
                raise BenchmarkError(" ".join(damaged))
            parts.append(Part(str(path), label, plan, results))
            folders.append(folder)
        plan, results, missing = merge(parts)
        target = folders[0]
        if to is not None or len(folders) > 1:
            names = "+".join(slug(label or path.resolve().name) for label, path in opened)
            target = RunFolder(Path(to) if to is not None else MERGED / names)
            target.make_for_outputs()
        abouts = tuple(folder.read_about() for folder in folders)
        yield Evidence(plan, results, missing, tuple(folders), abouts, target)


def read_results(
    folder: RunFolder, tasks: Iterable[Task], tell: Callable[[str], None]
) -> dict[Task, Result]:
    """Read the stored results of tasks; a damaged one is told and left out."""
    results = {}
    for task in tasks:
        try:
            result = folder.read_result(task)
        except DamagedFileError as error:
            tell(f"{error}; the same run command computes it again.")
            continue
        if result is not None:
            results[task] = result
    return results


def _labelled(entry: str | Path) -> tuple[str, Path]:
    """Take a label off ``LABEL=FOLDER``; a folder that exists under the whole text has none."""
    label, sign, path = str(entry).partition("=")
    if sign and not Path(entry).exists():
        return label, Path(path)
    return "", Path(entry)


def _latest_run() -> Path:
    found = sorted(RUNS.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(f"there is no run below {RUNS}; give its folder with --out")
    return found[-1].parent
