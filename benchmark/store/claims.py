"""Which tasks this run does, where several are at work on the same ones in one folder.

Who does a task holds a lock on its claim, a file below ``running/claims``, that the system takes
back when it dies. What is stored or has failed meanwhile is settled, and nobody does it again.
The files stay until the last run ends: a disk that makes and removes one for each task becomes
slow. Claims save work and no more: where locks do not work, or do not reach another machine, a
task may be done twice, and whoever comes later stores the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from benchmark.errors import BenchmarkError
from benchmark.planning.plan import Truth
from benchmark.planning.tasks import Outcome, Task
from benchmark.store.at_work import RUNNING, runs_at_work
from benchmark.store.run_folder import RunFolder
from features.storage.files import DamagedFileError, make_folder
from features.storage.locking import Lock, try_lock


class Claim(Enum):
    """What became of a claim: it is ours, another run has it, or the task is settled."""

    OURS = "ours"
    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"


class Claims:
    """The claims of a run on its tasks.

    Parameters
    ----------
    folder : RunFolder
    truths : mapping
        Dataset name to truth, which stored results must fit.

    Attributes
    ----------
    failures : dict
        Task to outcome, of those that other runs at work here were found to have failed in.
    """

    def __init__(self, folder: RunFolder, truths: Mapping[str, Truth]):
        self._folder, self._truths = folder, truths
        self._claims = folder.path.resolve() / RUNNING / "claims"
        self._ours: dict[Task, Lock | None] = {}  # None where no claim could be written
        self.failures: dict[Task, Outcome] = {}

    def take(self, task: Task) -> Claim:
        """Claim a task, unless another run has it or it is settled."""
        if task in self._ours:
            return Claim.OURS
        try:
            lock = self._lock(task)
        except OSError:  # the disk is full: whether it can be done without a claim will be seen
            if settled := self._settled(task):
                return settled
            self._ours[task] = None
            return Claim.OURS
        if lock is None:
            return self._settled(task) or Claim.TAKEN
        if settled := self._settled(task):  # nobody else can be about to do it: we have its claim
            lock.release()
            return settled
        self._ours[task] = lock
        return Claim.OURS

    def release(self, task: Task) -> None:
        """Give a claim back: the task is stored, has failed, or is left to others."""
        if lock := self._ours.pop(task, None):
            lock.release()

    def close(self) -> None:
        """Give all claims back."""
        for task in list(self._ours):
            self.release(task)

    def others(self) -> list[str]:
        """Tell who else is at work here, for people."""
        own = self._folder.own
        others = runs_at_work(self._folder.path.resolve(), own.parent if own else None)
        return [about.get("who", "") for about in others]

    def _lock(self, task: Task) -> Lock | None:
        path = self._path(task)
        try:
            return try_lock(path, sign=False)
        except FileNotFoundError:  # the first claim, or somebody has removed the folder
            make_folder(self._claims)
            return try_lock(path, sign=False)

    def _path(self, task: Task) -> Path:
        return self._claims / "_".join(task.path.with_suffix(".lock").parts[1:])

    def _settled(self, task: Task) -> Claim | None:
        try:
            if self._folder.read_result(task, self._truths.get(task.dataset)) is not None:
                return Claim.DONE
        except (DamagedFileError, BenchmarkError):  # it is computed again
            return None
        if failed := self._folder.read_failure(task):
            self.failures[task] = failed
            return Claim.FAILED
        return None
