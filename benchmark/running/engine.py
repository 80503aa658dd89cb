"""Where tasks run: what every engine can do, and how a run has its tasks done by one.

`benchmark.running.local` runs them in processes of this machine, `benchmark.running.cluster` on the
workers of a cluster.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.running.execute import Work
from benchmark.running.texts import shortened
from benchmark.running.worker import dumps

#: After this time it is asked again whether a task that another run does is settled.
TAKEN_SECONDS = 1.0


class NotTriedError(Exception):
    """A task is not to be tried any more; says why."""


class TakenError(Exception):
    """A task is being done by another run, which may die before it is."""


class SettledError(Exception):
    """A task needs not be done; has what another run has `Done`."""

    def __init__(self, done: Done):
        super().__init__(str(done.task))
        self.done = done


@dataclass(frozen=True)
class Died:
    """A task's process has died, or was ended; says why.

    Attributes
    ----------
    why : str
        One sentence.
    trace : str
        What there is to explain it.
    taken : bool
        Whether the process had got the task.
    tries : int
        How often a task is tried that dies in this way.
    was_late : bool
        Whether it was ended after the task's time limit.
    """

    why: str
    trace: str = ""
    taken: bool = True
    tries: int = 1
    was_late: bool = False


@dataclass(frozen=True)
class Done:
    """What became of a task.

    Attributes
    ----------
    task : Task
    found : Outcome or Died
    made : mapping
        ``versions`` and ``machine`` that it was computed with, see `RunFolder.write_outcome`.
    stored : bool
        Whether the result is in the run folder already.
    elsewhere : bool
        Whether another run at work in the folder has done it.
    """

    task: Task
    found: Outcome | Died
    made: Mapping[str, Any] = field(default_factory=dict)
    stored: bool = False
    elsewhere: bool = False

    @property
    def outcome(self) -> Outcome:
        """The outcome of a task that will not be tried again."""
        assert isinstance(self.found, Outcome)  # noqa: S101 - else `run_tasks` tries it again
        return self.found


class Engine(Protocol):
    """Something that does tasks, several at a time."""

    def is_busy(self) -> bool:
        """Tell whether there are tasks that have not come back."""

    def has_room(self, task: Task) -> bool:
        """Tell whether this task can be handed in now."""

    def submit(self, task: Task, content: bytes) -> bool:
        """Have a task done; False where there is no room for it after all.

        Parameters
        ----------
        task : Task
        content : bytes
            Its `Work`, by `benchmark.running.worker.dumps`.

        Raises
        ------
        BenchmarkError
            There is room for no task at all.
        """

    def finished(self) -> Iterator[Done]:
        """Wait a moment, and tell what became of tasks."""

    def running(self) -> list[str]:
        """Say what is at work, and how far it is; called by another thread."""

    def close(self) -> None:
        """End what is at work, and leave nothing behind; it can be used again."""


def run_tasks(
    kinds: Sequence[Sequence[Task]], engine: Engine, work_of: Callable[[Task], Work]
) -> Generator[Done]:
    """Have tasks done and yield what became of each as soon as it is known, in any order.

    A task that kills its process (a crash in compiled code, a hang that nothing interrupts) yields
    an outcome with the reason. One whose process was killed from outside, perhaps because memory
    ran out, is run again, alone, when all others are done.

    Parameters
    ----------
    kinds : sequence of sequences of Task
        Work to do; each kind is started in its order, and waits for room of its own.
    engine : Engine
        Where.
    work_of : callable
        Returns what a task needs, or raises `NotTriedError`, `SettledError` or `TakenError`. A task
        that is taken is asked for again while others are at work, and then left out.

    Yields
    ------
    Done
        Has an outcome always.
    """
    waiting, alone = [deque(tasks) for tasks in kinds], deque[Task]()
    taken = [deque[Task]() for _ in kinds]
    asked = time.monotonic()
    tries: Counter[tuple[Task, bool]] = Counter()
    limits: dict[Task, float] = {}
    while any(waiting) or engine.is_busy() or alone:
        if alone and not any(waiting) and not engine.is_busy():
            waiting[0].append(alone.popleft())
        if any(taken) and not any(waiting) and time.monotonic() - asked > TAKEN_SECONDS:
            waiting, taken = taken, waiting
        for tasks, by_others in zip(waiting, taken, strict=True):
            while tasks and engine.has_room(tasks[0]):
                task = tasks.popleft()
                try:
                    work = work_of(task)
                    limits[task] = work.time_limit
                    content = dumps(work)
                except NotTriedError as error:
                    yield Done(task, Outcome(task, error=str(error)))
                    continue
                except SettledError as error:
                    yield error.done
                    continue
                except TakenError:
                    by_others.append(task)
                    asked = time.monotonic()
                    continue
                except Exception as error:  # a user's object may refuse to be sent
                    why = shortened(f"{type(error).__name__}: {error}")
                    failed = Outcome(task, error=f"it cannot be sent to a worker process: {why}")
                    yield Done(task, failed)
                    continue
                if not engine.submit(task, content):
                    tasks.appendleft(task)
                    break
        for done in engine.finished():
            task, found = done.task, done.found
            if not isinstance(found, Died):
                yield done
                continue
            tries[task, found.taken] += 1
            is_last = tries[task, found.taken] >= found.tries
            if is_last and found.taken:
                yield Done(task, _failure(task, found, limits[task]))
            elif is_last:
                said = found.trace or found.why
                raise BenchmarkError(f"worker processes do not start: {said}")
            elif found.taken:
                alone.append(task)
            else:
                waiting[0].appendleft(task)


def _failure(task: Task, died: Died, limit: float) -> Outcome:
    option = " (--task-timeout)" if died.was_late else ""
    return Outcome(
        task, error=f"{died.why}{option}", trace=died.trace or died.why,
        time_limit=limit if died.was_late else None,
    )  # fmt: skip


def status_of(task: Task, folder: Path) -> Path:
    """Return the file in which a running task says how far it is."""
    return folder / ("_".join(task.path.with_suffix(".status").parts[1:]))


def describe_running(task: Task, folder: Path) -> str:
    """Return the name of a task's model, and how far it is, where it tells."""
    try:
        status = status_of(task, folder).read_text(encoding="utf-8")
    except OSError:
        return task.model
    return f"{task.model} ({status})"
