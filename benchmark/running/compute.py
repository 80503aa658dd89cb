"""Computes the pending tasks of a run in worker processes, stores what succeeds, logs the rest."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from benchmark.errors import BenchmarkError
from benchmark.planning.inputs import Input, Matrix
from benchmark.planning.tasks import Outcome, Task
from benchmark.progress import Console
from benchmark.running import environment
from benchmark.running.engine import Done, run_tasks
from benchmark.running.estimate import (
    describe_costs,
    describe_search,
    free_memory,
    is_long,
    measure_costs,
    workers_that_fit,
)
from benchmark.running.execute import Work
from benchmark.running.giving_up import GivenUp
from benchmark.running.interruption import by
from benchmark.running.job import Job
from benchmark.running.local import LocalEngine
from benchmark.running.machine import machine
from benchmark.running.memory import describe_memory
from benchmark.running.prepare import Device, find_device, helper, prepare_inputs
from benchmark.running.sharing import share
from benchmark.running.together import claimed, wait_for_others
from benchmark.store.claims import Claims
from benchmark.store.run_folder import RunFolder
from benchmark.wording import count
from features.storage.sharded_array import RowArray

logger = logging.getLogger("benchmark")

#: Default time limit of a task in seconds, for models on features; networks have none.
TASK_TIMEOUT = 3600.0

#: The same for a task that tries many settings first.
TUNED_TIMEOUT = 6 * 3600.0


@dataclass(frozen=True)
class _Phase:
    """Tasks that run with the same workers."""

    tasks: list[Task]
    workers: int
    backend: str = ""
    device: str = ""


def compute(job: Job, folder: RunFolder, console: Console) -> list[Outcome]:
    """Run the pending tasks, store what succeeds, and return what fails.

    Raises
    ------
    BenchmarkError
        Interrupted, or nothing more can be stored; what was computed is kept.
    """
    done: list[Task] = []
    failures: list[Outcome] = []
    given_up = None
    if job.resources.give_up:
        limits = {task.key: _time_limit(job, task) for task in job.pending}
        given_up = GivenUp(folder, job.pending, limits)
        failures += given_up.failures
        known = {outcome.task for outcome in failures}
        job = replace(job, pending=tuple(task for task in job.pending if task not in known))
    try:
        with folder.running(), closing(Claims(folder, job.plan.truths)) as claims:
            work_of, phases = _prepare(job, folder, console, given_up)
            for one in _run_phases(phases, claimed(work_of, claims), folder, console, claims):
                if one.outcome.error:
                    failures.append(one.outcome)
                    if given_up:
                        given_up.add(one.outcome)
                elif not one.elsewhere:
                    done.append(one.task)
    except KeyboardInterrupt as error:
        raise BenchmarkError(
            f"interrupted: {len(done)} of {len(job.pending)} tasks were computed and are kept"
            f"{by(error)}; the same command goes on from there (without --force, which starts anew)"
        ) from error
    order = {task: number for number, task in enumerate(job.plan.tasks)}
    return sorted(failures, key=lambda outcome: order[outcome.task])


def _prepare(
    job: Job, folder: RunFolder, console: Console, given_up: GivenUp | None
) -> tuple[Callable[[Task], Work], list[_Phase]]:
    """Get ready what tasks share, and decide how many run at the same time."""
    networks, others, workers = job.networks, job.others, job.resources.workers
    with helper() as process:
        inputs = prepare_inputs(process, job.pending_needs, job.resources.cache, console)
        device = find_device(process) if networks else None
    describe_memory(job, inputs, console)
    truths: dict[str, RowArray] = {task.dataset: job.truth(task).D for task in job.pending}
    running = folder.running_path
    numbers = itertools.count()
    for name, D in truths.items():
        truths[name] = share(D, running / f"{next(numbers)}.npy")
    for of, given in inputs.items():
        if isinstance(given, Matrix):
            inputs[of] = Matrix(share(given.X, running / f"{next(numbers)}.npy"))
    phases = []
    if others:
        phases.append(_Phase(others, min(workers, len(others))))
    if device:
        console.tell(f"Networks run on {device.name} with {device.backend}.")
        if cost := describe_search(job):
            console.tell(cost)
        workers = _workers_for_networks(job, device, console)
        phases.append(_Phase(networks, workers, device.backend, device.name))

    def work_of(task: Task) -> Work:
        if given_up:
            given_up.check(task)
        given = inputs[task.dataset, job.need(task)]
        return replace(_work(job, task, given, folder), D=truths[task.dataset])

    return work_of, phases


def _workers_for_networks(job: Job, device: Device, console: Console) -> int:
    workers = 1 if device.accelerated else min(job.resources.workers, len(job.networks))
    if is_long(job, device):
        costs, free = measure_costs(job, device, console), free_memory()
        if not device.accelerated:
            workers = workers_that_fit(costs, workers, free)
        describe_costs(costs, workers, free, console)
    return workers


def _work(job: Job, task: Task, given: Input, folder: RunFolder) -> Work:
    """Put together what a worker process needs for a task."""
    model, truth = job.model(task), job.truth(task)
    return Work(
        model=replace(model, entry=model.entry.portable()),
        input=given,
        D=truth.D,
        train=job.training_rows(task),
        test=job.test_rows(task),
        facts=truth.facts,
        time_limit=_time_limit(job, task),
        checkpoints=folder.checkpoints(task) if model.is_network or model.search else None,
        groups=truth.folds.groups,
    )


def _time_limit(job: Job, task: Task) -> float:
    model, limit = job.model(task), job.resources.task_timeout
    usual = TUNED_TIMEOUT if model.search else TASK_TIMEOUT
    usual = math.inf if model.is_network else usual
    return usual if limit is None else limit


def _run_phases(
    phases: list[_Phase],
    work_of: Callable[[Task], Work],
    folder: RunFolder,
    console: Console,
    claims: Claims,
) -> Iterator[Done]:
    """Run tasks, and those that other runs leave; yield what became of each when it is kept."""
    left = dict.fromkeys(task for phase in phases for task in phase.tasks)
    while left:
        for phase in phases:
            if not (tasks := [task for task in phase.tasks if task in left]):
                continue
            for one in _run_phase(replace(phase, tasks=tasks), work_of, folder, console):
                del left[one.task]
                _keep(one, folder, claims)
                yield one
        for one in wait_for_others(left, claims, console):
            del left[one.task]
            yield one


def _run_phase(
    phase: _Phase, work_of: Callable[[Task], Work], folder: RunFolder, console: Console
) -> Iterator[Done]:
    """Run tasks, but for those that other runs do, and yield what became of each."""
    made = {"versions": environment.versions(phase.backend), "machine": machine(phase.device)}
    keep = not phase.backend  # a network's process holds its device
    engine = LocalEngine(phase.workers, folder.running_path, made, keep)
    all_done = run_tasks(phase.tasks, engine, work_of)
    with closing(all_done), console.tasks(len(phase.tasks), engine.running) as step:
        for one in all_done:
            yield one
            step()


def _keep(one: Done, folder: RunFolder, claims: Claims) -> None:
    """Store what became of a task, and let others know, unless they have done it."""
    if one.elsewhere:
        return
    outcome = one.outcome
    _log(outcome)
    if outcome.error:
        folder.keep_failure(outcome)
    else:
        if not one.stored:
            folder.write_outcome(outcome, **one.made)
        folder.remove_checkpoints(outcome.task)
    claims.release(outcome.task)


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
