"""Where the crash of a worker process leaves its traceback: a file that it has open all the time.

To make and remove one for each task takes the longer the more are made: a file system looks for a
number that has not just been given back.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
from collections.abc import Iterator
from pathlib import Path

from benchmark.running.texts import LONGEST_TRACE
from features.storage.files import machine_mark

# The one that this process has open, and what it was then.
_open: tuple[Path, int, tuple[int, int]] | None = None


def crash_log_of(folder: Path, process: int) -> Path:
    """Return the file of a process of this machine, by its number."""
    return folder / f"crash-{machine_mark()}-{process}.txt"


@contextlib.contextmanager
def crash_log(folder: Path) -> Iterator[None]:
    """Let a crash of this process meanwhile leave a traceback, if the disk has room."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            faulthandler.enable(_file(crash_log_of(folder, os.getpid())), all_threads=False)
            stack.callback(faulthandler.disable)
        yield


def read_crash_log(folder: Path, process: int) -> str:
    """Return what a process has left that is no more, and remove it; empty if there is nothing."""
    path = crash_log_of(folder, process)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST_TRACE).strip()
    except OSError:
        return ""
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _file(path: Path) -> int:
    global _open
    if _open is not None:
        former, file, identity = _open
        _open = None
        with contextlib.suppress(OSError):  # a model has closed it
            if _identity(file) == identity:
                if former == path:
                    if os.fstat(file).st_size:  # of a call that went on nevertheless
                        os.truncate(file, 0)
                    _open = path, file, identity
                    return file
                os.close(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    _open = path, file, _identity(file)
    return file


def _identity(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_dev, found.st_ino
