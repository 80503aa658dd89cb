"""Computes the pending tasks of a run in worker processes, stores what succeeds, logs the rest."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.datasets import Dataset
from benchmark.errors import BenchmarkError
from benchmark.planning.plan import Plan
from benchmark.planning.protocol import Model
from benchmark.planning.settings import Needs
from benchmark.planning.tasks import Outcome, Task, Work, execute, status_of
from benchmark.progress import progress
from benchmark.running import environment
from benchmark.running.estimate import (
    describe_costs,
    free_memory,
    is_long,
    measure_costs,
    workers_that_fit,
)
from benchmark.running.inputs import Input
from benchmark.running.prepare import find_device, helper, prepare_inputs
from benchmark.running.workers import marker_of, run_tasks
from benchmark.store.run_folder import RunFolder
from benchmark.wording import count

logger = logging.getLogger("benchmark")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Resources:
    """What a run may use.

    Attributes
    ----------
    workers : int
        Tasks at the same time.
    task_timeout : float, optional
        Seconds after which a task is stopped; by default an hour for a model on features, and no
        limit for a network.
    cache : Path
        Folder for features and decoded images.
    show_progress : bool
        Show progress lines on stderr.
    """

    workers: int
    task_timeout: float | None
    cache: Path
    show_progress: bool


#: Seconds after which a model on features is stopped unless told otherwise.
TASK_TIMEOUT = 3600.0


@dataclass(frozen=True)
class _Phase:
    """Tasks that run with the same workers."""

    tasks: list[Task]
    workers: int
    one_process: bool = False
    backend: str = ""


def compute(
    folder: RunFolder,
    plan: Plan,
    pending: Sequence[Task],
    datasets: Mapping[str, Dataset],
    models: Mapping[str, Model],
    needs: Needs,
    resources: Resources,
    tell: Tell,
) -> list[Outcome]:
    """Run the pending tasks, store what succeeds, and return what fails.

    Raises
    ------
    BenchmarkError
        Interrupted, or nothing more can be stored; what was computed is kept.
    """
    done: list[Task] = []
    try:
        inputs, phases = _prepare(plan, pending, datasets, models, needs, resources, tell)
        arguments = _arguments(folder, plan, models, inputs, resources)
        failures: list[Outcome] = []
        for phase in phases:
            failures += _run_phase(folder, phase, arguments, resources.show_progress, done)
    except KeyboardInterrupt as error:
        logger.warning("interrupted after %d tasks", len(done))
        raise BenchmarkError(
            f"interrupted: {len(done)} of {len(pending)} tasks were computed and are kept; "
            f"the same command goes on from there (without --force, which starts anew)"
        ) from error
    return failures


def _prepare(
    plan: Plan,
    pending: Sequence[Task],
    datasets: Mapping[str, Dataset],
    models: Mapping[str, Model],
    needs: Needs,
    resources: Resources,
    tell: Tell,
) -> tuple[dict[tuple[str, str], Input], list[_Phase]]:
    pairs = {(task.dataset, task.model) for task in pending}
    wanted = {name: {needs[name][m] for d, m in pairs if d == name} for name in datasets}
    # All folds of a network one after the other, since a process compiles it once for them.
    names = list(models)
    networks = [task for task in pending if models[task.model].is_network]
    networks.sort(key=lambda task: names.index(task.model))
    others = [task for task in pending if not models[task.model].is_network]
    with helper() as process:
        prepared = prepare_inputs(
            process, datasets, wanted, resources.cache, resources.show_progress, tell
        )
        phases = [_Phase(others, min(resources.workers, max(len(others), 1)))]
        if networks:
            device = find_device(process)
            tell(f"Networks run on {device.name} with {device.backend}.")
            workers = 1 if device.accelerated else min(resources.workers, len(networks))
    if networks:
        if is_long(networks, models, needs, plan, device):
            costs = measure_costs(networks, models, needs, plan, device, tell)
            free = free_memory()
            workers = 1 if device.accelerated else workers_that_fit(costs, workers, free)
            describe_costs(costs, workers, free, tell)
        phases.append(_Phase(networks, workers, workers == 1, device.backend))
    inputs = {(d, m): prepared[d, needs[d][m]] for d, m in pairs}
    return inputs, [phase for phase in phases if phase.tasks]


def _arguments(
    folder: RunFolder,
    plan: Plan,
    models: Mapping[str, Model],
    inputs: Mapping[tuple[str, str], Input],
    resources: Resources,
) -> Callable[[Task], tuple[Work]]:
    def arguments(task: Task) -> tuple[Work]:
        model, truth = models[task.model], plan.truths[task.dataset]
        usual = math.inf if model.is_network else TASK_TIMEOUT
        limit = usual if resources.task_timeout is None else resources.task_timeout
        work = Work(
            model=replace(model, entry=model.entry.portable()),
            input=inputs[task.dataset, task.model],
            D=truth.D,
            train=truth.folds.train(task.repeat, task.fold),
            test=truth.folds.test(task.repeat, task.fold),
            facts={"labels": truth.label_names, "sigma": truth.sigma},
            time_limit=limit,
            checkpoints=folder.checkpoints(task) if model.is_network else None,
        )
        return (work,)

    return arguments


def _run_phase(
    folder: RunFolder,
    phase: _Phase,
    arguments: Callable[[Task], tuple[Work]],
    show_progress: bool,
    done: list[Task],
) -> list[Outcome]:
    failures = []
    markers = folder.path.resolve() / "running"  # also where a model changes the folder
    running = _running(phase.tasks, markers)
    versions = environment.versions(phase.backend)
    outcomes = run_tasks(phase.tasks, execute, arguments, phase.workers, markers, phase.one_process)
    try:
        with progress(len(phase.tasks), running, show_progress) as advance:
            for outcome in outcomes:
                _log(outcome)
                if outcome.error:
                    failures.append(outcome)
                else:
                    folder.write_outcome(outcome, versions)
                    folder.remove_checkpoints(outcome.task)
                    done.append(outcome.task)
                advance()
    finally:
        outcomes.close()
    return failures


def _running(tasks: Sequence[Task], markers: Path) -> Callable[[], list[str]]:
    names = {marker_of(task, markers).name: task.model for task in tasks}

    def running() -> list[str]:
        found = list(markers.iterdir()) if markers.is_dir() else []
        return sorted({_status(path, names[path.name]) for path in found if path.name in names})

    return running


def _status(marker: Path, name: str) -> str:
    try:
        return f"{name} ({status_of(marker).read_text(encoding='utf-8')})"
    except OSError:
        return name


def _log(outcome: Outcome) -> None:
    task = outcome.task
    for warning in outcome.warnings:
        logger.warning("%s: %s", task, warning)
    if outcome.error:
        logger.error("%s failed: %s\n%s", task, outcome.error, outcome.trace)
    else:
        logger.info("%s: fitted in %.3f s", task, outcome.fit_seconds)


def describe_failures(failures: list[Outcome], folder: RunFolder) -> Iterator[str]:
    """Say which models failed, where, and why: a sentence for each model and dataset."""
    by_model: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in failures:
        by_model.setdefault((outcome.task.model, outcome.task.dataset), []).append(outcome)
    for (model, dataset), outcomes in by_model.items():
        yield (
            f"{model} failed in {count(len(outcomes), 'fold')} of {dataset}: {outcomes[0].error} "
            f"(traceback in {folder.path / 'log.txt'})"
        )
