"""Runs a plugin in a worker process first, since its code may end a process, crash it, or hang."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from benchmark.errors import UsageError
from benchmark.plugins.contract import check_plugin
from benchmark.plugins.registry import load_plugin
from benchmark.running.processes import Worker, WorkerDiedError
from benchmark.running.worker import allow
from benchmark.running.workers import borrowed_worker

# Libraries of a plugin may take minutes to load, and the fits of a check are small.
_SECONDS = 600.0

# Standard streams are the whole process', so one thread at a time puts something in their place.
_one_at_a_time = threading.Lock()


def load_tried_plugin(path: str | Path) -> list[str]:
    """Load a plugin in a worker process, which shows what it prints, and then here.

    Returns
    -------
    list of str
        The names of its models.

    Raises
    ------
    UsageError
        It ends or crashes a process, or does not come to an end, or as `load_plugin`.
    """
    if not Path(path).is_file():
        return load_plugin(path)
    try:
        try:
            return _load_after_trial(path)
        except WorkerDiedError as error:
            if not error.from_outside:
                raise
            return _load_after_trial(path)  # which was perhaps not the plugin's doing
    except WorkerDiedError as error:
        raise UsageError(f"plugin {path} cannot be loaded: {_why(error)}") from error


def _load_after_trial(path: str | Path) -> list[str]:
    with borrowed_worker() as worker:
        with contextlib.suppress(UsageError):  # loading it here tells it, or goes well
            worker.call(_load_there, Path(path).resolve())
        with _one_at_a_time, _without_prints():
            return load_plugin(path)


class _Hushed:
    """Standard error without what is printed as long as ``hushed``.

    A plugin may keep it, as ``logging.basicConfig()`` does; later it is like any other.
    """

    def __init__(self, stream: TextIO):
        self.hushed = True
        self._stream = stream

    def write(self, text: str) -> int:
        return len(text) if self.hushed else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _without_prints() -> Iterator[None]:
    stream = _Hushed(sys.stderr)
    try:
        with contextlib.redirect_stderr(cast(TextIO, stream)):
            yield
    finally:
        stream.hushed = False


def check_apart(path: str | Path) -> list[str]:
    """Find everything that is wrong with the models of a plugin, in a worker process.

    Raises
    ------
    UsageError
        As `check_plugin`.
    """
    worker = Worker(relay=True)
    try:
        problems: list[str] = worker.call(_check_there, Path(path).absolute())
    except WorkerDiedError as error:
        return [f"the check did not come to its end: {_why(error)}"]
    finally:
        worker.end()
    return problems


def _why(error: WorkerDiedError) -> str:
    return f"{error} of {_SECONDS / 60:g} minutes" if error.was_late else str(error)


def _load_there(path: Path) -> None:
    allow(_SECONDS)
    load_plugin(path)
    allow(_SECONDS)


def _check_there(path: Path) -> list[str]:
    allow(_SECONDS)
    return check_plugin(path)
