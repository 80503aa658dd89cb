"""Runs tasks in worker processes and survives what the models do to them."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config

from benchmark.planning.tasks import Outcome, Task
from benchmark.running.processes import ctrl_c_waits, one_process, start_worker

# Environment variables that limit libraries to one thread, whichever of them a task loads first.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def run_tasks(
    tasks: Sequence[Task],
    call: Callable[..., Outcome],
    work_of: Callable[[Task], Any],
    n_jobs: int,
    markers: Path,
    single_process: bool = False,
) -> Generator[Outcome]:
    """Run tasks in processes and yield each outcome as soon as it is known, in any order.

    A task that kills its process (a crash in compiled code, memory that runs out, a hang that
    nothing interrupts) yields an outcome with the reason. Who did it is told by the markers: the
    tasks that were running when the process died are run again, each alone. If none was running,
    those that were on their way to a worker are.

    Parameters
    ----------
    tasks : sequence of Task
        Work to do; started in this order.
    call : callable
        Called in a worker process as ``call(task, marker, work_of(task))``; see
        `benchmark.running.execute.execute`.
    work_of : callable
        Returns what the worker process needs for a task.
    n_jobs : int
        Number of tasks that run at the same time.
    markers : Path
        Folder for the markers of running tasks; emptied before and after.
    single_process : bool
        Do all tasks one after the other in a single process, so that a device with one memory has
        one user, who compiles a network once.
    """
    shutil.rmtree(markers, ignore_errors=True)
    waiting, suspects = list(tasks), list[Task]()
    while waiting or suspects:
        # A suspect runs alone: it can harm no other task, and if the process dies again, it did it.
        batch = [suspects.pop(0)] if suspects else waiting
        unfinished = {task: marker_of(task, markers) for task in batch}
        calls = (delayed(call)(task, unfinished[task], work_of(task)) for task in batch)
        try:
            stream = _stream_alone(calls) if single_process else _stream(calls, n_jobs)
            with closing(stream):
                for outcome in stream:
                    del unfinished[outcome.task]
                    yield outcome
        except BrokenProcessPool as error:
            started = {task: _read(m) for task, m in unfinished.items() if m.exists()}
            if not started:  # at most this many were on their way
                started = dict.fromkeys(list(unfinished)[: 2 * max(2, n_jobs)], "")
            for task, trace in started.items():
                unfinished.pop(task).unlink(missing_ok=True)
                if trace or len(batch) == 1:
                    yield Outcome(task, error=_reason(error, trace), trace=trace or str(error))
                else:
                    suspects.append(task)
        if batch is waiting:
            waiting = list(unfinished)
    shutil.rmtree(markers, ignore_errors=True)


def marker_of(task: Task, markers: Path) -> Path:
    """Return the file that exists while the task runs."""
    return markers / ("_".join(task.path.with_suffix(".txt").parts[1:]))


def _stream(calls: Iterator[Any], n_jobs: int) -> Generator[Outcome]:
    # With n_jobs=1 joblib would run tasks in this process, where a model that hangs or crashes ends
    # the run; so there are two workers, of which one gets work.
    options: dict[str, Any] = {
        "inner_max_num_threads": 1,
        "initializer": _start_joblib_worker,
        "initargs": (os.getpid(),),
    }
    with parallel_config("loky", **options), ExitStack() as stack:
        parallel = Parallel(
            n_jobs=max(2, n_jobs),
            pre_dispatch=n_jobs,
            batch_size=1,
            return_as="generator_unordered",
        )
        with ctrl_c_waits():
            outcomes = stack.enter_context(_closing(parallel(calls)))  # starts the workers
        # `yield from` would close it itself, with the warning.
        for outcome in outcomes:  # noqa: UP028
            yield outcome


@contextmanager
def _closing(outcomes: Generator[Outcome]) -> Iterator[Generator[Outcome]]:
    """Stop the workers when the consumer leaves early, without joblib's warning that it did."""
    try:
        yield outcomes
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes.close()


def _stream_alone(calls: Iterator[Any]) -> Generator[Outcome]:
    with one_process(_one_thread()) as submit:
        for function, arguments, _ in calls:
            yield submit(function, *arguments).result()


def _start_joblib_worker(parent: int) -> None:
    os.environ.update(_one_thread())
    start_worker(parent)


def _one_thread() -> dict[str, str]:
    """Return the variables that cap threads, with the flags for XLA that the user has set."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD['XLA_FLAGS']}".strip()
    return {**ONE_THREAD, "XLA_FLAGS": flags}


def _read(marker: Path) -> str:
    return marker.read_text(encoding="utf-8", errors="replace").strip()


def _reason(error: BrokenProcessPool, trace: str) -> str:
    if trace.startswith("Timeout"):  # the first word that faulthandler writes
        return "its process was ended, since it ignored the time limit (--task-timeout)"
    codes = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    detail = trace.splitlines()[0] if trace else codes.group(1) if codes else "no exit code"
    if "un-serialize" in str(error):
        return f"a worker process cannot load it: {str(error).splitlines()[-1].strip()}"
    return f"its process died, by a crash or for want of memory ({detail})"
