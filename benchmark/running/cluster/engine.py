"""The workers of a Dask cluster as an engine of a run."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.planning.tasks import Task
from benchmark.running.cluster import there
from benchmark.running.cluster.members import GPU, Members
from benchmark.running.engine import Died, Done, describe_running
from features.storage.files import slug

# How many tasks of models on features are handed in for each that can run: the next one is there
# when one is done. Networks take long, and are handed in one by one.
_AHEAD = 2

_WAIT_SECONDS = 0.25

# How often a task is tried whose worker is lost, or knows nothing of the run.
_TRIES_OF_LOST = 4


@dataclass(frozen=True)
class _Sent:
    task: Task
    to: tuple[str, ...]


class ClusterEngine:
    """Has tasks done by the workers that take part in a run.

    Parameters
    ----------
    members : Members
    is_network : callable
        Tells whether a task is a network's.
    on_gpus : bool
        Whether networks run only where a GPU is declared.
    place : Path
        Folder in which those that share the run folder have what running tasks tell.
    """

    def __init__(
        self, members: Members, is_network: Callable[[Task], bool], on_gpus: bool, place: Path
    ):
        self._members, self._is_network, self._on_gpus = members, is_network, on_gpus
        self._place = place
        self._sent: dict[Any, _Sent] = {}
        self._back: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self._killers: set[Task] = set()

    def is_busy(self) -> bool:
        """Tell whether there are tasks that have not come back."""
        return bool(self._sent)

    def has_room(self, task: Task) -> bool:
        """Tell whether another task of its kind can be handed in now."""
        network = self._is_network(task)
        members = self._members.now.values()
        if network and self._on_gpus:
            room = sum(member.gpus for member in members)
        else:
            room = sum(member.threads for member in members) * (1 if network else _AHEAD)
        of_kind = sum(self._is_network(sent.task) == network for sent in self._sent.values())
        return of_kind < room

    def submit(self, task: Task, content: bytes) -> bool:
        """Hand a task to the scheduler."""
        network = self._is_network(task)
        gpu = network and self._on_gpus
        to = tuple(self._members.addresses(gpu))
        if not self._sent:  # alone, perhaps since it kills: then it may end only one worker
            to = to[:1]
        # A scheduler does what has the same key once: other runs may have the same tasks.
        run = self._members.invitation.run
        future = self._members.client.submit(
            there.do, run, task, content, network,
            key=f"{slug(task.model)}-{task.key[:16]}-{run}-{next(self._numbers)}", pure=False,
            workers=list(to), resources={GPU: 1} if gpu else None, priority=int(network),
        )  # fmt: skip
        self._sent[future] = _Sent(task, to)
        future.add_done_callback(self._back.put)
        return True

    def finished(self) -> Iterator[Done]:
        """Wait a moment, and tell which tasks are done, and which have ended their workers."""
        back = self._came_back()
        for future, value in zip(back, self._values(back), strict=True):
            sent = self._sent.pop(future, None)  # None of one that was cancelled here
            future.release()
            if sent is not None:
                yield value if isinstance(value, Done) else self._lost(sent.task, value)
        self._members.look()
        for future, sent in list(self._sent.items()):
            if self._members.now.keys().isdisjoint(sent.to):
                del self._sent[future]
                future.cancel()
                tries = 1 if sent.task in self._killers else _TRIES_OF_LOST
                yield Done(
                    sent.task, Died("the workers that it was given to were lost", tries=tries)
                )

    def _came_back(self) -> list[Any]:
        """Wait a moment, and return the futures that are done, or given up by the scheduler."""
        back = []
        with suppress(queue.Empty):
            back.append(self._back.get(timeout=_WAIT_SECONDS))
            while True:
                back.append(self._back.get_nowait())
        return back

    def _values(self, futures: Sequence[Any]) -> list[Any]:
        """Return what came of futures: `Done`, or an error."""
        if all(future.status == "finished" for future in futures):
            with suppress(Exception):  # a worker has gone with what it had; see one by one
                return list(self._members.client.gather(futures))
        found = []
        for future in futures:
            try:
                found.append(future.result())
            except (Exception, CancelledError) as error:
                found.append(error)
        return found

    def _lost(self, task: Task, error: BaseException) -> Done:
        """Say what became of a task that came back without an answer."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            self._killers.add(task)
            return Done(task, Died(
                f"the workers that it was given to died, one after the other ({error})", tries=2,
            ))  # fmt: skip
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, there.NotJoinedError):
            self._members.forget(str(error))
        elif not isinstance(error, CancelledError):
            return Done(task, Died(why))
        return Done(task, Died(why, taken=False, tries=_TRIES_OF_LOST))

    def running(self) -> list[str]:
        """Say how many workers there are, which models are at work, and how far they are."""
        names = {describe_running(sent.task, self._place) for sent in [*self._sent.values()]}
        return [f"on {len(self._members.now)} workers", *sorted(names)]

    def close(self) -> None:
        """End what is at work, and leave nothing behind."""
        sent, self._sent = [*self._sent], {}
        with suppress(Exception):  # the scheduler may be gone
            if sent:
                self._members.client.cancel(sent)
            self._members.leave()
