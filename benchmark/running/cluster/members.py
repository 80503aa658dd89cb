"""Which workers of a cluster take part in a run: they are asked, get the data, and are counted."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.running.cluster import arrays, there
from benchmark.running.cluster.connecting import told_if_lost
from benchmark.running.prepare import Device
from benchmark.wording import count, listed
from features.arrays import AnyArray

#: What a worker declares that has a GPU: ``dask worker --resources "GPU=1"``.
GPU = "GPU"

# How often the scheduler is asked who is there, and how often a worker is asked that fails to join.
_LOOK_SECONDS, _MOST_TRIES = 1.0, 3

# A worker that has not answered after so long, on a machine that sleeps perhaps, is not waited
# for; so many are asked at a time.
_ANSWER_SECONDS, _MOST_ASKED = 10.0, 64

_WHAT_TO_DO = "Start it anew with the Python, versions and source files of this machine"


@dataclass(frozen=True)
class Member:
    """A worker that takes part.

    Attributes
    ----------
    place : str
        Its folder, which tells it from another one that has its address later.
    threads, gpus : int
        How many tasks it does at a time, and how many of them on a GPU.
    shares : bool
        Whether it stores results in the run folder itself.
    device : Device, optional
        What networks run on there.
    """

    place: str
    threads: int
    gpus: int
    shares: bool
    device: Device | None


@dataclass
class Members:
    """The workers that take part in a run.

    Parameters
    ----------
    client : distributed.Client
    invitation : Invitation
        What each is asked.
    data : mapping
        File name to a large array that each gets.
    tell : callable
        Gets sentences for the user.

    Attributes
    ----------
    now : dict
        Address to member, as of the last look.
    """

    client: Any
    invitation: there.Invitation
    data: Mapping[str, AnyArray]
    tell: Callable[[str], object]
    now: dict[str, Member] = field(default_factory=dict)
    _refused: dict[tuple[str, str], str] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _joining: dict[str, Future[object]] = field(default_factory=dict)
    _invited: set[str] = field(default_factory=set)
    _asking: Executor = field(default_factory=lambda: ThreadPoolExecutor(_MOST_ASKED, "ask"))
    _looked: float = -_LOOK_SECONDS
    _told: str = ""
    _scheduler: str = ""

    def __post_init__(self) -> None:
        # A client that has given its scheduler up knows the address no more.
        self._scheduler = getattr(self.client.scheduler, "address", "its address")

    def look(self, at_once: bool = False) -> None:
        """See who is there, have those that are new join, and tell what has changed.

        Raises
        ------
        BenchmarkError
            The scheduler is gone.
        """
        with told_if_lost(self.client, self._scheduler):
            if at_once or time.monotonic() - self._looked >= _LOOK_SECONDS:
                self._look()

    def _look(self) -> None:
        found = self.client.scheduler_info(n_workers=-1).get("workers")
        if found is None:  # what a client says that has given up its scheduler
            raise ConnectionError
        known = {address: facts.get("local_directory", "") for address, facts in found.items()}
        self.now = {
            address: member for address, member in self.now.items()
            if known.get(address) == member.place
        }  # fmt: skip
        self._invited &= known.keys()
        new = [
            address for address, facts in found.items()
            if address not in self.now and facts.get("status", "running") == "running"
            and (address, known[address]) not in self._refused
        ]  # fmt: skip
        if new:
            self._ask({address: found[address] for address in new})
        self._tell_changes()
        self._looked = time.monotonic()

    def wait(self) -> None:
        """Wait until there is a worker that can take part.

        Raises
        ------
        BenchmarkError
            There are some, but none of them can.
        """
        told = False
        while True:
            self.look(at_once=True)
            if self.now:
                return
            if self._refused:
                raise BenchmarkError(
                    "no worker of the cluster can take part in this run: "
                    + "; ".join(f"{where}: {why}" for (where, _), why in self._refused.items())
                    + f". {_WHAT_TO_DO}, and give the same run command again."
                )
            if not told:
                told = True
                starts = getattr(self.client, "cluster", None)  # which has workers of its own
                self.tell(_STARTING if starts else _NOBODY_YET)
            time.sleep(_LOOK_SECONDS / 2)

    def forget(self, address: str) -> None:
        """Ask a worker anew, which knows nothing of the run (any more)."""
        self.now.pop(address, None)
        self.look(at_once=True)

    def addresses(self, with_gpu: bool = False) -> list[str]:
        """Return the addresses of those that take part, or of those with a GPU."""
        return [address for address, member in self.now.items() if member.gpus or not with_gpu]

    def leave(self) -> None:
        """Have all of them end what they do for the run, and forget it.

        Also those that are only about to join, or to get the data.
        """
        addresses = [*self._invited]
        self.now = {}
        asked = [
            self._asking.submit(self._run, there.leave, self.invitation.run, address)
            for address in addresses
        ]
        wait(asked, _ANSWER_SECONDS)

    def _ask(self, new: Mapping[str, Mapping[str, Any]]) -> None:
        asked = [address for address in new if address not in self._joining]
        self._invited.update(asked)
        for address in asked:
            self._joining[address] = self._asking.submit(
                self._run, there.join, self.invitation, address
            )
        done, late = wait(self._joining.values(), _ANSWER_SECONDS if asked else 0)
        for address in asked:
            if self._joining[address] in late:
                self.tell(f"Worker {address} has not answered yet; it joins when it does.")
        accepted = {}
        for address, future in list(self._joining.items()):
            if future not in done:
                continue
            del self._joining[address]
            facts, answer = new.get(address), future.result()
            if facts is None:  # it has gone meanwhile
                continue
            if not isinstance(answer, there.Answer):
                self._has_failed(address, facts, answer)
            elif answer.problem:
                self._refuse(address, facts, answer.problem)
            else:
                accepted[address] = Member(
                    facts.get("local_directory", ""), facts["nthreads"],
                    int(facts.get("resources", {}).get(GPU, 0)), answer.shares, answer.device,
                )  # fmt: skip
        for address in self._send(list(accepted)):
            self.now[address] = accepted[address]
            self._tries.pop(address, None)

    def _run(self, function: Callable[..., Any], given: object, address: str) -> object:
        """Have a worker call a function; return its answer, or an error."""
        try:
            found = self.client.run(function, given, workers=[address], on_error="return")
        except Exception as error:  # the run has ended meanwhile, or the scheduler has gone
            return error
        return found.get(address)

    def _has_failed(self, address: str, facts: Mapping[str, Any], error: object) -> None:
        """Take note that a worker could not even be asked: it has died, or lacks this package."""
        self._tries[address] = self._tries.get(address, 0) + 1
        here, python = platform.python_version(), platform.python_version
        there = self.client.run(python, workers=[address], on_error="return").get(address)
        if isinstance(there, str) and there != here:
            self._refuse(address, facts, f"it has python {there} (here {here})")
        elif isinstance(error, ImportError):
            self._refuse(address, facts, f"it lacks this package or a part of it ({error})")
        elif self._tries[address] >= _MOST_TRIES:
            self._refuse(address, facts, f"it does not answer ({type(error).__name__}: {error})")

    def _refuse(self, address: str, facts: Mapping[str, Any], why: str) -> None:
        self._refused[address, facts.get("local_directory", "")] = why
        self._invited.discard(address)
        self.tell(f"Worker {address} gets no task: {why}. {_WHAT_TO_DO}: it joins then.")

    def _send(self, to: list[str]) -> list[str]:
        """Send the data to some workers; return those that have it."""
        run = self.invitation.run
        for name, array in self.data.items():
            if not to:
                break
            to = self._those_that(to, there.begin_array, run, name, arrays.head(array))
            for block in arrays.blocks(array):
                key = f"ldl-data-{uuid.uuid4().hex}"
                try:
                    kept = self.client.scatter({key: block}, workers=to, broadcast=True, hash=False)
                except Exception:  # one of them is gone; who is left is asked at the next look
                    return []
                to = self._those_that(to, there.append_block, run, name, key)
                del kept
        return to

    def _those_that(self, to: list[str], function: Callable[..., Any], *given: Any) -> list[str]:
        answers = self.client.run(function, *given, workers=to, on_error="return")
        return [address for address in to if answers.get(address, 0) is None]

    def _tell_changes(self) -> None:
        text = self.describe()
        if text != self._told and self.now:
            self.tell(text)
        elif self._told and not self.now and self._told != _NOBODY:
            text = _NOBODY
            self.tell(text)
        self._told = text if self.now else (self._told and _NOBODY)

    def describe(self) -> str:
        """Say how many there are, and what they can do."""
        threads = sum(member.threads for member in self.now.values())
        gpus = sum(member.gpus for member in self.now.values())
        on_gpus = f", {gpus} of them on a GPU" if gpus else ""
        return (
            f"{count(len(self.now), 'worker')} of the cluster: {count(threads, 'task')} at a "
            f"time{on_gpus}."
        )


_NOBODY_YET = "There is no worker yet; waiting for one to come ..."
_STARTING = "Workers are being started; waiting for the first one ..."
_NOBODY = "No worker is left; waiting for one to come ..."


def devices(members: Collection[Member]) -> str:
    """Say what networks run on."""
    return listed(sorted({member.device.name for member in members if member.device}), "and")
