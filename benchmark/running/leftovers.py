"""Finds the processes that a model has left behind, and ends them.

Every process that is started here carries a mark in its environment, which its own children get
too. Where the system does not show the environment of processes (there is no ``/proc``), or where a
model clears it, what a model leaves behind stays.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

#: Environment variable that carries the mark.
VARIABLE = "LDL_BENCHMARK_PROCESS"

_PROCESSES = Path("/proc")
_PATIENCE_SECONDS = 1.0

# What the command line of a tracker of resources has, of Python's or of loky's.
_TRACKER = b"resource_tracker import main"


@cache
def mark() -> str:
    """Return what marks the processes that this one starts: its namespace, number and start."""
    return _mark_of(os.getpid()) or f"-:{os.getpid()}:-"


os.register_at_fork(after_in_child=mark.cache_clear)


def end_marked(prefix: str, but: int = 0) -> bool:
    """End the processes whose mark starts so, but this one and `but`; tell if there were any.

    The tracker of `but`, which clears up after it, ends with it.
    """
    return _end(lambda number, found: found.startswith(prefix) and number != but, bool(but))


def end_orphans() -> bool:
    """End what was left by runs that were killed: processes whose mark is of nobody alive."""
    namespace = mark().partition(":")[0]

    def is_orphan(_number: int, found: str) -> bool:
        of, number, start, *_ = [*found.split(":"), "", ""]
        known = of == namespace and number.isdecimal() and start.isdecimal()
        return known and _mark_of(int(number)) != f"{of}:{number}:{start}"

    return _end(is_orphan)


def end_children() -> None:
    """End the children of this process, and what else carries its mark."""
    me = str(os.getpid())
    _end(lambda number, found: found.startswith(mark()) or _stat(number)[1:2] == [me], True)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _end(wanted: Callable[[int, str], bool], spare_trackers: bool = False) -> bool:
    found = _find(wanted)
    if not found:
        return False
    # A tracker of Python's clears up after its processes, and leaves when they are gone.
    for number, is_tracker in found.items():
        if not is_tracker:
            _kill(number)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (left := _left(wanted, spare_trackers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for number in left:
        _kill(number)
    return True


def _left(wanted: Callable[[int, str], bool], spare_trackers: bool) -> list[int]:
    return [number for number, tracks in _find(wanted).items() if not (tracks and spare_trackers)]


def _find(wanted: Callable[[int, str], bool]) -> dict[int, bool]:
    """Return processes of this user's by number and mark, and whether each tracks resources."""
    found = {}
    start = f"{VARIABLE}=".encode()
    for number in _numbers():
        folder = _PROCESSES / str(number)
        with suppress(OSError):  # it has ended meanwhile, or does not show its environment
            if number == os.getpid() or folder.stat().st_uid != os.getuid():
                continue
            entries = (folder / "environ").read_bytes().split(b"\0")
            marks = [entry for entry in entries if entry.startswith(start)]
            text = marks[0].removeprefix(start).decode(errors="replace") if marks else ""
            if wanted(number, text) and _is_alive(_stat(number)):
                found[number] = _TRACKER in (folder / "cmdline").read_bytes()
    return found


def _numbers() -> list[int]:
    with suppress(OSError):
        return [int(path.name) for path in _PROCESSES.iterdir() if path.name.isdecimal()]
    return []


def _stat(number: int) -> list[str]:
    """Return what the system tells of a process after its name: state, parent, ..."""
    with suppress(OSError):
        text = (_PROCESSES / str(number) / "stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()
    return []


def _is_alive(facts: list[str]) -> bool:
    return facts[:1] not in ([], ["Z"], ["X"])


def _mark_of(number: int) -> str:
    """Return the mark of a living process' children, empty if there is no such process."""
    facts = _stat(number)
    with suppress(OSError):
        namespace = (_PROCESSES / "self" / "ns" / "pid").readlink().name.strip("pid:[]")
        return f"{namespace}:{number}:{facts[19]}" if _is_alive(facts) else ""
    return ""


def _kill(number: int) -> None:
    with suppress(OSError):
        os.kill(number, signal.SIGKILL)
