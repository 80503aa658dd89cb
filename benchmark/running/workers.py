"""Worker processes that wait for the next task or run of this process."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.plugins.registry import plugin_sources
from benchmark.running.processes import Worker
from benchmark.running.worker import IDLE_SECONDS
from features import threads

# Environment variables that limit libraries to one thread, whichever of them a task loads first.
ONE_THREAD = {
    **threads.ONE_THREAD,
    **dict.fromkeys(("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    **dict.fromkeys(("NUMBA_NUM_THREADS", "NPROC"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}

# Seconds after which a worker without work is not used any more: it leaves a little later.
_LONGEST_IDLE = 0.8 * IDLE_SECONDS

# Workers that have nothing to do, for the next run of this process, and the plugins of which they
# have loaded some.
_idle: list[tuple[Worker, frozenset[str], float]] = []
_idle_lock = threading.Lock()


def _forget_idle() -> None:
    """Leave the workers of the process from which this one was copied to that one."""
    global _idle_lock
    _idle_lock = threading.Lock()
    _idle.clear()


os.register_at_fork(after_in_child=_forget_idle)


@contextmanager
def borrowed_worker() -> Iterator[Worker]:
    """Have a worker for something else, and keep it for the next run if all goes well."""
    worker = take_worker()
    try:
        yield worker
    except BaseException:
        worker.end()
        raise
    if worker.clean and not worker.end_others():
        keep_worker(worker)
    else:
        worker.end()


def take_worker() -> Worker:
    """Return a worker that has nothing to do, or a new one.

    Raises
    ------
    BenchmarkError
        No process can be started.
    """
    return _take_idle() or Worker(_one_thread(), True)


def keep_worker(worker: Worker) -> None:
    """Keep a clean worker for whoever needs one next."""
    atexit.register(end_idle_workers)
    with _idle_lock:
        _idle.append((worker, plugin_sources(), time.monotonic()))


def _take_idle() -> Worker | None:
    with _idle_lock:
        while _idle:
            worker, plugins, since = _idle.pop()
            is_fresh = time.monotonic() - since < _LONGEST_IDLE and worker.is_alive()
            if is_fresh and plugins <= plugin_sources():
                return worker
            worker.end()  # it is about to leave, has left, or has loaded what is no more
    return None


def end_idle_workers() -> None:
    """End the processes that wait for the next run."""
    with _idle_lock:
        while _idle:
            _idle.pop()[0].end()


def _one_thread() -> dict[str, str]:
    """Return the variables that cap threads, with the flags for XLA that the user has set."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD['XLA_FLAGS']}".strip()
    return {**ONE_THREAD, "XLA_FLAGS": flags}
