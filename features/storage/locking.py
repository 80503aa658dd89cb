"""Locks between processes: of several that want to make a file, one does, and the others wait.

The system holds them (``flock``), and they end with whoever had them, however that ended: a lock
file that is there says nothing, and none is ever stale. Some network file systems have no locks, or
locks among the processes of one machine alone. Then nobody waits and work may be done twice, which
changes nothing: files appear by rename, and whoever makes one makes the same.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.storage.files import make_folder

# What the system says where another process has the lock.
_CONTENTION = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)

# Who waits for a lock asks so often, and opens the file anew: it may have been removed.
_PAUSE_SECONDS = 0.1


# What this process holds, so that its copies do not: they would keep it when it ends.
_held: set[Lock] = set()


class Lock:
    """A lock that this process holds.

    Attributes
    ----------
    path : Path
        The lock file.
    why_not : str
        Why locks do not work there, so that it keeps nobody out; empty where they do.
    """

    def __init__(self, path: Path, file: int, why_not: str = ""):
        self.path, self.why_not = path, why_not
        self._file = file
        _held.add(self)

    def release(self) -> None:
        """Let others have it."""
        _held.discard(self)
        if self._file < 0:
            return
        os.close(self._file)
        self._file = -1


def _leave_to_parent() -> None:
    for lock in list(_held):
        lock.release()  # the file is closed here, and locked there


os.register_at_fork(after_in_child=_leave_to_parent)


def try_lock(path: Path, shared: bool = False, sign: bool = True) -> Lock | None:
    """Take a lock; None if another one has it.

    Parameters
    ----------
    path : Path
        The lock file, made if absent.
    shared : bool
        Have it together with others who want it shared; the file is not written, and must be there.
    sign : bool
        Write into the file who has it.

    Raises
    ------
    OSError
        The file cannot be opened.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        file = os.open(path, os.O_RDONLY if shared else os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            if not _is_still(path, file):  # whoever had it has removed it
                os.close(file)
                continue
        except OSError as error:
            if error.errno in _CONTENTION:
                os.close(file)
                return None
            return Lock(path, file, error.strerror or str(error))
        except BaseException:
            os.close(file)
            raise
        if sign and not shared:
            with suppress(OSError):  # the disk is full, which ends no run here
                text = f"{whoami()}\n".encode(errors="replace")
                os.pwrite(file, text, 0)
                if os.fstat(file).st_size > len(text):  # cut to nothing first, it would be flushed
                    os.truncate(file, len(text))
        return Lock(path, file)


def wait_for_lock(
    path: Path,
    waiting: Callable[[str], object] | None = None,
    shared: bool = False,
    patience: float = 0.0,
) -> Lock:
    """Take a lock, when it is free.

    Parameters
    ----------
    path, shared
        As of `try_lock`.
    waiting : callable, optional
        Called once, with `holder`, where another one has it.
    patience : float
        Seconds before that is called.
    """
    since = time.monotonic()
    while (lock := try_lock(path, shared)) is None:
        if waiting and time.monotonic() - since >= patience:
            waiting(holder(path))
            waiting = None
        time.sleep(_PAUSE_SECONDS)
    return lock


@contextmanager
def locked(path: Path, tell: Callable[[str], object] | None = None) -> Iterator[bool]:
    """Hold a lock between processes, and say so when another one has it and we wait.

    Parameters
    ----------
    path : Path
        The lock file; it stays, and so does its folder, made if absent.
    tell : callable, optional
        Takes a sentence for the user.

    Yields
    ------
    bool
        Whether others are kept out; not where locks do not work, which is told.
    """
    make_folder(path.parent)

    def waiting(who: str) -> None:
        if tell:
            by = f" ({who})" if who else ""
            tell(f"waiting for another process that works in {path.parent}{by}")

    lock = wait_for_lock(path, waiting)
    if lock.why_not and tell:
        tell(no_locks(path.parent, lock.why_not))
    try:
        yield not lock.why_not
    finally:
        lock.release()


def no_locks(folder: Path, why: str) -> str:
    """Say that locks do not work in a folder."""
    return (
        f"locks do not work in {folder} ({why}): what several processes do there at the same time "
        f"may be done twice, and is right all the same"
    )


def holder(path: Path) -> str:
    """Tell who has a lock, or had it last; empty where that is not known."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:200]
    except OSError:
        return ""


def whoami() -> str:
    """Name this process for people: number, machine, and the time."""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"process {os.getpid()} on {socket.gethostname()}, since {now}"


def forbids_writing(error: OSError) -> bool:
    """Tell whether an error says that a folder is on a read-only disk, or its rights forbid it."""
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)


def _is_still(path: Path, file: int) -> bool:
    try:
        now, opened = path.stat(), os.fstat(file)
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (opened.st_dev, opened.st_ino)
