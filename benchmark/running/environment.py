"""Records how a run was made: command, versions, machine and log. No key depends on these."""

from __future__ import annotations

import logging
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from joblib import cpu_count

from benchmark.errors import cannot_write
from benchmark.running.machine import machine
from features.networks.backend import DETERMINISTIC

logger = logging.getLogger("benchmark")


def describe() -> dict[str, Any]:
    """Describe the command, the versions of the libraries, and the machine, as JSON values."""
    asked = os.environ.get(DETERMINISTIC, "")
    return {
        "command": command_line(),
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": versions(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": cpu_count(),
            **machine(),
            **({DETERMINISTIC: asked} if asked else {}),
        },
    }


def command_line() -> str:
    """Return the command as it was given, without the folder of the program."""
    program, *arguments = sys.argv
    name = Path(program).name
    start = ["python", "-m", "benchmark"] if name == "__main__.py" else [name]
    return shlex.join([*start, *arguments])


#: Libraries that every result may depend on, and those that a network's may depend on too.
LIBRARIES = ("ldl-benchmark", "numpy", "scipy", "scikit-learn")
NETWORK_LIBRARIES = ("keras", "pillow")


def versions(backend: str = "") -> dict[str, str]:
    """Return the versions of what a result may depend on, by name.

    Parameters
    ----------
    backend : str
        For a result of a network, Keras' backend.
    """
    found = {"python": platform.python_version()}
    if backend:
        found["keras backend"] = backend
    networks = (*NETWORK_LIBRARIES, backend) if backend else ()
    for name in (*LIBRARIES, *networks):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


class LogFile(logging.Handler):
    """Appends each message at once, so that those of several runs do not mix.

    It ends no run, and prints no traceback, where the log cannot be written: the disk is full.
    """

    def __init__(self, path: Path, at_once: bool):
        super().__init__()
        self._path, self._file = path.absolute(), -1
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s"))
        if at_once:
            self._open()

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def emit(self, record: logging.LogRecord) -> None:
        """Append a message."""
        with suppress(Exception):  # the disk is full, or what a plugin logs cannot be formatted
            if self._file < 0:
                self._open()
            os.write(self._file, f"{self.format(record)}\n".encode(errors="backslashreplace"))

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@contextmanager
def log_to(path: Path, at_once: bool = True) -> Iterator[None]:
    """Append the messages of the logger ``benchmark`` to a file.

    Parameters
    ----------
    path : Path
    at_once : bool
        Open the file, and say if that cannot be; else with the first message.

    Raises
    ------
    BenchmarkError
        The file cannot be written; where its disk is not full, a `UsageError`.
    """
    try:
        handler = LogFile(path, at_once)
    except OSError as error:
        raise cannot_write(path, error) from error
    former = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(former)
        logger.removeHandler(handler)
        with suppress(OSError):  # the disk is full
            handler.close()
