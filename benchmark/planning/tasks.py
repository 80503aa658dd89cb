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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from baselines.base import Monitor, check_distributions
from benchmark.planning.folds import Folds
from benchmark.planning.needs import Input
from benchmark.planning.protocol import Model
from features.arrays import FloatArray
from features.storage.files import canonical_json, content_key, slug

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
        ``n_iter``, ``converged``, ``objective`` and ``history`` (the loss of every epoch), as far
        as the model tells them.
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


@dataclass(frozen=True)
class Work:
    """What a worker process needs to do a task.

    Attributes
    ----------
    model : Model
        The task's model.
    input : Input
        What the model gets as X; tells the rows of a fold.
    D : ndarray of shape (n, c)
        Description degrees of the whole dataset.
    train, test : ndarray of int
        Row numbers.
    facts : dict
        ``labels``, the names of the labels, and ``sigma``, where single labels were spread with
        one; a model gets those that its settings ask for, see `with_facts`.
    time_limit : float
        Seconds after which the model is interrupted; infinity for none.
    checkpoints : Path, optional
        Folder in which a model may keep what lets it go on after a kill.
    """

    model: Model
    input: Input
    D: FloatArray
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    facts: dict[str, Any] = field(default_factory=dict)
    time_limit: float = float("inf")
    checkpoints: Path | None = None


def with_facts(params: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in settings that only the dataset tells.

    Parameters
    ----------
    params : mapping
        Settings of a model. ``labels`` is filled in where it is None, ``sigma`` where it is
        ``"data"``.
    facts : mapping
        See `Work`.

    Raises
    ------
    ValueError
        A sigma is asked for, but the dataset has none.
    """
    filled = dict(params)
    if "labels" in filled and filled["labels"] is None:
        filled["labels"] = facts.get("labels")
    if filled.get("sigma") == "data":
        if facts.get("sigma") is None:
            raise ValueError(
                "sigma = 'data' needs a dataset whose single labels were spread with one"
            )
        filled["sigma"] = facts["sigma"]
    return filled


def enumerate_tasks(
    fingerprints: Mapping[str, str],
    folds: Mapping[str, Folds],
    models: Mapping[str, Mapping[str, Any]],
    seed: int,
    inputs: Mapping[str, Mapping[str, str]] | None = None,
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
    inputs : mapping, optional
        Dataset name to the models that run on it, and for each the key of its input (see
        `benchmark.planning.needs.Need`); by default every model on the dataset's own features.
    """
    for dataset, fingerprint in fingerprints.items():
        keys = dict.fromkeys(models, "") if inputs is None else inputs[dataset]
        for repeat in range(folds[dataset].n_repeats):
            for fold in range(folds[dataset].n_folds):
                split = folds[dataset].key(repeat, fold)
                for name, model in models.items():
                    if name not in keys:
                        continue
                    wants_seed = model["params"].get("random_state", 0) is None
                    identity = [fingerprint, model["model"], repeat, fold]
                    random_state = task_seed(seed, identity) if wants_seed else None
                    content = {
                        "format": RESULT_FORMAT,
                        "dataset": fingerprint,
                        "split": split,
                        "model": dict(model),
                        "random_state": random_state,
                        **({"input": keys[name]} if keys[name] else {}),
                    }
                    yield Task(dataset, name, repeat, fold, random_state, content_key(content))


def task_seed(seed: int, identity: list[Any]) -> int:
    """Derive a 32-bit seed from the run's seed and from what a task is, not where it stands."""
    digest = hashlib.sha256(canonical_json(identity).encode()).digest()
    words = tuple(int(word) for word in np.frombuffer(digest, dtype="<u4"))
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1)[0])


def execute(task: Task, marker: Path, work: Work) -> Outcome:
    """Fit the model on the training rows and predict the test rows.

    Never raises for what the model does: whatever goes wrong is in the outcome. BLAS and networks
    run with one thread here whatever the number of workers, since results depend on the number of
    threads.

    Parameters
    ----------
    task : Task
        What to do.
    marker : Path
        File that exists while the task runs. If the model cannot be interrupted, its process ends
        and the file has the traceback. `status_of` is beside it.
    work : Work
        What to do it with.
    """
    outcome = Outcome(task)
    marker.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _time_limit(work.time_limit, marker), threadpool_limits(1), _clean_process(task):
            caught: list[str] = []
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, category, *_: caught.append(
                f"{category.__name__}: {message}"
            )
            _fit_and_predict(outcome, work, marker)
            outcome.warnings = list(dict.fromkeys(caught))
    except TimeLimitError as error:
        outcome.error, outcome.trace = str(error), traceback.format_exc()
    except BaseException as error:  # a model may raise anything, SystemExit included
        outcome.error = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
        outcome.trace = traceback.format_exc()
    status_of(marker).unlink(missing_ok=True)
    marker.unlink(missing_ok=True)
    return outcome


def status_of(marker: Path) -> Path:
    """Return the file in which a running task says how far it is."""
    return marker.with_suffix(".status")


def _tell_status(marker: Path, line: str) -> None:
    with contextlib.suppress(OSError):  # a full disk must not end a fit for want of news
        status_of(marker).write_text(line, encoding="utf-8")


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


def _fit_and_predict(outcome: Outcome, work: Work, marker: Path) -> None:
    task, model = outcome.task, work.model
    if model.is_network:
        from features.networks.backend import start as start_backend

        start_backend(threads=1)
    estimator = model.entry.load()()
    seeded = {} if task.random_state is None else {"random_state": task.random_state}
    if model.params:
        estimator.set_params(**with_facts({**model.params, **seeded}, work.facts))
    if model.is_network and work.checkpoints is not None:
        work.checkpoints.mkdir(parents=True, exist_ok=True)
        estimator.monitor = Monitor(work.checkpoints, partial(_tell_status, marker))
    X_train, X_test = work.input.split(work.train, work.test)
    start = time.perf_counter()
    estimator.fit(X_train, work.D[work.train])
    fitted = time.perf_counter()
    predicted = estimator.predict(X_test)
    outcome.predict_seconds = time.perf_counter() - fitted
    outcome.fit_seconds = fitted - start
    predictions = check_distributions(predicted, "the prediction")
    expected = (len(work.test), work.D.shape[1])
    if predictions.shape != expected:
        raise ValueError(f"the prediction has shape {predictions.shape}, expected {expected}")
    outcome.predictions = predictions.copy()
    kinds: dict[str, Callable[[Any], Any]] = {
        "n_iter": int,
        "converged": bool,
        "objective": float,
        "history": _floats,
    }
    for name, kind in kinds.items():
        value = getattr(estimator, f"{name}_", None)
        if value is not None:
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                outcome.convergence[name] = kind(value)


def _floats(values: Any) -> list[float]:
    return [float(value) for value in values]


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
