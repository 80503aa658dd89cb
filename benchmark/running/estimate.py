"""Estimates what training networks will take, from a few measured steps, before a run starts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.planning.models import Model, with_facts
from benchmark.planning.needs import NetworkImages
from benchmark.planning.tasks import Task
from benchmark.progress import Console
from benchmark.running.job import Job
from benchmark.running.prepare import Device, helper
from benchmark.wording import count, duration
from ewmtcnn.base import NetworkEstimator
from features.memory import free_bytes
from features.networks.backbones import find_backbone

#: Runs of networks with fewer floating-point operations are not worth measuring, without and with
#: an accelerator: they take minutes on a CPU core, or seconds on an accelerator.
SMALL_RUN = {False: 1e14, True: 1e17}

# Share of the free memory that the networks which run at the same time may take.
_MEMORY_SHARE = 0.8


@dataclass(frozen=True)
class Cost:
    """What the pending folds of one network on one dataset take.

    Attributes
    ----------
    model, dataset : str
        Names in the tables.
    folds : int
        Pending folds.
    seconds : float
        Of one fold.
    step : float
        Seconds of one step.
    mib : float
        Peak of memory of one fold.
    """

    model: str
    dataset: str
    folds: int
    seconds: float
    step: float
    mib: float


def operations(job: Job, task: Task) -> float:
    """Count the floating-point operations of a fold: three forward passes per image and epoch."""
    model, need = job.model(task), job.need(task)
    if not isinstance(need, NetworkImages) or not issubclass(model.entry.load(), NetworkEstimator):
        return 0.0  # how long a plugin's network takes is not known
    backbone = find_backbone(model.params["backbone"])
    scale = (need.size / backbone.size) ** 2
    rows = len(job.training_rows(task))
    return 3e9 * backbone.gflops * scale * rows * _epochs(model.params) * trainings(model)


def _epochs(params: Mapping[str, Any]) -> int:
    """Return how often a training looks at each image: once where the backbone is frozen."""
    frozen = params.get("backbone_rate") == 0 and params.get("augmentation") == "none"
    return 1 if frozen else int(params.get("epochs", 1))


def trainings(model: Model) -> float:
    """Count what a fold of a network takes, in trainings with its own epochs on all training rows.

    One, unless its settings are chosen: then it is trained with each of them in every inner fold.
    """
    if model.search is None:
        return 1.0
    own, folds = _epochs(model.params), model.search.folds
    epochs = [_epochs({**model.params, **tried}) for tried in model.search.configurations]
    return 1.0 + (folds - 1) * sum(epochs) / own


def describe_search(job: Job) -> str:
    """Say how many trainings tuning the pending networks takes; empty where none is tuned."""
    tuned = [job.model(task) for task in job.networks if job.model(task).search]
    if not tuned:
        return ""
    fits = sum(m.search.folds * len(m.search.configurations) + 1 for m in tuned if m.search)
    plain = sum(trainings(model) for model in tuned) / len(tuned)
    return (
        f"Tuning networks takes {count(fits, 'training')} for {count(len(tuned), 'fold')}, about "
        f"{plain:.0f} times the time of a fold that has its settings; --no-tune-networks leaves "
        f"that out."
    )


def is_long(job: Job, device: Device) -> bool:
    """Tell whether the networks of a run are worth measuring first."""
    return sum(operations(job, task) for task in job.networks) > SMALL_RUN[device.accelerated]


def measure_costs(job: Job, device: Device, console: Console) -> list[Cost]:
    """Measure a few steps of each network whose steps take long, once for all its variants.

    Raises
    ------
    BenchmarkError
        A network cannot be built, or a batch does not fit the memory; says which size does.
    """
    tasks = job.networks
    folds = Counter((task.dataset, task.model) for task in tasks)
    firsts = {(task.dataset, task.model): task for task in reversed(tasks)}
    costs = []
    measured: dict[tuple[object, ...], tuple[float, float]] = {}
    for (dataset, name), number in folds.items():
        task = firsts[dataset, name]
        model, need = job.model(task), job.need(task)
        if not isinstance(need, NetworkImages) or not operations(job, task):
            continue
        rows = len(job.training_rows(task))
        batch = min(int(model.params["batch_size"]), rows)
        kind = (model.entry.name, model.params["backbone"], model.params.get("precision"),
                need.size, batch)  # fmt: skip
        if kind not in measured:
            console.tell(f"Measuring a few steps of {name} ...")
            measured[kind] = _measure(job, task, need.size, batch, not device.accelerated)
        step, mib = measured[kind]
        steps = math.ceil(rows / batch) * _epochs(model.params) * trainings(model)
        costs.append(Cost(name, dataset, number, steps * step, step, mib))
    return costs


def _measure(
    job: Job, task: Task, size: int, batch_size: int, one_thread: bool
) -> tuple[float, float]:
    """Return the seconds of a step and the peak of memory in MiB."""
    model, facts = job.model(task), job.truth(task).facts
    model = replace(
        model,
        entry=model.entry.portable(),
        params=with_facts({**model.params, "batch_size": batch_size}, facts),
    )
    labels = len(job.truth(task).label_names)
    with (
        helper() as process
    ):  # one process each, since it is a process whose peak of memory is measured
        found: tuple[float, float] = process.call(
            f"measuring {task.model}", _measure_there, model, size, labels, one_thread
        )
    return found


def _measure_there(model: Model, size: int, n_labels: int, one_thread: bool) -> tuple[float, float]:
    from features.networks import backend

    backend.start(threads=1 if one_thread else None)
    estimator = model.entry.load()()
    estimator.set_params(**model.params)
    cost = estimator.measure_step(size, n_labels)
    return cost.seconds, cost.peak_mib


def workers_that_fit(costs: Sequence[Cost], workers: int, free_mib: float) -> int:
    """Limit the number of networks trained at the same time to what memory has room for."""
    largest = max((cost.mib for cost in costs), default=0.0)
    if not largest:
        return workers
    return max(1, min(workers, int(_MEMORY_SHARE * free_mib / largest)))


def describe_costs(costs: Sequence[Cost], workers: int, free_mib: float, console: Console) -> None:
    """Say what was found: a sentence for each network, and one for all."""
    for cost in costs:
        console.tell(
            f"{cost.model} on {cost.dataset}: {count(cost.folds, 'fold')} of about "
            f"{duration(cost.seconds)} ({duration(cost.step)} a step), {cost.mib / 1024:.1f} GiB "
            f"each."
        )
    total = sum(cost.seconds * cost.folds for cost in costs) / workers
    if total:
        console.tell(f"Networks will take about {duration(total)}, {workers} at a time.")
    largest = max((cost.mib for cost in costs), default=0.0)
    if largest > free_mib:
        console.tell(
            f"Warning: a network needs {largest / 1024:.1f} GiB and {free_mib / 1024:.1f} GiB are "
            f"free; lower --batch-size."
        )


def free_memory() -> float:
    """Return the memory that is available to programs, in MiB."""
    return free_bytes() / 2**20
