"""The processes of a run, by what each of them is for; found by a variable of their environment."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

#: Environment variable that all processes of a run get from whoever starts it.
VARIABLE = "LDL_VICTIM"

_PROCESSES = Path("/proc")

# What stands in the command line of a process -> what it is for.
_KINDS = (
    ("benchmark.running.worker", "worker"),
    ("features.images.processes", "decoder"),
    ("benchmark.files.process", "reader"),
    ("resource_tracker import main", "tracker"),
    ("spawn_main", "dask worker"),
    ("from dask.__main__ import main", "dask nanny"),
)


def processes(name: str, main: int) -> dict[int, str]:
    """Return the living processes of the run that was started under a name: number -> kind.

    Kinds are ``main``, which has the number `main`; ``worker``; ``helper``, the worker that
    prepares what tasks share; ``decoder``, ``reader``, ``tracker``; ``dask worker``, and ``dask
    nanny``, which starts those anew; ``other``.
    """
    found = {}
    entry = f"{VARIABLE}={name}".encode()
    for folder in _PROCESSES.iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError):  # it has ended meanwhile
            environment = (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if entry in environment and state not in "ZX":
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                found[int(folder.name)] = _kind(int(folder.name) == main, command, environment)
    return found


def _kind(is_main: bool, command: str, environment: list[bytes]) -> str:
    if is_main:
        return "main"
    kind = next((kind for part, kind in _KINDS if part in command), "other")
    has_one_thread = any(b"xla_cpu_multi_thread_eigen" in entry for entry in environment)
    return "helper" if kind == "worker" and not has_one_thread else kind


def wait_for_end(name: str, main: int, seconds: float) -> dict[int, str]:
    """Wait until no process of a run is left; end those that still are, and return them."""
    deadline = time.monotonic() + seconds
    while (left := processes(name, main)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for number in left:
        with suppress(OSError):
            os.kill(number, signal.SIGKILL)
    return left
