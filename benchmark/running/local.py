"""Runs tasks in processes of this machine, and survives what the models do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.running.crash_log import read_crash_log
from benchmark.running.engine import Died, Done, describe_running, status_of
from benchmark.running.execute import Work, execute_sent
from benchmark.running.processes import Worker, WorkerDiedError, cannot_load, wait_for
from benchmark.running.texts import shortened
from benchmark.running.worker import dumps
from benchmark.running.workers import keep_worker, take_worker

# How often a task is handed to processes that do not take it.
_TRIES_TO_START = 4


class LocalEngine:
    """The processes of a run: some busy with a task, some without.

    Parameters
    ----------
    size : int
        Number of tasks that run at the same time.
    place : Path
        Folder for what is there only while tasks run.
    made : mapping
        What is stored with each result, see `Done`.
    keep : bool
        Keep the processes for the next run, which saves the time to start them.
    """

    def __init__(self, size: int, place: Path, made: Mapping[str, Any], keep: bool = True):
        self._busy: dict[Worker, Task] = {}
        self._free: list[Worker] = []
        self._size, self._place, self._made, self._keep = size, place, made, keep

    def is_busy(self) -> bool:
        """Tell whether there are tasks that have not come back."""
        return bool(self._busy)

    def has_room(self, _task: Task) -> bool:
        """Tell whether another task can be handed in now."""
        return len(self._busy) < self._size

    def submit(self, task: Task, content: bytes) -> bool:
        """Have a process do a task; False where the system has no room for another process."""
        try:
            worker = self._free.pop() if self._free else take_worker()
        except BenchmarkError:
            if not self._busy:
                raise
            self._size = len(self._busy)
            return False
        self._busy[worker] = task
        with suppress(WorkerDiedError):  # which its next step tells
            worker.ask(call_of(task, self._place, content))
        return True

    def finished(self) -> Iterator[Done]:
        """Wait a moment, and tell which tasks are done, and whose processes have died."""
        wait_for(self._busy)
        for worker, task in list(self._busy.items()):
            found = look(worker, task, self._place)
            if found is None:
                continue
            del self._busy[worker]
            if worker.clean and not isinstance(found, Died):
                self._free.append(worker)
            else:
                worker.end()
            yield Done(task, found, self._made)

    def running(self) -> list[str]:
        """Say which models are at work, and how far they are."""
        return sorted({describe_running(task, self._place) for task in [*self._busy.values()]})

    def close(self) -> None:
        """End the processes that are busy, and keep the others for the next run."""
        for worker in self._busy:
            worker.end()
        for worker in self._free:
            if not self._keep or worker.end_others():
                worker.end()
            else:
                keep_worker(worker)
        self._busy, self._free = {}, []


def call_of(
    task: Task, place: Path, content: bytes, put: Callable[[Work], Work] | None = None
) -> bytes:
    """Return what a worker process is asked to do a task, see `execute_sent` and `Worker.ask`."""
    return dumps((execute_sent, (task, status_of(task, place), content, put)))


def look(worker: Worker, task: Task, place: Path) -> Outcome | Died | None:
    """Look after a task; return what became of it, None where it is at work."""
    try:
        answer = worker.step()
    except WorkerDiedError as error:
        left = read_crash_log(place, worker.number)
        trace = left or worker.said.decode(errors="replace").strip()
        tries = (2 if error.from_outside else 1) if worker.taken else _TRIES_TO_START
        return Died(str(error), trace, worker.taken, tries, error.was_late)
    if answer is None:
        return None
    kind, value = answer
    if kind == "returned" and isinstance(value, Outcome):
        return value
    said = shortened(f"{type(value).__name__}: {value}")
    return Outcome(task, error=cannot_load(value) if kind == "not loaded" else said)
