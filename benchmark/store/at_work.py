"""Which runs are at work in a run folder: any number with the same plan, and none beside a table.

A run comes and goes through a door, a lock that is held for moments. At work it holds the lock of
its own folder below ``running/``, which the system takes back when it dies. What only shows a run
holds the door while it reads, so that no run starts meanwhile, unless one is at work already.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from features.storage.files import (
    is_another_machines,
    machine_mark,
    make_folder,
    remove_partial_files,
    write_atomic,
)
from features.storage.locking import Lock, no_locks, try_lock, wait_for_lock, whoami

#: The folder of what is there only while tasks run.
RUNNING = "running"

#: The lock file of the door.
DOOR = ".lock"

_OWN_LOCK, _ABOUT = "lock", "about.json"

# How long a run that ends waits at the door; what it leaves there, the next one removes.
_LEAVING_SECONDS = 2.0

# Who waits at the door for longer says so.
_PATIENCE_SECONDS = 1.0

_numbers = itertools.count()


class Session:
    """A run at work in a folder.

    Attributes
    ----------
    path : Path
        Its own folder, of what is there only while it runs.
    others : list of dict
        What the runs that were at work before it have told of themselves by `settle`.
    no_locks : str
        Says that locks do not work there; empty where they do.
    """

    def __init__(
        self, folder: Path, door: Lock, others: list[dict[str, Any]], keep: Callable[[], object]
    ):
        self._folder, self._door, self._keep = folder.resolve(), door, keep
        self.others = others
        self.no_locks = no_locks(folder, door.why_not) if door.why_not else ""
        name = f"{machine_mark()}-{os.getpid()}-{next(_numbers)}"
        self.path = self._folder / RUNNING / name
        self._lock: Lock | None = None

    @property
    def first(self) -> bool:
        """Whether no other run was at work when this one came."""
        return not self.others

    def settle(self, about: Mapping[str, Any]) -> None:
        """Take possession of the own folder; what runs that are no more have left goes.

        Parameters
        ----------
        about : mapping
            What others get to know of this run: JSON values.
        """
        if self.first and self.no_locks:
            self._keep()  # what a former run failed in is tried again
        elif self.first:
            remove_partial_files(self._folder)
            self._remove_left()
        make_folder(self.path)
        write_atomic(self.path / _ABOUT, json.dumps({**about, "who": whoami()}))
        self._lock = wait_for_lock(self.path / _OWN_LOCK)  # somebody may look whether it is held

    def open_door(self) -> None:
        """Let other runs come in, when there is a plan that they can share."""
        self._door.release()

    def leave(self) -> None:
        """Remove the own folder, and by the last run all that is there only while runs are."""
        self._door.release()
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
        end = time.monotonic() + _LEAVING_SECONDS
        door = None
        with suppress(OSError):  # it is read-only by now, or has gone
            while (door := try_lock(self._folder / DOOR)) is None and time.monotonic() < end:
                time.sleep(0.05)
        if door is None:
            return
        with suppress(OSError):
            if not door.why_not and not runs_at_work(self._folder):
                self._remove_left()
        door.release()

    def _remove_left(self) -> None:
        """Remove what only runs at work need, where none is.

        Whether another machine has one is not known for sure where locks do not reach it: what is
        of today stays.
        """
        found = _parts(self._folder)
        if found:
            self._keep()
        for path in found:
            if not is_another_machines(path.name, path):
                shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # not empty, or not there
            (self._folder / RUNNING).rmdir()


@contextmanager
def join(
    folder: Path, waiting: Callable[[str], object], keep: Callable[[], object]
) -> Iterator[Session]:
    """Be at work in a run folder, alone or with others.

    Parameters
    ----------
    folder : Path
        It exists.
    waiting : callable
        Called once, with who it is, where another command has the door.
    keep : callable
        Called where no other run is known to be at work, to take from ``running/`` what is to stay.

    Yields
    ------
    Session
        Its door is shut until `Session.open_door`, and its own folder there after `Session.settle`.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    door = wait_for_lock(folder / DOOR, waiting, patience=_PATIENCE_SECONDS)
    session = Session(folder, door, runs_at_work(folder), keep)
    try:
        yield session
    finally:
        session.leave()


@contextmanager
def reading(
    folder: Path, writes: bool, waiting: Callable[[str], object]
) -> Iterator[list[dict[str, Any]]]:
    """Keep runs from starting in a folder, unless some are at work there, which are returned.

    Parameters
    ----------
    folder : Path
    writes : bool
        Whether files are to be written there. If not, nothing is, as on a read-only disk.
    waiting : callable
        Called once, with who it is, where another command has the door.
    """
    door = None
    with suppress(OSError):  # no run was ever there, or the lock file is another user's
        door = wait_for_lock(folder / DOOR, waiting, not writes, _PATIENCE_SECONDS)
    try:
        others = runs_at_work(folder)
        if others and door is not None:
            door.release()
        yield others
    finally:
        if door is not None:
            door.release()


def runs_at_work(folder: Path, but: Path | None = None) -> list[dict[str, Any]]:
    """Return what the runs at work in a folder have told of themselves, ``who`` they are too.

    One is left out whose own folder is `but`.
    """
    return [_about(path) for path in _parts(folder) if path != but and _is_at_work(path)]


def _parts(folder: Path) -> list[Path]:
    try:
        return sorted((folder / RUNNING).iterdir())
    except OSError:
        return []


def _about(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((path / _ABOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _is_at_work(path: Path) -> bool:
    try:
        lock = try_lock(path / _OWN_LOCK, shared=True)
    except OSError:  # there is none: it is no run's, or the run has just gone
        return False
    if lock is None:
        return True
    lock.release()
    if not lock.why_not:
        return False
    mark, number, *_ = [*path.name.split("-"), "", ""]
    if mark == machine_mark() and number.isdecimal():
        return _is_alive(int(number))
    return is_another_machines(path.name, path)


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except PermissionError:  # it is another user's
        return True
    except OSError:
        return False
    return True
