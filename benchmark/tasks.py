"""The unit of work: one model on one fold of one dataset, a pure function of its task."""

from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import random
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from baselines.base import FloatArray, check_distributions
from benchmark.folds import Folds
from benchmark.protocol import Model
from features.files import canonical_json, content_key, slug

#: Raise when the meaning of a stored result changes: every result is then computed anew.
RESULT_FORMAT = 1

# A model that ignores its time limit gets as long again, at most this, then its process ends.
_GRACE_SECONDS = 10.0


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
    """

    dataset: str
    model: str
    repeat: int
    fold: int
    random_state: int | None
    key: str

    @property
    def path(self) -> Path:
        """Where the result lies, relative to the run folder; other settings, other path."""
        name = f"r{self.repeat}-f{self.fold}-{self.key[:16]}.npz"
        return Path("tasks", slug(self.dataset), slug(self.model), name)

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset}, repeat {self.repeat}, fold {self.fold}"


@dataclass
class Outcome:
    """What came of a task: predictions, or the reason why there are none.

    Attributes
    ----------
    task : Task
    predictions : ndarray of shape (n_test, c), optional
        One distribution per test row of the fold.
    fit_seconds, predict_seconds : float
        Wall time of the two calls.
    convergence : dict
        ``n_iter``, ``converged``, ``objective`` as far as the model tells them.
    warnings : list of str
        What the model's code warned of.
    error, trace : str
        One sentence, and the traceback; empty where it went well.
    """

    task: Task
    predictions: FloatArray | None = None
    fit_seconds: float = float("nan")
    predict_seconds: float = float("nan")
    convergence: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str = ""
    trace: str = ""


def enumerate_tasks(
    fingerprints: Mapping[str, str],
    folds: Mapping[str, Folds],
    models: Mapping[str, Mapping[str, Any]],
    seed: int,
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
    """
    for dataset, fingerprint in fingerprints.items():
        for repeat in range(folds[dataset].n_repeats):
            for fold in range(folds[dataset].n_folds):
                split = folds[dataset].key(repeat, fold)
                for name, model in models.items():
                    wants_seed = model["params"].get("random_state", 0) is None
                    identity = [fingerprint, model["model"], repeat, fold]
                    random_state = task_seed(seed, identity) if wants_seed else None
                    key = content_key(
                        {
                            "format": RESULT_FORMAT,
                            "dataset": fingerprint,
                            "split": split,
                            "model": dict(model),
                            "random_state": random_state,
                        }
                    )
                    yield Task(dataset, name, repeat, fold, random_state, key)


def task_seed(seed: int, identity: list[Any]) -> int:
    """Derive a 32-bit seed from the run's seed and from what a task is, not where it stands."""
    digest = hashlib.sha256(canonical_json(identity).encode()).digest()
    words = tuple(int(word) for word in np.frombuffer(digest, dtype="<u4"))
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1)[0])


def execute(
    task: Task,
    marker: Path,
    model: Model,
    X: FloatArray,
    D: FloatArray,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    time_limit: float,
) -> Outcome:
    """Fit the model on the training rows and predict the test rows.

    Never raises for what the model does: whatever goes wrong is in the outcome. BLAS runs with one
    thread here whatever the number of workers, since its results depend on the number of threads.

    Parameters
    ----------
    task : Task
        What to do.
    marker : Path
        File that exists while the task runs. If the model cannot be interrupted, its process ends
        and the file has the traceback.
    model : Model
        The task's model.
    X, D : ndarray
        Features (n, q) and distributions (n, c) of the whole dataset.
    train, test : ndarray of int
        Row numbers.
    time_limit : float
        Seconds after which the model is interrupted; infinity for none.
    """
    outcome = Outcome(task)
    marker.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _time_limit(time_limit, marker), threadpool_limits(1), _clean_process(task):
            caught: list[str] = []
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, category, *_: caught.append(
                f"{category.__name__}: {message}"
            )
            _fit_and_predict(outcome, model, X, D, train, test)
            outcome.warnings = list(dict.fromkeys(caught))
    except TimeLimitError as error:
        outcome.error, outcome.trace = str(error), traceback.format_exc()
    except BaseException as error:  # a model may raise anything, SystemExit included
        outcome.error = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
        outcome.trace = traceback.format_exc()
    marker.unlink(missing_ok=True)
    return outcome


@contextlib.contextmanager
def _clean_process(task: Task) -> Iterator[None]:
    """Let nothing that a model does to its process reach the next task, or the table.

    The global random generators, which no model should use, are seeded all the same.
    """
    seed = int(task.key[:8], 16)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    with (
        warnings.catch_warnings(),
        np.errstate(),
        contextlib.chdir("."),
        contextlib.redirect_stdout(sys.stderr),
    ):
        yield


def _fit_and_predict(
    outcome: Outcome,
    model: Model,
    X: FloatArray,
    D: FloatArray,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
) -> None:
    task = outcome.task
    estimator = model.entry.load()()
    seeded = {} if task.random_state is None else {"random_state": task.random_state}
    if model.params:
        estimator.set_params(**{**model.params, **seeded})
    start = time.perf_counter()
    estimator.fit(X[train], D[train])
    fitted = time.perf_counter()
    predicted = estimator.predict(X[test])
    outcome.predict_seconds = time.perf_counter() - fitted
    outcome.fit_seconds = fitted - start
    predictions = check_distributions(predicted, "the prediction")
    if predictions.shape != (len(test), D.shape[1]):
        raise ValueError(
            f"the prediction has shape {predictions.shape}, expected {(len(test), D.shape[1])}"
        )
    outcome.predictions = predictions.copy()
    for name, kind in (("n_iter", int), ("converged", bool), ("objective", float)):
        value = getattr(estimator, f"{name}_", None)
        if value is not None:
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                outcome.convergence[name] = kind(value)


class TimeLimitError(BaseException):
    """The task's time is over; not an Exception, so that no model swallows it by accident."""


@contextlib.contextmanager
def _time_limit(seconds: float, marker: Path) -> Iterator[None]:
    """Raise `TimeLimitError` here after the given time; end the process if that is ignored.

    While this is open, the marker takes the traceback of whatever ends the process.
    """
    with marker.open("w") as log:
        faulthandler.enable(log, all_threads=False)
        try:
            with _alarm(seconds, log) if np.isfinite(seconds) else contextlib.nullcontext():
                yield
        finally:
            faulthandler.disable()


@contextlib.contextmanager
def _alarm(seconds: float, log: TextIO) -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(f"stopped after the time limit of {seconds:g} s (--task-timeout)")

    faulthandler.dump_traceback_later(seconds + min(seconds, _GRACE_SECONDS), exit=True, file=log)
    former = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        faulthandler.cancel_dump_traceback_later()
