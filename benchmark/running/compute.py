"""Computes the pending tasks of a run in worker processes, stores what succeeds, logs the rest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.planning.inputs import Input, Matrix
from benchmark.planning.needs import Need
from benchmark.planning.tasks import Outcome, Task
from benchmark.progress import Console
from benchmark.running import environment
from benchmark.running.cluster.arrays import ToSend
from benchmark.running.cluster.connecting import connected
from benchmark.running.cluster.session import open_engine
from benchmark.running.engine import Done, Engine, run_tasks
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
from benchmark.running.keeping import Keeper
from benchmark.running.local import LocalEngine
from benchmark.running.machine import machine
from benchmark.running.memory import describe_memory
from benchmark.running.prepare import Device, find_device, helper, prepare_inputs
from benchmark.running.sharing import share
from benchmark.running.together import claimed, wait_for_others
from benchmark.store.claims import Claims
from benchmark.store.run_folder import RunFolder
from benchmark.wording import count
from features.networks.backend import is_deterministic
from features.storage.sharded_array import RowArray

#: Default time limit of a task in seconds, for models on features; networks have none.
TASK_TIMEOUT = 3600.0

#: The same for a task that tries many settings first.
TUNED_TIMEOUT = 6 * 3600.0


@dataclass(frozen=True)
class _Stage:
    """Tasks that one engine does, by kind: each kind waits for room of its own."""

    kinds: list[list[Task]]
    engine: Engine


def compute(job: Job, folder: RunFolder, console: Console) -> list[Outcome]:
    """Run the pending tasks, store what succeeds, and return what fails.

    Raises
    ------
    BenchmarkError
        Interrupted, or nothing more can be stored; what was computed is kept.
    """
    failures: list[Outcome] = []
    stored: list[Task] = []
    given_up = None
    if job.resources.give_up:
        limits = {task.key: _time_limit(job, task) for task in job.pending}
        given_up = GivenUp(folder, job.pending, limits)
        failures += given_up.failures
        known = {outcome.task for outcome in failures}
        job = replace(job, pending=tuple(task for task in job.pending if task not in known))
    try:
        with ExitStack() as stack:
            work_of, stages = _prepare(job, folder, console, stack)
            claims = stack.enter_context(closing(Claims(folder, job.plan.truths)))

            def allowed_work_of(task: Task) -> Work:
                if given_up:
                    given_up.check(task)
                return work_of(task)

            keeper = stack.enter_context(closing(Keeper(folder, claims)))
            stored = keeper.stored
            work_if_ours = claimed(allowed_work_of, claims)
            for one in _run_stages(stages, work_if_ours, keeper, console, claims):
                if one.outcome.error:
                    failures.append(one.outcome)
                    if given_up:
                        given_up.add(one.outcome)
    except KeyboardInterrupt as error:
        raise BenchmarkError(
            f"interrupted: {len(stored)} of {len(job.pending)} tasks were computed and are kept"
            f"{by(error)}; the same command goes on from there (without --force, which starts anew)"
        ) from error
    order = {task: number for number, task in enumerate(job.plan.tasks)}
    return sorted(failures, key=lambda outcome: order[outcome.task])


def _prepare(
    job: Job, folder: RunFolder, console: Console, stack: ExitStack
) -> tuple[Callable[[Task], Work], list[_Stage]]:
    """Get ready what tasks share, and decide what does them, and how many at the same time."""
    # First, since it shows at once if there is anything wrong with a cluster.
    client = None
    if job.resources.scheduler is not None:
        resources = job.resources
        client = stack.enter_context(connected(resources.scheduler, resources.workers))
    stack.enter_context(folder.running())
    with helper() as process:
        inputs = prepare_inputs(process, job.pending_needs, job.resources.cache, console)
        device = find_device(process) if job.networks and client is None else None
    describe_memory(job, inputs, console)
    if client is None:
        path = folder.running_path
        work_of = _work_of(job, folder, inputs, lambda name, array: share(array, path / name))
        return work_of, _local_stages(job, folder, console, device)
    data = ToSend()
    work_of = _work_of(job, folder, inputs, data.put)
    if cost := describe_search(job):
        console.tell(cost)
    engine = open_engine(client, job, folder, console, (inputs, data))
    stack.enter_context(closing(engine))
    return work_of, [_Stage([job.networks, job.others], engine)]


def _work_of(
    job: Job,
    folder: RunFolder,
    inputs: Mapping[tuple[str, Need], Input],
    put: Callable[[str, RowArray], RowArray],
) -> Callable[[Task], Work]:
    """Return what makes the work of a task.

    Parameters
    ----------
    job, folder, inputs
        Of the run.
    put : callable
        Puts a large array where tasks read it, under a file name of its own.
    """
    numbers = itertools.count()
    truths = {task.dataset: job.truth(task).D for task in job.pending}
    shared = {name: put(f"{next(numbers)}.npy", D) for name, D in truths.items()}
    given = {
        of: Matrix(put(f"{next(numbers)}.npy", one.X)) if isinstance(one, Matrix) else one
        for of, one in inputs.items()
    }

    def work_of(task: Task) -> Work:
        of = given[task.dataset, job.need(task)]
        return replace(_work(job, task, of, folder), D=shared[task.dataset])

    return work_of


def _local_stages(
    job: Job, folder: RunFolder, console: Console, device: Device | None
) -> list[_Stage]:
    networks, others, workers = job.networks, job.others, job.resources.workers
    stages = []
    if others:
        size = min(workers, len(others))
        stages.append(_Stage([others], LocalEngine(size, folder.running_path, _made())))
    if device:
        how = " and deterministic operations" if is_deterministic() else ""
        console.tell(f"Networks run on {device.name} with {device.backend}{how}.")
        if cost := describe_search(job):
            console.tell(cost)
        size = _workers_for_networks(job, device, console)
        made = _made(device.backend, device.name)
        # A network's process holds its device, and is not kept.
        engine = LocalEngine(size, folder.running_path, made, keep=False)
        stages.append(_Stage([networks], engine))
    return stages


def _made(backend: str = "", device: str = "") -> dict[str, Any]:
    return {"versions": environment.versions(backend), "machine": machine(device)}


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


def _run_stages(
    stages: list[_Stage],
    work_of: Callable[[Task], Work],
    keeper: Keeper,
    console: Console,
    claims: Claims,
) -> Iterator[Done]:
    """Run tasks, and those that other runs leave; yield what became of each when it is kept."""
    left = dict.fromkeys(task for stage in stages for tasks in stage.kinds for task in tasks)
    while left:
        for stage in stages:
            kinds = [[task for task in tasks if task in left] for tasks in stage.kinds]
            if not any(kinds):
                continue
            engine, total = stage.engine, sum(map(len, kinds))
            with closing(engine), console.tasks(total, engine.running) as step:
                done = run_tasks(kinds, engine, work_of)
                for one in done:
                    keeper.keep(one)
                    del left[one.task]
                    yield one
                    step()
        for one in wait_for_others(left, claims, console):
            del left[one.task]
            yield one


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
