"""The stored results of one run or of several, with everything that is computed from them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

import pandas as pd

from benchmark.analysis import comparisons, explained, instances, samples, scores, tuning
from benchmark.analysis.reference import TRIVIAL
from benchmark.columns import INTERVALS
from benchmark.errors import BenchmarkError, UsageError
from benchmark.metrics import MEASURES, Measure
from benchmark.planning.plan import Plan, Result
from benchmark.planning.tasks import Task
from benchmark.store.at_work import DOOR
from benchmark.store.entering import looking, whose
from benchmark.store.latest import RUNS, latest_run
from benchmark.store.merging import Part, merge
from benchmark.store.pictures import pictures_of
from benchmark.store.run_folder import SO_FAR, RunFolder
from benchmark.wording import count, find_name, listed
from features.arrays import FloatArray
from features.names import readable
from features.storage.files import DamagedFileError, folder_name, slug

logger = logging.getLogger("benchmark")

#: Default output folder when several runs are merged.
MERGED = Path("results", "merged")

#: A run folder or ``LABEL=FOLDER``, several of them, or None for the run that was written last.
Out = str | PathLike[str] | Iterable[str | PathLike[str]] | None


@dataclass(frozen=True)
class Evidence:
    """Stored results, and scores, ranks and tests of them, each computed when first asked for.

    Attributes
    ----------
    plan : Plan
        Datasets with their truth and folds, and models with their settings.
    results : dict
        Task to stored result.
    missing : int
        Number of tasks that have no result.
    folders : tuple of RunFolder
        The run folders that the results were read from.
    abouts : tuple of dict
        For each of `folders` the command, versions and machine of its run.
    target : RunFolder
        Output folder of tables, figures and the report.
    chosen : tuple of Measure
        The columns that were asked for.
    at_work : tuple of str
        Says of each folder in which a run is at work how far it is.
    """

    plan: Plan
    results: dict[Task, Result]
    missing: int
    folders: tuple[RunFolder, ...]
    abouts: tuple[Mapping[str, Any], ...]
    target: RunFolder
    chosen: tuple[Measure, ...] = MEASURES
    at_work: tuple[str, ...] = ()

    @cached_property
    def failed(self) -> dict[str, str]:
        """Chosen measures that cannot score these results: name to the reason."""
        reasons = {m.name: instances.why_not(self.plan, self.results, m) for m in self.chosen}
        return {name: reason for name, reason in reasons.items() if reason}

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The columns: the chosen measures but for those that failed, or the default ones."""
        return tuple(m for m in self.chosen if m.name not in self.failed) or MEASURES

    @property
    def nothing_scored(self) -> str:
        """Say that none of the chosen measures can score these results; empty if one can."""
        if len(self.failed) < len(self.chosen):
            return ""
        reasons = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in self.failed.items())
        return f"no measure that was asked for can score this run ({reasons})"

    @property
    def row_measures(self) -> tuple[Measure, ...]:
        """Those of `measures` that single instances have a value in."""
        return tuple(measure for measure in self.measures if measure.per_row)

    def including(self, *measures: Measure) -> Evidence:
        """Return the evidence with these measures too, for what needs them whatever is chosen.

        Raises
        ------
        UsageError
            One of them cannot score these results.
        """
        further = tuple(measure for measure in measures if measure not in self.measures)
        found = replace(self, chosen=(*self.measures, *further)) if further else self
        for name in {measure.name for measure in further} & found.failed.keys():
            raise UsageError(f"the measure {name} cannot score this run: {found.failed[name]}")
        return found

    def of_models(self, names: Sequence[str]) -> Evidence:
        """Return the evidence of some models alone, in the order given; all where none is named.

        Ranks and tests are then among these. Names of trivial rows may be among the names.

        Raises
        ------
        UsageError
            There is no such model in the run.
        """
        if not names:
            return self
        rows = [*self.plan.models, *(row for row in TRIVIAL if row not in self.plan.models)]
        found = [find_name("model", name, rows) for name in names]
        found = [name for name in found if name in self.plan.models]
        if not found:
            raise UsageError(f"of {listed(names)} none is a model; name at least one")
        chosen = list(dict.fromkeys(found))
        inputs = {
            dataset: {name: key for name, key in of.items() if name in chosen}
            for dataset, of in self.plan.inputs.items()
        }
        plan = replace(
            self.plan,
            models={name: self.plan.models[name] for name in chosen},
            truths={name: truth for name, truth in self.plan.truths.items() if inputs[name]},
            inputs={name: of for name, of in inputs.items() if of},
        )
        results = {task: result for task, result in self.results.items() if task.model in chosen}
        return replace(self, plan=plan, results=results)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score of every fold, see `benchmark.analysis.scores.scores_frame`."""
        return scores.scores_frame(self.plan, self.results, self.measures)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Means over folds and ranks, see `benchmark.analysis.scores.summarise`."""
        return scores.summarise(self.plan, self.scores, self.measures)

    @cached_property
    def notes(self) -> list[str]:
        """What a reader of Table 3 has to know, see `benchmark.analysis.scores.notes`."""
        said = scores.notes(self.plan, self.results, self.summary, self.measures)
        return [*self._so_far(said), *explained.of_failures(self.failed)]

    def _so_far(self, said: list[str]) -> list[str]:
        """Say what is not done yet, where a run is at work."""
        if not self.at_work:
            return said
        return [*self.at_work, *(line.replace(scores.WHY_FEWER_FOLDS, " yet.") for line in said)]

    @cached_property
    def values(self) -> dict[str, dict[str, FloatArray]]:
        """Scores of every instance in `row_measures`, see `benchmark.analysis.instances`."""
        if not self.row_measures:
            return {}
        return {
            name: instances.instance_values(self.plan, self.results, name, self.row_measures)
            for name in self.plan.truths
        }

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """All pairs of models with tests, see `benchmark.analysis.comparisons.pairwise`."""
        return comparisons.pairwise(self.plan, self.scores, self.values, self.measures)

    @cached_property
    def as_good(self) -> set[tuple[str, str, str]]:
        """Cells as good as the best, see `benchmark.analysis.comparisons.as_good_as_best`."""
        return comparisons.as_good_as_best(self.summary, self.pairs, self.measures)

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Bootstrap intervals of the means, see `benchmark.analysis.comparisons.intervals`."""
        if not self.row_measures:
            return pd.DataFrame(columns=list(INTERVALS))
        weights = {
            name: instances.instance_weights(truth) for name, truth in self.plan.truths.items()
        }
        return comparisons.intervals(self.plan, self.values, weights, self.row_measures)

    @cached_property
    def tuning(self) -> pd.DataFrame:
        """What tuning tried and chose, see `benchmark.analysis.tuning.tuning_frame`."""
        return tuning.tuning_frame(self.plan, self.results)

    def predictions(self, dataset: str, repeat: int = 0) -> dict[str, FloatArray]:
        """Predictions for every row of a dataset, see `benchmark.analysis.instances`."""
        return instances.predictions_of(self.plan, self.results, dataset, repeat)

    def shown_rows(self, dataset: str) -> list[int]:
        """Rows of a dataset that the report shows one by one, see `benchmark.analysis.samples`."""
        sampled = samples.sampled_rows(self.plan, self.results, self.summary, dataset)
        if samples.KL in self.measures:
            found, place = self.values[dataset], self.row_measures.index(samples.KL)
        else:
            found = instances.instance_values(self.plan, self.results, dataset, [samples.KL])
            place = 0
        divergences = {name: of_rows[:, place] for name, of_rows in found.items()}
        return samples.shown_rows(self.plan, dataset, divergences, sampled)

    def thumbnails(self, dataset: str) -> dict[int, bytes]:
        """Small pictures of instances of a dataset that the runs kept: row to JPEG file."""
        return pictures_of(self.folders, self.plan.truths[dataset])

    @cached_property
    def remarks(self) -> list[str]:
        """What a reader of any table has to know, see `benchmark.analysis.scores.remarks`."""
        return self._so_far(scores.remarks(self.plan, self.results, self.summary))


@contextlib.contextmanager
def gather(
    out: Out = None,
    to: str | Path | None = None,
    measures: tuple[Measure, ...] = MEASURES,
    writes: bool = True,
) -> Iterator[Evidence]:
    """Read one run folder or several; no run starts in them until the context ends.

    Where one is at work already, what is stored so far is read, and what is made of it goes into a
    folder ``so-far`` in the run's, which the run removes when it ends.

    Folders are locked by a file where the output goes into the one that is read; else nothing is
    written there, so that they may be on a read-only disk.

    Parameters
    ----------
    out : str, Path, iterable of them, optional
        Run folders, by default the one below ``results/runs`` that was written last. Of a folder
        given as ``LABEL=FOLDER``, models whose names stand for other settings or other code in
        another folder are called ``NAME (LABEL)``.
    to : str or Path, optional
        Output folder of tables, figures and the report; by default the run folder, and
        ``results/merged/<names>`` if there are several.
    measures : tuple of Measure
        The columns of the tables.
    writes : bool
        Whether files are to be written; if not, nothing is, no lock file and no folder either.

    Yields
    ------
    Evidence

    Raises
    ------
    UsageError
        There is no run, or the runs do not fit together.
    BenchmarkError
        A file of a run is damaged.
    """
    if out is None:
        out = _latest_run()
    one = isinstance(out, str | PathLike) or not isinstance(out, Iterable)
    wanted: list[Any] = [out] if one else list(cast(Iterable[Any], out))
    opened = [_labelled(entry) for entry in wanted]
    if not opened:
        opened = [("", _latest_run())]
    # A folder that is given twice is read once.
    opened = list({path.resolve(): (label, path) for label, path in reversed(opened)}.values())
    opened.reverse()
    with contextlib.ExitStack() as stack:
        parts: list[Part] = []
        folders, at_work = [], []
        for label, path in opened:
            folder = RunFolder(path)
            if not (path / DOOR).exists():  # else a run may just be starting there
                folder.check()
            own = writes and to is None and len(opened) == 1
            runs = stack.enter_context(looking(folder, own, logger.warning))
            plan = folder.read_plan()
            damaged: list[str] = []
            results = read_results(folder, plan, plan.tasks, damaged.append)
            if runs:
                done = f"{len(results)} of {count(len(plan.tasks), 'task')} so far"
                at_work.append(f"{whose(runs)} in {path}: {done}")
            elif damaged:
                raise BenchmarkError(" ".join(damaged))
            parts.append(Part(str(path), readable(label), plan, results))
            folders.append(folder)
        plan, results, missing = merge(parts)
        target = folders[0]
        if to is not None or len(folders) > 1:
            names = folder_name(slug(label or path.resolve().name) for label, path in opened)
            target = RunFolder(Path(to) if to is not None else MERGED / names)
            if writes and (to is not None or not target.obstacle()):
                target.make_for_outputs()
        elif at_work:
            target = RunFolder(target.path / SO_FAR)
        for sentence in at_work:
            place = f"; files go to {target.path}, until it ends" * (target.path.name == SO_FAR)
            logger.warning("%s%s", sentence, place * writes)
        abouts = tuple(folder.read_about() for folder in folders)
        yield Evidence(
            plan, results, missing, tuple(folders), abouts, target, measures, tuple(at_work)
        )


def read_results(
    folder: RunFolder, plan: Plan, tasks: Iterable[Task], tell: Callable[[str], None]
) -> dict[Task, Result]:
    """Read the stored results of some tasks of a plan; a damaged one is told and left out."""
    results = {}
    for task in tasks:
        try:
            result = folder.read_result(task, plan.truths[task.dataset])
        except DamagedFileError as error:
            tell(f"{error}; the same run command computes it again.")
            continue
        if result is not None:
            results[task] = result
    return results


def _labelled(entry: str | PathLike[str]) -> tuple[str, Path]:
    """Split ``LABEL=FOLDER``; there is no label if a folder has the whole text as its name."""
    if not isinstance(entry, str | PathLike):
        raise UsageError(f"{entry!r:.80} is no run; give its folder, or the study")
    label, sign, path = fspath(entry).partition("=")
    if sign and not Path(entry).exists():
        return label, Path(path)
    return "", Path(entry)


def _latest_run() -> Path:
    found = latest_run()
    if found is None:
        raise UsageError(f"there is no run below {RUNS}; give its folder with --out")
    return found
