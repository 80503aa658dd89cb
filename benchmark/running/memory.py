"""Says before a run starts which fits take much memory, and which will be refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baselines.base import LDLEstimator
from baselines.size import NOTICEABLE, allowed
from benchmark.errors import UsageError
from benchmark.planning.inputs import Activations, Input, Matrix, Reduced
from benchmark.planning.models import Model, with_facts
from benchmark.planning.needs import Need
from benchmark.progress import Console
from benchmark.running.job import Job


def check_limit() -> None:
    """Refuse a limit in the environment that is none: else every task would fail of it.

    Raises
    ------
    UsageError
        It is no number of GB.
    """
    try:
        allowed()
    except ValueError as error:
        raise UsageError(str(error)) from error


def describe_memory(job: Job, inputs: Mapping[tuple[str, Need], Input], console: Console) -> None:
    """Tell it for each of our models on each dataset, where it is worth a sentence."""
    firsts = {(task.dataset, task.model): task for task in reversed(job.others)}
    for (dataset, name), task in reversed(firsts.items()):
        model, truth = job.model(task), job.truth(task)
        rows = job.training_rows(task)
        n, c = len(rows), len(truth.label_names)
        q = _width(inputs[dataset, job.need(task)])
        most = 8.0 * (9 * n * n + c * q * q + 9 * c * c * (n + c * q))
        if model.entry.source or most < NOTICEABLE:
            continue  # a plugin is not loaded here, and nothing of ours needs much
        learner = _learner(model, truth.facts)
        if learner is None:
            continue
        try:
            learner.check_data(q, truth.D[rows])
        except ValueError as error:
            console.tell(f"Warning: {name} will fail on {dataset}: {error}.")
            continue
        if (needed := learner.peak_memory(n, q, c)) > NOTICEABLE:
            console.tell(f"{name} on {dataset} takes up to {needed / 1e9:,.1f} GB for a fold.")


def _width(given: Input) -> int:
    """Return the number of features; 0 of images."""
    if isinstance(given, Reduced):
        return given.components
    if isinstance(given, Matrix):
        return int(given.X.shape[1])
    return int(given.activations.shape[1]) if isinstance(given, Activations) else 0


def _learner(model: Model, facts: Mapping[str, Any]) -> LDLEstimator | None:
    """Return the model's learner; None where its settings are wrong, which its tasks tell."""
    try:
        learner = model.entry.load()()
        learner.set_params(**with_facts(model.params, facts))
    except Exception:
        return None
    return learner if isinstance(learner, LDLEstimator) else None
