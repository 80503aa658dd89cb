"""What a run is: datasets with their truth and folds, models with their settings, and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from benchmark.datasets.base import Dataset, Labelled
from benchmark.errors import UsageError
from benchmark.planning.copies import note_copies
from benchmark.planning.folds import Folds
from benchmark.planning.models import Model
from benchmark.planning.needs import Needs
from benchmark.planning.protocol import Protocol
from benchmark.planning.splits import make_folds
from benchmark.planning.tasks import Task, enumerate_tasks
from features.arrays import FloatArray


@dataclass(frozen=True, kw_only=True)
class Truth(Labelled):
    """What the predictions on one dataset are scored against.

    Attributes
    ----------
    fingerprint : str
        Hash of the dataset's content.
    folds : Folds
        Which fold tests which row.
    """

    fingerprint: str
    folds: Folds


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
    kept = {attribute.name: getattr(dataset, attribute.name) for attribute in fields(Labelled)}
    return Truth(**kept, fingerprint=dataset.fingerprint, folds=folds)


def make_plan(
    settings: Protocol, datasets: Mapping[str, Dataset], models: Sequence[Model], needs: Needs
) -> Plan:
    """Fix the folds, and all that determines the results.

    Raises
    ------
    UsageError
        A dataset cannot be split as the settings ask for.
    """
    truths = {}
    for name, data in datasets.items():
        try:
            split = make_folds(data, settings)
        except UsageError as error:
            raise UsageError(f"dataset {name}: {error}") from error
        remarks = dict.fromkeys(need.description for need in needs[name].values())
        notes = (*data.notes, *note_copies(data, split), *(remark for remark in remarks if remark))
        truths[name] = replace(make_truth(data, split), notes=notes)
    described: dict[str, Any] = {model.name: model.describe() for model in models}
    keys = {name: {model: need.key for model, need in of.items()} for name, of in needs.items()}
    return Plan(settings.name, settings.seed, truths, described, keys)
