"""Runs tasks in worker processes and survives what the models do to them."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.plugins.registry import plugin_sources
from benchmark.running.processes import Worker, WorkerDiedError, cannot_load, wait_for
from benchmark.running.texts import LONGEST_TRACE, shortened
from benchmark.running.worker import IDLE_SECONDS, dumps
from features import threads

# Environment variables that limit libraries to one thread, whichever of them a task loads first.
ONE_THREAD = {
    **threads.ONE_THREAD,
    **dict.fromkeys(("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    **dict.fromkeys(("NUMBA_NUM_THREADS", "NPROC"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


class NotTriedError(Exception):
    """A task is not to be tried any more; says why."""


# How often a task is tried whose process was killed from outside, and one that no process took.
_MOST_TRIES = {True: 2, False: 4}

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


def run_tasks(
    tasks: Sequence[Task],
    call: Callable[..., Outcome],
    work_of: Callable[[Task], Any],
    n_jobs: int,
    markers: Path,
    keep: bool = True,
) -> Generator[Outcome]:
    """Run tasks in processes and yield each outcome as soon as it is known, in any order.

    A task that kills its process (a crash in compiled code, a hang that nothing interrupts) yields
    an outcome with the reason. One whose process was killed from outside, perhaps because memory
    ran out, is run again, alone, when all others are done.

    Parameters
    ----------
    tasks : sequence of Task
        Work to do; started in this order.
    call : callable
        Called in a worker process as ``call(task, marker, work_of(task))``; see
        `benchmark.running.execute.execute`.
    work_of : callable
        Returns what the worker process needs for a task, or raises `NotTriedError`.
    n_jobs : int
        Number of tasks that run at the same time.
    markers : Path
        Folder for the markers of running tasks.
    keep : bool
        Keep the processes for the next run, which saves the time to start them.
    """
    waiting, alone = deque(tasks), deque[Task]()
    tries: Counter[tuple[Task, bool]] = Counter()
    limits: dict[Task, float | None] = {}
    crew = _Crew(n_jobs, keep)
    try:
        while waiting or crew.busy or alone:
            if not waiting and not crew.busy:
                waiting.append(alone.popleft())
            while waiting and crew.has_room():
                task = waiting.popleft()
                try:
                    work = work_of(task)
                    limits[task] = getattr(work, "time_limit", None)
                    content = dumps((call, (task, marker_of(task, markers), work)))
                except NotTriedError as error:
                    yield Outcome(task, error=str(error))
                    continue
                except Exception as error:  # a user's object may refuse to be sent
                    yield Outcome(
                        task, error=f"it cannot be sent to a worker process: {_say(error)}"
                    )
                    continue
                if not crew.start(task, content):
                    waiting.appendleft(task)
                    break
            for task, worker, found in crew.finished():
                if not isinstance(found, WorkerDiedError):
                    yield found
                    continue
                tries[task, worker.taken] += 1
                is_last = tries[task, worker.taken] >= _MOST_TRIES[worker.taken]
                marker = marker_of(task, markers)
                trace = _read(marker) or worker.said.decode(errors="replace").strip()
                marker.unlink(missing_ok=True)
                if not worker.taken:
                    if is_last:
                        raise BenchmarkError(f"worker processes do not start: {trace or found}")
                    waiting.appendleft(task)
                elif found.from_outside and not is_last:
                    alone.append(task)
                else:
                    limit = " (--task-timeout)" if found.was_late else ""
                    yield Outcome(
                        task, error=f"{found}{limit}", trace=trace or str(found),
                        time_limit=limits[task] if found.was_late else None,
                    )  # fmt: skip
    finally:
        crew.leave()


class _Crew:
    """The workers of a run: some busy with a task, some without."""

    def __init__(self, size: int, keep: bool):
        self.busy: dict[Worker, Task] = {}
        self._free: list[Worker] = []
        self._size, self._keep = size, keep

    def has_room(self) -> bool:
        return len(self.busy) < self._size

    def start(self, task: Task, content: bytes) -> bool:
        """Have a worker do a task; False where the system has no room for another process."""
        try:
            worker = self._free.pop() if self._free else _take_idle() or Worker(_one_thread(), True)
        except BenchmarkError:
            if not self.busy:
                raise
            self._size = len(self.busy)
            return False
        self.busy[worker] = task
        with suppress(WorkerDiedError):  # which its next step tells
            worker.ask(content)
        return True

    def finished(self) -> Iterator[tuple[Task, Worker, Outcome | WorkerDiedError]]:
        """Wait a moment, and tell which tasks are done, and whose processes have died."""
        wait_for(self.busy)
        for worker, task in list(self.busy.items()):
            found: Outcome | WorkerDiedError
            try:
                answer = worker.step()
                if answer is None:
                    continue
                found = _outcome(task, *answer)
            except WorkerDiedError as error:
                found = error
            del self.busy[worker]
            if worker.clean and not isinstance(found, WorkerDiedError):
                self._free.append(worker)
            else:
                worker.end()
            yield task, worker, found

    def leave(self) -> None:
        """End the workers that are busy, and keep the others for the next run."""
        for worker in self.busy:
            worker.end()
        for worker in self._free:
            if not self._keep or worker.end_others():
                worker.end()
            else:
                _keep_idle(worker)


@contextmanager
def borrowed_worker() -> Iterator[Worker]:
    """Have a worker for something else, and keep it for the next run if all goes well."""
    worker = _take_idle() or Worker(_one_thread(), True)
    try:
        yield worker
    except BaseException:
        worker.end()
        raise
    if worker.clean and not worker.end_others():
        _keep_idle(worker)
    else:
        worker.end()


def _keep_idle(worker: Worker) -> None:
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


def _outcome(task: Task, kind: str, value: Any) -> Outcome:
    if kind == "returned" and isinstance(value, Outcome):
        return value
    return Outcome(task, error=cannot_load(value) if kind == "not loaded" else _say(value))


def _say(error: object) -> str:
    return shortened(f"{type(error).__name__}: {error}")


def end_idle_workers() -> None:
    """End the processes that wait for the next run."""
    with _idle_lock:
        while _idle:
            _idle.pop()[0].end()


def marker_of(task: Task, markers: Path) -> Path:
    """Return the file that exists while the task runs."""
    return markers / ("_".join(task.path.with_suffix(".txt").parts[1:]))


def _one_thread() -> dict[str, str]:
    """Return the variables that cap threads, with the flags for XLA that the user has set."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD['XLA_FLAGS']}".strip()
    return {**ONE_THREAD, "XLA_FLAGS": flags}


def _read(marker: Path) -> str:
    try:
        with marker.open(encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST_TRACE).strip()
    except OSError:
        return ""
