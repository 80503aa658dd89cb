"""The unit of work: one model on one fold of one dataset, with its key, its seed and outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.planning.folds import Folds
from features.arrays import FloatArray
from features.storage.files import array_key, canonical_json, content_key, slug

#: Increase this when the meaning of stored results changes: all are then computed anew.
RESULT_FORMAT = 1


@dataclass(frozen=True)
class Task:
    """One model on one fold.

    Attributes
    ----------
    dataset, model : str
        Names as in the tables.
    repeat, fold : int
        Which fold is tested, both counted from 0.
    random_state : int or None
        Seed of the model, None for a model that draws nothing or has its own.
    key : str
        Hash of everything that determines the result.
    inner_seed : int or None
        Seed of the folds in which the model's settings are chosen, the same for every model; None
        for a model that has its settings.
    """

    dataset: str
    model: str
    repeat: int
    fold: int
    random_state: int | None
    key: str
    inner_seed: int | None = None

    @property
    def path(self) -> Path:
        """Where the result lies in the run folder; results of other settings lie elsewhere."""
        return _path_of(self.dataset, self.model, self.repeat, self.fold, self.key)

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset}, repeat {self.repeat}, fold {self.fold}"


@lru_cache(maxsize=256)  # it is asked for several times while a task is done
def _path_of(dataset: str, model: str, repeat: int, fold: int, key: str) -> Path:
    return Path("tasks", slug(dataset), slug(model), f"r{repeat}-f{fold}-{key[:16]}.npz")


@dataclass
class Outcome:
    """What came of a task: predictions, or the reason why there are none.

    Attributes
    ----------
    task : Task
    predictions : ndarray of shape (n_test, c), optional
        One distribution per test row of the fold.
    fit_seconds, predict_seconds : float
        Wall time of the two calls; choosing settings is a part of learning.
    convergence : dict
        ``n_iter``, ``converged``, ``objective`` and ``history`` (the loss of every epoch), those
        of them that the model has.
    tuning : dict
        What was tried, scored and chosen, see `benchmark.running.search`; empty for a model that
        has its settings.
    warnings : list of str
        What the model's code warned of.
    error, trace : str
        One sentence, and the traceback; empty where it went well.
    time_limit : float, optional
        Seconds of the time limit that was over, where that is why it failed.
    """

    task: Task
    predictions: FloatArray | None = None
    fit_seconds: float = float("nan")
    predict_seconds: float = float("nan")
    convergence: dict[str, Any] = field(default_factory=dict)
    tuning: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str = ""
    trace: str = ""
    time_limit: float | None = None


def enumerate_tasks(
    fingerprints: Mapping[str, str],
    folds: Mapping[str, Folds],
    models: Mapping[str, Mapping[str, Any]],
    seed: int,
    inputs: Mapping[str, Mapping[str, str]],
) -> Iterator[Task]:
    """List every task of a run.

    Parameters
    ----------
    fingerprints : mapping
        Dataset name to hash of its content.
    folds : mapping
        Dataset name to its folds.
    models : mapping
        Table name to `Model.describe`.
    seed : int
        The run's seed.
    inputs : mapping
        Dataset name to the models that run on it, and for each the key of its input (see
        `benchmark.planning.needs.Need`), which is empty for the dataset's own features.
    """
    for dataset, fingerprint in fingerprints.items():
        keys = inputs[dataset]
        # Keys of the first version, which had no number, must stay: they find its results.
        version = {"folds": v} if (v := folds[dataset].version) > 1 else {}
        groups = folds[dataset].groups
        # Of groups alone: folds of rows keep the keys that they had before there were groups.
        apart = {} if groups is None else {"inner_groups": array_key(groups)}
        for repeat in range(folds[dataset].n_repeats):
            for fold in range(folds[dataset].n_folds):
                split = folds[dataset].key(repeat, fold)
                # Of the rows' numbers alone: what the test rows hold must not move the inner folds.
                inner = task_seed(seed, ["inner folds", split])
                for name, model in models.items():
                    if name not in keys:
                        continue
                    wants_seed = model["params"].get("random_state", 0) is None
                    identity = [fingerprint, model["model"], repeat, fold]
                    random_state = task_seed(seed, identity) if wants_seed else None
                    inner_seed = inner if "search" in model else None
                    content = {
                        "format": RESULT_FORMAT,
                        "dataset": fingerprint,
                        "split": split,
                        **version,
                        "model": dict(model),
                        "random_state": random_state,
                        **({"input": keys[name]} if keys[name] else {}),
                        **({} if inner_seed is None else {"inner_seed": inner_seed, **apart}),
                    }
                    key = content_key(content)
                    yield Task(dataset, name, repeat, fold, random_state, key, inner_seed)


def task_seed(seed: int, identity: list[Any]) -> int:
    """Derive a 32-bit seed from the run's seed and what a task is, not from its place in a list."""
    digest = hashlib.sha256(canonical_json(identity).encode()).digest()
    words = tuple(int(word) for word in np.frombuffer(digest, dtype="<u4"))
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1)[0])
