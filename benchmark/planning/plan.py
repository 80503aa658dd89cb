"""What a run is: datasets with their truth and folds, models, tasks; and what a task gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.datasets.base import Dataset
from benchmark.planning.folds import Folds
from benchmark.planning.tasks import Task, enumerate_tasks
from features.arrays import FloatArray


@dataclass(frozen=True)
class Truth:
    """What the predictions on one dataset are scored against.

    Attributes
    ----------
    name : str
        Dataset name.
    fingerprint : str
        Hash of the dataset's content.
    label_names, ids : tuple of str
        The c labels and the n rows.
    D : ndarray of shape (n, c)
        Description degrees.
    latent : ndarray of shape (n, c), optional
        The distributions behind `D`, where known.
    folds : Folds
        Which fold tests which row.
    notes : tuple of str
        What a reader of the results should know about the data.
    source : str
        Where the data came from, for people.
    sigma : float, optional
        Where single labels were spread over the emotion wheel, with which sigma.
    """

    name: str
    fingerprint: str
    label_names: tuple[str, ...]
    ids: tuple[str, ...]
    D: FloatArray
    latent: FloatArray | None
    folds: Folds
    notes: tuple[str, ...] = ()
    source: str = ""
    sigma: float | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that determines the results of a run and how they are scored.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    seed : int
        The run's seed.
    truths : dict
        Dataset name to `Truth`.
    models : dict
        Table name to what determines the model's results (`Model.describe`).
    inputs : dict
        Dataset name to the models that run on it, each with the key of its input
        (`benchmark.planning.needs.Need`).
    """

    protocol: str
    seed: int
    truths: dict[str, Truth]
    models: dict[str, dict[str, Any]]
    inputs: dict[str, dict[str, str]]

    @cached_property
    def tasks(self) -> list[Task]:
        """Every task of the run."""
        fingerprints = {name: truth.fingerprint for name, truth in self.truths.items()}
        folds = {name: truth.folds for name, truth in self.truths.items()}
        return list(enumerate_tasks(fingerprints, folds, self.models, self.seed, self.inputs))

    def models_of(self, dataset: str) -> list[str]:
        """Names of the models that run on a dataset, in the order of the tables."""
        return [name for name in self.models if name in self.inputs[dataset]]


@dataclass(frozen=True)
class Result:
    """A stored outcome: predictions (n_test, c), and a record of how they came about."""

    predictions: FloatArray
    record: dict[str, Any]


def make_truth(dataset: Dataset, folds: Folds) -> Truth:
    """Keep of a dataset what scoring needs."""
    return Truth(
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        label_names=dataset.label_names,
        ids=dataset.ids,
        D=dataset.D,
        latent=dataset.latent,
        folds=folds,
        notes=dataset.notes,
        source=dataset.source,
        sigma=dataset.sigma,
    )
