"""Gets everything ready that tasks share, in a process of its own: features, activations, images.

A process of its own, since what runs there takes memory, may hold an accelerator, and may crash.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from benchmark.datasets.base import Dataset
from benchmark.errors import BenchmarkError
from benchmark.planning.needs import Input, Need, prepare
from benchmark.progress import image_bar
from benchmark.running.workers import start_worker
from features.networks.backend import is_out_of_memory
from features.networks.weights import fetch_weights

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Device:
    """What networks run on: its name, whether it is an accelerator, and Keras' backend."""

    name: str
    accelerated: bool
    backend: str


class Helper:
    """A process that does one thing at a time for this one; see `helper`."""

    def __init__(self, executor: Any):
        self._executor = executor

    def call(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the function returns there.

        Raises
        ------
        BenchmarkError
            It raised ValueError or OSError, memory ran out, or its process died; says what it was
            doing.
        """
        try:
            return self._executor.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise BenchmarkError(
                f"the process that was {what} died, by a crash or for want of memory; "
                f"what it had finished is kept, the same command goes on from there"
            ) from error
        except Exception as error:  # every backend has its own when memory runs out
            if isinstance(error, ValueError | OSError | MemoryError):
                raise BenchmarkError(f"{what}: {error}") from error
            if is_out_of_memory(error):
                raise BenchmarkError(f"{what}: there is not enough memory ({error})") from error
            raise


@contextmanager
def helper() -> Iterator[Helper]:
    """Start a process, and end it."""
    executor = ProcessPoolExecutor(max_workers=1, initializer=start_worker, initargs=(os.getpid(),))
    try:
        yield Helper(executor)
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


def prepare_inputs(
    process: Helper,
    datasets: Mapping[str, Dataset],
    needs: Mapping[str, set[Need]],
    cache: Path,
    show_progress: bool,
    tell: Tell,
) -> dict[tuple[str, Need], Input]:
    """Prepare what the tasks of a run need.

    Parameters
    ----------
    process : Helper
        Where images are decoded and networks run.
    datasets : mapping
        Name to dataset.
    needs : mapping
        Dataset name to what is needed of it.
    cache : Path
        Folder that keeps what is computed.
    show_progress : bool
        Show progress lines on stderr.
    tell : callable
        Gets sentences for the user.

    Raises
    ------
    BenchmarkError
        Images cannot be decoded, weights cannot be had, the disk is full, or the process died.
    """
    weights = {
        (need.extraction.backbone, need.extraction.weights)
        for wanted in needs.values()
        for need in wanted
        if need.extraction is not None
    }
    for backbone, kind in sorted(weights):  # before hours go into what would need them
        process.call(f"getting the weights of {backbone}", _fetch_there, backbone, kind)
    prepared = {}
    for name, wanted in needs.items():
        data = datasets[name]
        for need in sorted(wanted, key=lambda need: need.key):
            if need.kind == "matrix":
                prepared[name, need] = prepare(data, need, cache)
                continue
            what = f"reading the images of {name}"
            if need.kind != "images" and need.extraction is not None:
                what = f"extracting {need.extraction.backbone} features of {name}"
            only_images = replace(data, X=None)  # features are much to send
            prepared[name, need], told = process.call(
                what, _prepare_there, only_images, need, cache, what if show_progress else ""
            )
            for line in told:
                tell(line)
    return prepared


def find_device(process: Helper) -> Device:
    """Ask what networks will run on."""
    found: Device = process.call("starting Keras", _find_device_there)
    return found


def _prepare_there(data: Dataset, need: Need, cache: Path, title: str) -> tuple[Input, list[str]]:
    assert data.images is not None  # noqa: S101 - find_need saw them
    told: list[str] = []
    with image_bar(title, len(data.images), bool(title)) as bar:
        return prepare(data, need, cache, bar.update, told.append), told


def _fetch_there(backbone: str, weights: str) -> None:
    from features.networks import backend

    if weights == "imagenet":  # Keras downloads those
        backend.start()
    fetch_weights(backbone, weights)


def _find_device_there() -> Device:
    from features.networks import backend

    backend.start()
    return Device(backend.device_name(), backend.has_accelerator(), backend.backend_name())
