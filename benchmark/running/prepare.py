"""Gets ready what tasks share (features, activations, images), in a process of its own.

It has its own process, since what runs there takes memory, may hold an accelerator, and may crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import FULL, BenchmarkError
from benchmark.planning.inputs import Input
from benchmark.planning.needs import Need
from benchmark.planning.without_networks import in_cache
from benchmark.progress import Console
from benchmark.running.estimate_extraction import describe_extraction, is_long_extraction
from benchmark.running.processes import Worker, WorkerDiedError
from features.networks.backend import (
    choose_backend,
    has_only_cpu,
    is_deterministic,
    is_out_of_memory,
)
from features.networks.weights import fetch_weights


@dataclass(frozen=True)
class Device:
    """What networks run on: its name, whether it is an accelerator, and Keras' backend."""

    name: str
    accelerated: bool
    backend: str


class Helper:
    """A process that does one thing at a time for this one; see `helper`."""

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def call(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the function returns there.

        Raises
        ------
        BenchmarkError
            It raised ValueError or OSError, memory ran out, or its process died; says what it was
            doing.
        """
        self._worker = self._worker or Worker()
        try:
            return self._worker.call(function, *arguments)
        except WorkerDiedError as error:
            self.end()
            raise BenchmarkError(
                f"the process that was {what} died: it crashed or ran out of memory; "
                f"what it had finished is kept, the same command goes on from there"
            ) from error
        except BenchmarkError:
            raise
        except Exception as error:  # each backend has an exception of its own for lack of memory
            if isinstance(error, ValueError | OSError | MemoryError):
                raise BenchmarkError(f"{what}: {error}") from error
            if is_out_of_memory(error):
                raise BenchmarkError(f"{what}: there is not enough memory ({error})") from error
            raise

    def end(self) -> None:
        """End the process, if one was started."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None


@contextmanager
def helper() -> Iterator[Helper]:
    """Have a process at hand, which is started when it is first called, and end it."""
    process = Helper()
    try:
        yield process
    finally:
        process.end()


def prepare_inputs(
    process: Helper, needs: Mapping[str, set[Need]], cache: Path, console: Console
) -> dict[tuple[str, Need], Input]:
    """Prepare what the tasks of a run need.

    Parameters
    ----------
    process : Helper
        Where images are decoded and networks run.
    needs : mapping
        Dataset name to what is needed of it.
    cache : Path
        Folder that keeps what is computed.
    console : Console
        Gets sentences, and shows progress.

    Returns
    -------
    dict
        Dataset name and need to input.

    Raises
    ------
    BenchmarkError
        Images cannot be decoded, weights cannot be had, the disk is full, or the process died.
    """
    missing = [need for of in needs.values() for need in of if not in_cache(need, cache)]
    extractions = [need.extraction for need in missing]
    weights = {(found.backbone, found.weights) for found in extractions if found is not None}
    for backbone, kind in sorted(weights):  # first, so that missing weights end a run at once
        title = f"getting the weights of {backbone}"
        process.call(title, _fetch_there, backbone, kind, console.show_progress)
    prepared = {}
    for name, wanted in needs.items():
        for need in sorted(wanted, key=lambda need: need.key):
            title = need.work_on(name)
            if not title:
                prepared[name, need] = need.prepare(cache, title, console)
                continue
            with _telling_where(title, cache):
                if is_long_extraction(need, cache):
                    for sentence in process.call(title, _estimate_there, need, cache, title):
                        console.tell(sentence)
                prepared[name, need], told = process.call(
                    title, _prepare_there, need, cache, title, console.show_progress
                )
            for sentence in told:
                console.tell(sentence)
    return prepared


@contextmanager
def _telling_where(title: str, cache: Path) -> Iterator[None]:
    """Name the folder, and what is kept, where the disk is full."""
    try:
        yield
    except BenchmarkError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in FULL:
            raise
        raise BenchmarkError(
            f"{title}: cannot write to {cache}: {cause.strerror}; what was finished is kept: make "
            f"room, or give another --cache-dir, then give the same command again"
        ) from error


def find_device(process: Helper) -> Device:
    """Find out what networks will run on.

    Keras takes seconds to start, and is started only where there may be a GPU.

    Raises
    ------
    BenchmarkError
        Keras cannot be started.
    """
    try:
        is_deterministic()  # or what the variable says is wrong
        if has_only_cpu():
            return Device("CPU", False, choose_backend())
    except ValueError as error:
        raise BenchmarkError(f"starting Keras: {error}") from error
    found: Device = process.call("starting Keras", _find_device_there)
    return found


def _prepare_there(
    need: Need, cache: Path, title: str, show_progress: bool
) -> tuple[Input, list[str]]:
    told: list[str] = []
    return need.prepare(cache, title, Console(told.append, show_progress)), told


def _estimate_there(need: Need, cache: Path, title: str) -> list[str]:
    return describe_extraction(need, cache, title)


def _fetch_there(backbone: str, weights: str, show_progress: bool) -> None:
    with ExitStack() as stack:
        bars: list[Any] = []

        def show(done: int, total: int) -> None:
            if not bars:  # what is here is not downloaded
                console = Console(show_progress=show_progress)
                bars.append(stack.enter_context(console.bar(f"weights of {backbone}", unit="B")))
            bars[0].total = total or None
            bars[0].update(done - bars[0].n)

        fetch_weights(backbone, weights, show)


def _find_device_there() -> Device:
    from features.networks import backend

    backend.start()
    return Device(backend.device_name(), backend.has_accelerator(), backend.backend_name())
