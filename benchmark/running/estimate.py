"""What training the networks of a run will take, from a few measured steps, before it starts."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.planning.plan import Plan
from benchmark.planning.protocol import Model
from benchmark.planning.tasks import Task, with_facts
from benchmark.running.inputs import Need
from benchmark.running.prepare import Device, helper
from benchmark.wording import count, duration
from ewmtcnn.base import NetworkEstimator
from features.networks.backbones import find_backbone

#: Floating-point operations of a run of networks that is too short to be measured first: minutes
#: on a CPU core, seconds on an accelerator.
SMALL_RUN = {False: 1e14, True: 1e17}

# Of the free memory, how much the networks that run at the same time may take.
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


def operations(task: Task, model: Model, need: Need, plan: Plan) -> float:
    """Count the floating-point operations of a fold: three forward passes per image and epoch."""
    params = model.params
    if need.kind != "images" or not issubclass(model.entry.load(), NetworkEstimator):
        return 0.0  # nothing is known of what another's network takes
    backbone = find_backbone(params["backbone"])
    scale = (need.size / backbone.size) ** 2
    rows = len(plan.truths[task.dataset].folds.train(task.repeat, task.fold))
    return 3e9 * backbone.gflops * scale * rows * int(params["epochs"])


def is_long(
    tasks: Sequence[Task], models: Mapping[str, Model], needs: Mapping[str, Mapping[str, Need]],
    plan: Plan, device: Device,
) -> bool:  # fmt: skip
    """Tell whether a run of networks is worth measuring first."""
    total = sum(operations(t, models[t.model], needs[t.dataset][t.model], plan) for t in tasks)
    return total > SMALL_RUN[device.accelerated]


def measure_costs(
    tasks: Sequence[Task],
    models: Mapping[str, Model],
    needs: Mapping[str, Mapping[str, Need]],
    plan: Plan,
    device: Device,
    tell: Callable[[str], None],
) -> list[Cost]:
    """Measure a few steps of each network whose steps take long, once for all its variants.

    Parameters
    ----------
    tasks : sequence of Task
        Pending tasks of networks.
    models, needs, plan, device
        Of the run.
    tell : callable
        Gets a sentence before each measurement.

    Raises
    ------
    BenchmarkError
        A network cannot be built, or a batch does not fit the memory; says which size does.
    """
    folds = Counter((task.dataset, task.model) for task in tasks)
    costs = []
    measured: dict[tuple[object, ...], tuple[float, float]] = {}
    for (dataset, name), number in folds.items():
        model, need, truth = models[name], needs[dataset][name], plan.truths[dataset]
        task = next(t for t in tasks if (t.dataset, t.model) == (dataset, name))
        if not operations(task, model, need, plan):
            continue
        rows = len(truth.folds.train(task.repeat, task.fold))
        batch = min(int(model.params["batch_size"]), rows)
        kind = (model.entry.name, model.params["backbone"], model.params.get("precision"),
                need.size, batch)  # fmt: skip
        if kind not in measured:
            tell(f"Measuring a few steps of {name} ...")
            facts = {"labels": truth.label_names, "sigma": truth.sigma}
            sent = replace(model, entry=model.entry.portable())
            with helper() as process:  # one each, since the peak of memory is its process's
                measured[kind] = process.call(
                    f"measuring {name}", _measure_there, sent, facts, need.size,
                    len(truth.label_names), batch, not device.accelerated,
                )  # fmt: skip
        step, mib = measured[kind]
        steps = math.ceil(rows / batch) * int(model.params["epochs"])
        costs.append(Cost(name, dataset, number, steps * step, step, mib))
    return costs


def _measure_there(
    model: Model,
    facts: Mapping[str, object],
    size: int,
    n_labels: int,
    batch_size: int,
    one_thread: bool,
) -> tuple[float, float]:
    from features.networks import backend

    backend.start(threads=1 if one_thread else None)
    estimator = model.entry.load()()
    estimator.set_params(**with_facts({**model.params, "batch_size": batch_size}, facts))
    cost = estimator.measure_step(size, n_labels)
    return cost.seconds, cost.peak_mib


def workers_that_fit(costs: Sequence[Cost], workers: int, free_mib: float) -> int:
    """Limit the number of networks trained at the same time to what memory has room for."""
    largest = max((cost.mib for cost in costs), default=0.0)
    if not largest:
        return workers
    return max(1, min(workers, int(_MEMORY_SHARE * free_mib / largest)))


def describe_costs(
    costs: Sequence[Cost], workers: int, free_mib: float, tell: Callable[[str], None]
) -> None:
    """Say what was found: a sentence for each network, and one for all."""
    for cost in costs:
        tell(
            f"{cost.model} on {cost.dataset}: {count(cost.folds, 'fold')} of about "
            f"{duration(cost.seconds)} ({duration(cost.step)} a step), {cost.mib / 1024:.1f} GiB "
            f"each."
        )
    total = sum(cost.seconds * cost.folds for cost in costs) / workers
    if total:
        tell(f"Networks will take about {duration(total)}, {workers} at a time.")
    largest = max((cost.mib for cost in costs), default=0.0)
    if largest > free_mib:
        tell(
            f"Warning: a network needs {largest / 1024:.1f} GiB and {free_mib / 1024:.1f} GiB are "
            f"free; lower --batch-size."
        )


def free_memory() -> float:
    """Return the memory that programs can still take, in MiB."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    # Where the system does not tell, take all there is.
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
