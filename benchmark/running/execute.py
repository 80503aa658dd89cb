"""Does one task in a worker process: fits the model on a fold and predicts its test rows."""

from __future__ import annotations

import contextlib
import math
import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from joblib import parallel_config

from baselines.base import Monitor
from baselines.checks import check_distributions
from benchmark.planning.inputs import Input
from benchmark.planning.models import Model, with_facts
from benchmark.planning.tasks import Outcome, Task
from benchmark.plugins.spaces import Configuration
from benchmark.plugins.undisturbed import same_folder
from benchmark.running.crash_log import crash_log
from benchmark.running.facts import read_facts
from benchmark.running.processes import cannot_load
from benchmark.running.search import Data, Make, search
from benchmark.running.texts import Warned, describe_error
from benchmark.running.worker import allow, loads
from features.arrays import IntArray
from features.one_thread import one_thread
from features.storage.sharded_array import RowArray

# What loading a model's libraries, and what comes after its prediction, may take where a task has a
# time limit.
_LOADING_SECONDS, _CLOSING_SECONDS = 600.0, 60.0


@dataclass(frozen=True)
class Work:
    """What a worker process needs to do a task.

    Attributes
    ----------
    model : Model
        The task's model.
    input : Input
        What the model gets as X; tells the rows of a fold.
    D : array of shape (n, c)
        Description degrees of the whole dataset.
    train, test : ndarray of int
        Row numbers.
    facts : dict
        ``labels``, the names of the labels, and ``sigma``, where single labels were spread with
        one; a model gets those that its settings ask for, see `with_facts`.
    time_limit : float
        Seconds after which learning and predicting is interrupted; infinity for no limit. Loading
        the model's libraries in a fresh process does not count.
    checkpoints : Path, optional
        Folder in which a model may keep what lets it go on after a kill.
    groups : ndarray of shape (n,), optional
        Number of each row's group, which the folds in which settings are chosen keep apart.
    """

    model: Model
    input: Input
    D: RowArray
    train: IntArray
    test: IntArray
    facts: dict[str, Any] = field(default_factory=dict)
    time_limit: float = float("inf")
    checkpoints: Path | None = None
    groups: IntArray | None = None


def execute_sent(
    task: Task, status: Path, content: bytes, put: Callable[[Work], Work] | None = None
) -> Outcome:
    """Do `execute` with a `Work` that was sent, which may not come to be loaded here.

    Where it comes from another machine, `put` puts what is here in place of what is there.
    """
    try:
        work = loads(content)
        work = put(work) if put else work
    except BaseException as error:  # code of a user's that is loaded may raise anything
        return Outcome(task, error=cannot_load(describe_error(error)[0]))
    return execute(task, status, work)


def execute(task: Task, status: Path, work: Work) -> Outcome:
    """Fit the model on the training rows and predict the test rows.

    Never raises for what the model does: whatever goes wrong is in the outcome. BLAS and networks
    run with one thread here whatever the number of workers, since results depend on the number of
    threads.

    Parameters
    ----------
    task : Task
        What to do.
    status : Path
        File in which the task says how far it is. If the model cannot be interrupted, its process
        ends and the traceback is beside it, see `benchmark.running.crash_log`.
    work : Work
        What to do it with.
    """
    outcome, warned, notes = Outcome(task), Warned(), list[str]()
    limit = work.time_limit
    try:
        with crash_log(status.parent), one_thread(), _clean_process(task, status.parent):
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, category, *_: warned.add(message, category)
            with _time_limit(limit):
                make = _load(task, work)
                allow(limit)
                estimator = make(_choose(make, outcome, work, status))
                _watch(estimator, work, status)
                _fit_and_predict(estimator, outcome, work)
                outcome.convergence, notes = read_facts(estimator)
                allow(_CLOSING_SECONDS)
    except TimeLimitError as error:
        outcome.error, outcome.trace = str(error), describe_error(error)[1]
        outcome.time_limit = limit
        if work.model.search:
            outcome.error += "; what it has scored is kept, and the same command goes on from there"
    except BaseException as error:  # a model may raise anything, SystemExit included
        outcome.error, outcome.trace = describe_error(error)
    outcome.warnings = [*warned.texts(), *notes]
    status.unlink(missing_ok=True)
    return outcome


def _tell(status: Path, line: str) -> None:
    with contextlib.suppress(OSError):  # a status that cannot be written is no reason to stop
        status.write_text(line, encoding="utf-8")


@contextlib.contextmanager
def _clean_process(task: Task, folder: Path) -> Iterator[None]:
    """Undo what a model does to its process, so that it reaches neither the next task nor stdout.

    The global random generators, which no model should use, are seeded all the same. What a model
    computes with joblib it does in this process.
    """
    error_stream, environment = sys.stderr, dict(os.environ)
    os.environ["JOBLIB_TEMP_FOLDER"] = str(folder)  # which goes with the run
    seed = int(task.key[:8], 16)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    with (
        warnings.catch_warnings(),
        np.errstate(),
        same_folder(),
        contextlib.redirect_stdout(error_stream),
        contextlib.redirect_stderr(error_stream),
        parallel_config("threading"),
    ):
        try:
            yield
        finally:
            os.environ.pop("JOBLIB_TEMP_FOLDER", None)
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)


def _load(task: Task, work: Work) -> Make:
    """Load the model's class and its libraries; return what makes it with the task's settings."""
    model = work.model
    if model.is_network:
        from features.networks.backend import start as start_backend

        start_backend(threads=1)
    cls = model.entry.load()
    getattr(cls, "load_libraries", lambda: None)()
    seeded = {} if task.random_state is None else {"random_state": task.random_state}

    def make(configuration: Configuration) -> Any:
        estimator = cls()
        if settings := {**model.params, **configuration, **seeded}:
            estimator.set_params(**with_facts(settings, work.facts))
        return estimator

    make({})  # what is wrong with its settings shows here
    return make


def _choose(make: Make, outcome: Outcome, work: Work, status: Path) -> Configuration:
    """Return the settings that the training rows choose; none where the row has them."""
    wanted, seed = work.model.search, outcome.task.inner_seed
    if wanted is None or seed is None:
        return {}
    if work.checkpoints is not None:
        work.checkpoints.mkdir(parents=True, exist_ok=True)
    data = Data(work.input, work.D, work.train, work.groups)
    monitor = Monitor(work.checkpoints, partial(_tell, status))
    found = search(work.model, make, data, seed, monitor)
    outcome.tuning = found.describe()
    _tell(status, "tuned")
    return wanted.configurations[found.chosen]


def _watch(estimator: Any, work: Work, status: Path) -> None:
    """Let a network keep checkpoints, and tell how far it is."""
    if work.model.is_network and work.checkpoints is not None:
        work.checkpoints.mkdir(parents=True, exist_ok=True)
        estimator.monitor = Monitor(work.checkpoints, partial(_tell, status))


def _fit_and_predict(estimator: Any, outcome: Outcome, work: Work) -> None:
    X_train, X_test = work.input.split(work.train, work.test)
    start = time.perf_counter()
    estimator.fit(X_train, work.D[work.train])
    fitted = time.perf_counter()
    predicted = estimator.predict(X_test)
    outcome.predict_seconds = time.perf_counter() - fitted
    outcome.fit_seconds = fitted - start + outcome.tuning.get("seconds", 0.0)
    expected = (len(work.test), work.D.shape[1])
    shape = getattr(predicted, "shape", expected)
    if math.prod(shape) <= math.prod(expected):  # a larger one may not fit into memory
        predicted = check_distributions(predicted, "the prediction")
    if predicted.shape != expected:
        raise ValueError(f"the prediction has shape {predicted.shape}, expected {expected}")
    outcome.predictions = np.array(predicted)


class TimeLimitError(BaseException):
    """The task's time is over. A model's ``except Exception`` does not catch it."""


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimitError` here when the parent says that the time is over.

    Loading comes first and has a time of its own. Whoever ignores it is ended by the parent.
    """
    if not math.isfinite(seconds):
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(f"stopped after the time limit of {seconds:g} s (--task-timeout)")

    former = signal.signal(signal.SIGALRM, interrupt)
    allow(_LOADING_SECONDS)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, former)
