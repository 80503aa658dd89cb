"""Runs tasks in worker processes and survives what the models do to them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import ProcessPoolExecutor, process_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from benchmark.planning.tasks import Outcome, Task

# What caps the threads of the libraries that a task may load, whoever loads them first.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def run_tasks(
    tasks: Sequence[Task],
    call: Callable[..., Outcome],
    arguments: Callable[[Task], tuple[Any, ...]],
    n_jobs: int,
    markers: Path,
    one_process: bool = False,
) -> Generator[Outcome]:
    """Run tasks in processes and yield each outcome as soon as it is known, in any order.

    A task that kills its process (a crash in compiled code, memory that runs out, a hang that
    nothing interrupts) yields an outcome with the reason. Who did it is told by the markers: the
    tasks that were running when the process died are run again, each alone. Where none was
    running, it is one of those that were on their way.

    Parameters
    ----------
    tasks : sequence of Task
        Work to do; started in this order.
    call : callable
        Called in a worker process as ``call(task, marker, *arguments(task))``; see
        `benchmark.planning.tasks.execute`.
    arguments : callable
        Task to the further arguments of its call.
    n_jobs : int
        Number of tasks that run at the same time.
    markers : Path
        Folder for the markers of running tasks; emptied before and after.
    one_process : bool
        Do all tasks one after the other in a single process, so that a device with one memory has
        one user, who compiles a network once.
    """
    shutil.rmtree(markers, ignore_errors=True)
    waiting, suspects = list(tasks), list[Task]()
    while waiting or suspects:
        # A suspect runs alone, so that it harms no other task and its guilt is certain.
        batch = [suspects.pop(0)] if suspects else waiting
        unfinished = {task: marker_of(task, markers) for task in batch}
        calls = (delayed(call)(task, unfinished[task], *arguments(task)) for task in batch)
        try:
            stream = _stream_alone(calls) if one_process else _stream(calls, n_jobs)
            with _closing(stream) as outcomes:
                for outcome in outcomes:
                    del unfinished[outcome.task]
                    yield outcome
        except BrokenProcessPool as error:
            started = {task: _read(m) for task, m in unfinished.items() if m.exists()}
            if not started:  # joblib takes at most this many ahead
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


@contextmanager
def _closing(outcomes: Generator[Outcome]) -> Iterator[Iterator[Outcome]]:
    """Stop the workers when the consumer leaves early; joblib's warning of that is no news."""
    try:
        yield outcomes
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes.close()


def _stream(calls: Iterator[Any], n_jobs: int) -> Generator[Outcome]:
    # joblib would run n_jobs=1 in this process, where a model that hangs or crashes ends the run;
    # two workers of which one gets work keep it out.
    options: dict[str, Any] = {
        "inner_max_num_threads": 1,
        "initializer": _start_task_worker,
        "initargs": (os.getpid(),),
    }
    with parallel_config("loky", **options):
        parallel = Parallel(
            n_jobs=max(2, n_jobs),
            pre_dispatch=n_jobs,
            batch_size=1,
            return_as="generator_unordered",
        )
        yield from parallel(calls)


def _stream_alone(calls: Iterator[Any]) -> Generator[Outcome]:
    executor = ProcessPoolExecutor(
        max_workers=1, initializer=_start_task_worker, initargs=(os.getpid(),), env=ONE_THREAD
    )
    try:
        for function, arguments, _ in calls:
            yield executor.submit(function, *arguments).result()
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


def _start_task_worker(parent: int) -> None:
    flags = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD['XLA_FLAGS']}".strip()
    os.environ.update({**ONE_THREAD, "XLA_FLAGS": flags})
    start_worker(parent)


def start_worker(parent: int) -> None:
    """Make a worker leave Ctrl-C to its parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where psutil is installed, a worker that grows by what TensorFlow takes is thought to leak and
    # told to leave, after which the run was seen to wait for ever.
    process_executor._USE_PSUTIL = False

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _read(marker: Path) -> str:
    return marker.read_text(encoding="utf-8", errors="replace").strip()


def _reason(error: BrokenProcessPool, trace: str) -> str:
    if trace.startswith("Timeout"):  # as faulthandler begins
        return "its process was ended, since it ignored the time limit (--task-timeout)"
    codes = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    detail = trace.splitlines()[0] if trace else codes.group(1) if codes else "no exit code"
    if "un-serialize" in str(error):
        return f"a worker process cannot load it: {str(error).splitlines()[-1].strip()}"
    return f"its process died, by a crash or for want of memory ({detail})"
