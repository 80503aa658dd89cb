"""Locks between processes: of several that want to make a file, one does, and the others wait."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from features.storage.files import make_folder


@contextmanager
def locked(path: Path, tell: Callable[[str], object] | None = None) -> Iterator[None]:
    """Hold a lock between processes, and say so when another one has it and we wait.

    Parameters
    ----------
    path : Path
        The lock file; it stays, and so does its folder, made if absent.
    tell : callable, optional
        Takes a sentence for the user.
    """
    make_folder(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if tell:
            tell(f"waiting for another process that works in {path.parent}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def forbids_writing(error: OSError) -> bool:
    """Tell whether an error says that a folder is on a read-only disk, or its rights forbid it."""
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
