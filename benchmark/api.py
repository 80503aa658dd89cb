"""The commands as functions: run a study, make its tables again."""

from __future__ import annotations

import logging
import math
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import cpu_count

from benchmark import environment, render, tables
from benchmark.datasets import Dataset, load_dataset
from benchmark.errors import BenchmarkError, UsageError
from benchmark.folds import stratified_folds
from benchmark.progress import progress
from benchmark.protocol import Model, Protocol, choose_models, load_protocol
from benchmark.registry import load_plugin
from benchmark.runner import marker_of, run_tasks
from benchmark.store import Plan, Result, RunFolder, make_truth
from benchmark.tasks import Outcome, Task, execute
from features.files import DamagedFileError

#: Where runs go unless told otherwise.
RUNS = Path("results", "runs")

#: Seconds after which a task is stopped unless told otherwise.
TASK_TIMEOUT = 3600.0

# Timers take no longer time than this, 30 years; more means no limit.
_LONGEST_TIMEOUT = 1e9

logger = logging.getLogger("benchmark")


@dataclass(frozen=True)
class Study:
    """What came of a run.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    summary : DataFrame
        Table 3 in numbers, see `benchmark.tables.summarise`.
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


def run(
    models: str | Iterable[str] = (),
    *,
    all_models: bool = False,
    datasets: str | Path | Dataset | Sequence[str | Path | Dataset] = (),
    protocol: str | Path | None = None,
    data_dir: str | Path | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    seed: int | None = None,
    plugins: str | Path | Sequence[str | Path] = (),
    force: bool = False,
    task_timeout: float = TASK_TIMEOUT,
    show_progress: bool = False,
    tell: Callable[[str], None] = logger.info,
) -> Study:
    """Run models on datasets, fold by fold, and make the tables.

    What an earlier run into the same folder has computed with the same settings is reused, so the
    same call goes on where an interrupted one stopped.

    Parameters
    ----------
    models : str or iterable of str
        Models to run; upper and lower case are the same.
    all_models : bool
        Run every registered model instead.
    datasets : name, path, Dataset, or a sequence of them
        What to run on (see `benchmark.make_dataset` for data in memory); the protocol's own if
        empty.
    protocol : str or Path, optional
        ``demo``, ``paper`` or a TOML file; by default ``demo`` without datasets, else ``paper``.
    data_dir : str or Path, optional
        Where datasets are looked up.
    out : str or Path, optional
        Run folder, by default ``results/runs/<datasets>``.
    jobs : int, optional
        Number of tasks at the same time, by default one per core. Results do not depend on it.
    folds, repeats, seed : int, optional
        Override the protocol.
    plugins : path or sequence of paths
        Files that register further models.
    force : bool
        Compute everything anew.
    task_timeout : float
        Seconds after which a task is stopped and counts as failed; infinity for no limit.
    show_progress : bool
        Show a progress line on stderr.
    tell : callable
        Gets the sentences meant for the user.

    Returns
    -------
    Study

    Raises
    ------
    UsageError
        Something asked for or passed in cannot be used; nothing was computed.
    BenchmarkError
        The run could not go on (disk full, interrupted); what was computed is kept.
    """
    wanted = _as_list(datasets)
    given = [data for data in wanted if isinstance(data, Dataset)]
    names = [str(data) for data in wanted if not isinstance(data, Dataset)]
    settings = _settings(protocol, names, bool(given), folds, repeats, seed)
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs must be at least 1, not {jobs}")
    if not task_timeout > 0:
        raise UsageError(f"--task-timeout must be more than 0 seconds, not {task_timeout:g}")
    if task_timeout > _LONGEST_TIMEOUT:
        task_timeout = math.inf
    for plugin in _as_list(plugins):
        load_plugin(plugin)
    rows = choose_models(settings, _as_list(models), every=all_models)
    chosen = {model.name: model for model in rows}
    loaded = _load_all(settings.datasets, given, data_dir)
    plan = _make_plan(settings, list(loaded.values()), list(chosen.values()))
    folder = RunFolder(Path(out) if out else RUNS / "+".join(loaded))
    with folder.lock(), environment.log_to(folder.path / "log.txt"):
        logger.info("started: %s", shlex.join(sys.argv))
        if force:
            folder.remove_results(plan.tasks)
        results = _read_results(folder, plan.tasks, tell)
        pending = [task for task in plan.tasks if task not in results]
        if pending:
            folder.remove_derived()
        folder.write_plan(plan, environment.describe())
        workers = min(jobs or cpu_count(), max(len(pending), 1))
        tell(
            f"{_count(len(plan.tasks), 'task')} ({_count(len(chosen), 'model')}, "
            f"{_count(len(loaded), 'dataset')}): {len(results)} done before, {len(pending)} to do "
            f"with {_count(workers, 'worker')}; results in {folder.path}"
        )

        def arguments(task: Task) -> tuple[Any, ...]:
            model, data = chosen[task.model], loaded[task.dataset]
            split = plan.truths[task.dataset].folds
            return (
                replace(model, entry=model.entry.portable()),
                data.X,
                data.D,
                split.train(task.repeat, task.fold),
                split.test(task.repeat, task.fold),
                task_timeout,
            )

        failures = _compute(folder, pending, arguments, workers, show_progress)
        for line in _describe_failures(failures, folder):
            tell(line)
        results |= _read_results(folder, pending, tell)
        study = _write_tables(folder, plan, results, failures)
        logger.info("finished: %d tasks without result", study.missing)
    return study


def table(out: str | Path | None = None, std: bool = False) -> Study:
    """Make the tables of a finished or interrupted run again, without computing a prediction.

    Parameters
    ----------
    out : str or Path, optional
        Run folder, by default the one below ``results/runs`` that was written last.
    std : bool
        Show the deviation over folds in Markdown and LaTeX.

    Raises
    ------
    UsageError
        There is no run.
    BenchmarkError
        A file of the run is damaged.
    """
    folder = RunFolder(Path(out) if out else _latest_run())
    plan = folder.read_plan()
    with folder.lock():
        damaged: list[str] = []
        results = _read_results(folder, plan.tasks, damaged.append)
        if damaged:
            raise BenchmarkError(" ".join(damaged))
        return _write_tables(folder, plan, results, [], std)


def _as_list(value: Any) -> list[Any]:
    """One thing or several, as a list."""
    return [value] if isinstance(value, str | Path | Dataset) else list(value)


def _settings(
    protocol: str | Path | None,
    datasets: Sequence[str],
    have_data: bool,
    folds: int | None,
    repeats: int | None,
    seed: int | None,
) -> Protocol:
    settings = load_protocol(protocol or ("paper" if datasets or have_data else "demo"))
    numbers = {"folds": folds, "repeats": repeats, "seed": seed}
    changes: dict[str, Any] = {key: value for key, value in numbers.items() if value is not None}
    for key, value in changes.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise UsageError(f"{key} must be a whole number, not {value!r}")
    if datasets or have_data:
        changes["datasets"] = tuple(datasets)
    settings = replace(settings, **changes)
    if not settings.datasets and not have_data:
        raise UsageError(f"protocol {settings.name!r} names no dataset; give one with --dataset")
    if settings.seed < 0:
        raise UsageError(f"--seed must not be negative, it is {settings.seed}")
    return settings


def _load_all(
    names: Iterable[str], given: Iterable[Dataset], data_dir: str | Path | None
) -> dict[str, Dataset]:
    loaded: dict[str, Dataset] = {}
    for data in [*(load_dataset(name, data_dir) for name in names), *given]:
        if data.name.lower() in {name.lower() for name in loaded}:
            raise UsageError(f"two datasets are called {data.name!r}; rename one")
        loaded[data.name] = data
    return loaded


def _make_plan(settings: Protocol, datasets: list[Dataset], models: list[Model]) -> Plan:
    truths = {}
    for data in datasets:
        try:
            split = stratified_folds(data.D, settings.folds, settings.repeats, settings.seed)
        except UsageError as error:
            raise UsageError(f"dataset {data.name}: {error}") from error
        truths[data.name] = make_truth(data, split)
    described = {model.name: model.describe() for model in models}
    return Plan(settings.name, settings.seed, truths, described)


def _read_results(
    folder: RunFolder, tasks: Iterable[Task], tell: Callable[[str], None]
) -> dict[Task, Result]:
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


def _compute(
    folder: RunFolder,
    pending: list[Task],
    arguments: Callable[[Task], tuple[Any, ...]],
    workers: int,
    show_progress: bool,
) -> list[Outcome]:
    """Run the pending tasks, store what succeeds, and return what fails."""
    failures, done = [], 0
    markers = folder.path.resolve() / "running"  # also where a model changes the folder
    names = {marker_of(task, markers).name: task.model for task in pending}

    def running() -> list[str]:
        found = [path.name for path in markers.iterdir()] if markers.is_dir() else []
        return sorted({names[name] for name in found if name in names})

    versions = environment.versions()
    outcomes = run_tasks(pending, execute, arguments, workers, markers)
    try:
        with progress(len(pending), running, show_progress) as advance:
            for outcome in outcomes:
                _log(outcome)
                if outcome.error:
                    failures.append(outcome)
                else:
                    folder.write_outcome(outcome, versions)
                    done += 1
                advance()
    except KeyboardInterrupt as error:
        logger.warning("interrupted after %d tasks", done)
        raise BenchmarkError(
            f"interrupted: {done} of {len(pending)} tasks were computed and are kept; "
            f"the same command goes on from there (without --force, which starts anew)"
        ) from error
    finally:
        outcomes.close()
    return failures


def _write_tables(
    folder: RunFolder,
    plan: Plan,
    results: dict[Task, Result],
    failures: list[Outcome],
    std: bool = False,
) -> Study:
    frame = tables.scores_frame(plan, results)
    summary = tables.summarise(plan, frame)
    lines = tables.notes(plan, results, summary)
    folder.write_text("scores.csv", frame.to_csv(index=False))
    folder.write_text("timings.csv", tables.timings_frame(plan, results).to_csv(index=False))
    folder.write_text("table3.csv", summary.to_csv(index=False))
    folder.write_text("table3.tex", render.latex(summary, lines, std))
    folder.write_text("table3.md", render.markdown(summary, lines, std))
    return Study(folder.path, summary, lines, failures, len(plan.tasks) - len(results))


def _log(outcome: Outcome) -> None:
    task = outcome.task
    for warning in outcome.warnings:
        logger.warning("%s: %s", task, warning)
    if outcome.error:
        logger.error("%s failed: %s\n%s", task, outcome.error, outcome.trace)
    else:
        logger.info("%s: fitted in %.3f s", task, outcome.fit_seconds)


def _describe_failures(failures: list[Outcome], folder: RunFolder) -> Iterator[str]:
    by_model: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in failures:
        by_model.setdefault((outcome.task.model, outcome.task.dataset), []).append(outcome)
    for (model, dataset), outcomes in by_model.items():
        yield (
            f"{model} failed in {_count(len(outcomes), 'fold')} of {dataset}: {outcomes[0].error} "
            f"(traceback in {folder.path / 'log.txt'})"
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _latest_run() -> Path:
    found = sorted(RUNS.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(f"there is no run below {RUNS}; give its folder with --out")
    return found[-1].parent
