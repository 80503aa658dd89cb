"""What a run has to compute, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.planning.models import Model
from benchmark.planning.needs import Need, Needs
from benchmark.planning.plan import Plan, Truth
from benchmark.planning.tasks import Task
from features.arrays import IntArray


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
    give_up : bool
        Whether the other folds of a model on a dataset are left out once one has failed.
    scheduler : str, Path, distributed.Client or cluster, optional
        Of the cluster that does the tasks, see `benchmark.running.cluster.connecting`; None for
        processes of this machine.
    """

    workers: int
    task_timeout: float | None
    cache: Path
    give_up: bool = False
    scheduler: Any = None


@dataclass(frozen=True)
class Job:
    """What a run has to compute, and with what.

    Attributes
    ----------
    plan : Plan
        All of the run.
    pending : tuple of Task
        Those of its tasks that have no result yet.
    models : mapping
        Table name to model.
    needs : mapping
        Dataset name to what each model needs of the dataset.
    resources : Resources
        What may be used.
    """

    plan: Plan
    pending: tuple[Task, ...]
    models: Mapping[str, Model]
    needs: Needs
    resources: Resources

    @property
    def networks(self) -> list[Task]:
        """Pending tasks of networks, model by model: a process compiles a network only once."""
        order = list(self.models)
        found = [task for task in self.pending if self.model(task).is_network]
        return sorted(found, key=lambda task: order.index(task.model))

    @property
    def others(self) -> list[Task]:
        """Pending tasks of models on features."""
        return [task for task in self.pending if not self.model(task).is_network]

    @property
    def pending_needs(self) -> dict[str, set[Need]]:
        """What pending tasks need of each dataset."""
        found: dict[str, set[Need]] = {name: set() for name in self.needs}
        for task in self.pending:
            found[task.dataset].add(self.need(task))
        return found

    def model(self, task: Task) -> Model:
        """Return the task's model."""
        return self.models[task.model]

    def need(self, task: Task) -> Need:
        """Return what the task's model needs of its dataset."""
        return self.needs[task.dataset][task.model]

    def truth(self, task: Task) -> Truth:
        """Return what the task's predictions are scored against."""
        return self.plan.truths[task.dataset]

    def training_rows(self, task: Task) -> IntArray:
        """Return the rows that the task's model learns from."""
        return self.truth(task).folds.train(task.repeat, task.fold)

    def test_rows(self, task: Task) -> IntArray:
        """Return the rows that the task's model predicts."""
        return self.truth(task).folds.test(task.repeat, task.fold)
