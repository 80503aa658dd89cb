"""What a worker of a cluster does for a run: joins it, does its tasks, and leaves it.

A task runs in a process of its own here too, as it would on the machine of the run: a model that
crashes ends that process and not the worker.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.plugins.fingerprint import code_fingerprint
from benchmark.running import environment
from benchmark.running.cluster import arrays
from benchmark.running.cluster.identity import changed_since_start, differences, identity
from benchmark.running.cluster.place import Place
from benchmark.running.engine import Died, Done
from benchmark.running.local import call_of, look
from benchmark.running.machine import machine
from benchmark.running.prepare import Device, find_device, helper
from benchmark.running.processes import Worker, WorkerDiedError, wait_for
from benchmark.running.workers import end_idle_workers, keep_worker, take_worker
from benchmark.store.run_folder import RunFolder
from features.storage.sharded_array import ShardedArray

# After this time without a task, what a run has here goes when another one joins: its machine died.
_LONGEST_REST = 600.0

# How long tasks that were told to stop may take.
_STOP_SECONDS = 5.0


class NotJoinedError(Exception):
    """A worker, whose address it has, knows nothing of the run: it may have been started anew."""


@dataclass(frozen=True)
class Invitation:
    """What a worker has to know of a run.

    Attributes
    ----------
    run : str
        Unique name of the run.
    folder : Path
        The run folder on the machine of the run.
    token : Path
        A file there whose content is the run's name.
    cached : tuple of (Path, str)
        Arrays in the cache folder that tasks read, with their keys.
    identity : mapping
        See `benchmark.running.cluster.identity`.
    packages : tuple of str
        Installed packages that models come from.
    backend : str
        Keras' backend, where there are networks.
    plugins : mapping
        Plugin files, each with its fingerprint and the content of the files that it consists of.
    """

    run: str
    folder: Path
    token: Path
    cached: tuple[tuple[Path, str], ...]
    identity: Mapping[str, str]
    packages: tuple[str, ...] = ()
    backend: str = ""
    plugins: Mapping[str, tuple[str, Mapping[Path, bytes]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a worker says to an invitation.

    Attributes
    ----------
    problem : str
        Why it cannot take part; empty where it can.
    shares : bool
        Whether it sees the run folder.
    device : Device, optional
        What networks would run on.
    """

    problem: str = ""
    shares: bool = False
    device: Device | None = None


class _Joined:
    """A run that this worker takes part in."""

    def __init__(self, invitation: Invitation, folder: Path, shares: bool, device: Device | None):
        self.folder = folder
        self.store = RunFolder(invitation.folder) if shares else None
        self.running = invitation.token.parent if shares else folder / "running"
        self.place = Place(
            folder / "data", None if shares else folder / "checkpoints",
            _copied(invitation, folder / "plugins"),
        )  # fmt: skip
        backend = invitation.backend
        self.made = {False: _made()}
        if backend and device:
            self.made[True] = _made(backend, device.name)
        self.stopped = threading.Event()
        self.busy, self.last = 0, time.monotonic()
        self.of_networks: list[Worker] = []  # which hold the device


_joined: dict[str, _Joined] = {}
_left: set[str] = set()  # runs that have ended: an invitation may be answered later than that
_lock = threading.Lock()


def _made(backend: str = "", device: str = "") -> dict[str, Any]:
    return {"versions": environment.versions(backend), "machine": machine(device)}


async def join(invitation: Invitation, dask_worker: Any) -> Answer:
    """Take part in a run, if this is a worker on which its results would be the same."""
    return await asyncio.to_thread(_join, invitation, Path(dask_worker.local_directory).resolve())


def _join(invitation: Invitation, local: Path) -> Answer:
    if problem := _problem(invitation):
        return Answer(problem)
    _leave_dead_runs()
    folder = local / f"ldl-benchmark-{invitation.run}"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("data", "running"):
        (folder / name).mkdir(parents=True)
    shares = _sees(invitation)
    device = None
    if invitation.backend:
        try:
            with helper() as process:
                device = find_device(process)
        except BenchmarkError as error:
            return Answer(str(error))
        if device.backend != invitation.backend:
            return Answer(f"it has Keras' backend {device.backend} (here {invitation.backend})")
    joined = _Joined(invitation, folder, shares, device)
    with _lock:
        ended = invitation.run in _left
        if not ended:
            _joined[invitation.run] = joined
    if ended:
        shutil.rmtree(folder, ignore_errors=True)
        return Answer("the run has ended")
    return Answer("", shares, device)


def _problem(invitation: Invitation) -> str:
    """Say why results of this worker would not be the same, or could not be had."""
    there = identity(invitation.backend, invitation.packages)
    if found := differences(invitation.identity, there):
        return f"it has {', '.join(found)}"
    if changed := changed_since_start():
        return f"{changed}: start it anew"
    for file, (fingerprint, _) in invitation.plugins.items():
        with suppress(FileNotFoundError):  # then it gets a copy
            if code_fingerprint(Path(file)) != fingerprint:
                return f"its {file} is another one than here"
    for folder, key in invitation.cached:
        try:
            seen = ShardedArray.open(folder).key == key
        except (OSError, ValueError):
            seen = False
        if not seen:
            return (
                f"it does not see {folder}: give a --cache-dir in a folder that all machines have "
                f"under the same path"
            )
    return ""


def _sees(invitation: Invitation) -> bool:
    with suppress(OSError):
        return invitation.token.read_text(encoding="utf-8") == invitation.run
    return False


def _copied(invitation: Invitation, folder: Path) -> dict[str, str]:
    """Write the plugin files that are not here under their path; return where."""
    copies = {}
    for number, (file, (_, files)) in enumerate(invitation.plugins.items()):
        if Path(file).exists():
            continue
        root = folder / str(number)
        for path, content in files.items():
            copy = root / path.relative_to(Path(file).parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
        copies[file] = str(root / Path(file).name)
    return copies


async def begin_array(run: str, name: str, described: dict[str, Any]) -> None:
    """Make room for an array that is about to come."""
    await asyncio.to_thread(arrays.begin, _joined[run].place.data / name, described)


async def append_block(run: str, name: str, key: str, dask_worker: Any) -> None:
    """Put a block that was scattered to this worker into the array's file."""
    await asyncio.to_thread(arrays.append, _joined[run].place.data / name, dask_worker.data[key])


def do(run: str, task: Task, content: bytes, is_network: bool) -> Done:
    """Do a task in a process of its own; store the result where the run folder is seen.

    Raises
    ------
    NotJoinedError
        This process does not take part in the run.
    """
    from distributed import get_worker

    dask_worker = get_worker()
    key = dask_worker.get_current_task()
    with _lock:
        joined = _joined.get(run)
        if joined is None:
            raise NotJoinedError(dask_worker.address)
        joined.busy += 1

    def is_wanted() -> bool:
        if joined.stopped.is_set():
            return False
        # A result that can be stored is worth having though nobody waits for it any more.
        known = dask_worker.state.tasks.get(key)
        return bool(joined.store or (known is not None and known.state != "cancelled"))

    try:
        found = _do(joined, task, content, is_network, is_wanted)
    finally:
        with _lock:
            joined.busy -= 1
            joined.last = time.monotonic()
    made = joined.made[is_network]
    if joined.store and isinstance(found, Outcome) and not found.error:
        with suppress(BenchmarkError):  # the machine of the run tries it too, and says why
            joined.store.write_outcome(found, **made)
            return Done(task, replace(found, predictions=None), made, stored=True)
    return Done(task, found, made)


def _do(
    joined: _Joined, task: Task, content: bytes, is_network: bool, is_wanted: Any
) -> Outcome | Died:
    own = joined.of_networks
    try:
        worker = own.pop() if is_network and own else take_worker()
    except BenchmarkError as error:
        return Died(str(error), taken=False)
    try:
        with suppress(WorkerDiedError):  # which the next look tells
            worker.ask(call_of(task, joined.running, content, joined.place.put))
        while (found := look(worker, task, joined.running)) is None:
            wait_for([worker])
            if not is_wanted():
                worker.end()
                return Died("it was stopped")
    except BaseException:
        worker.end()
        raise
    if isinstance(found, Died) or not worker.clean:
        worker.end()
    elif is_network:
        own.append(worker)
    else:
        keep_worker(worker)
    return found


async def leave(run: str) -> None:
    """End what is at work for a run here, and remove all that it has here."""
    await asyncio.to_thread(_leave, run)


def _leave(run: str) -> None:
    with _lock:
        _left.add(run)
        joined = _joined.pop(run, None)
    if joined is None:
        return
    joined.stopped.set()
    deadline = time.monotonic() + _STOP_SECONDS
    while joined.busy and time.monotonic() < deadline:
        time.sleep(0.02)
    for worker in joined.of_networks:
        worker.end()
    end_idle_workers()
    shutil.rmtree(joined.folder, ignore_errors=True)


def _leave_dead_runs() -> None:
    now = time.monotonic()
    for run, joined in list(_joined.items()):
        if not joined.busy and now - joined.last > _LONGEST_REST:
            _leave(run)
