"""Images through a backbone into a cached matrix of features, decoding ahead of the network."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.images.decoding import RESIZING, ImageError, quiet_decoding
from features.images.pixels import decoded_batches
from features.images.sources import ImageSource
from features.networks.backbones import find_backbone
from features.networks.weights import backbone_with, weights_key
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import content_key, write_json
from features.storage.sharded_array import ShardedArray, read_manifest, shard_files
from features.threads import ahead

if TYPE_CHECKING:
    from features.networks.forward import Forward

# Part of every key: raise it when the same settings give other features.
_VERSION = 1

# An interruption loses fewer than so many; VGG16 on two cores takes half a minute for them.
_ROWS_PER_SHARD = 256

# Decoded batches that may wait for the network.
_AHEAD = 2

#: Where it is kept that batches were smaller than asked for.
BATCHES = "batches.json"

# Measured are so many batches after the first, which compiles, or as many as take so many seconds.
_MEASURED, _MEASURING_SECONDS = 3, 3.0


@dataclass(frozen=True)
class Extraction:
    """Everything beside the images that determines a matrix of features.

    Attributes
    ----------
    backbone : str
        See `features.networks.backbones`.
    weights : str
        ``imagenet``, ``torchvision``, ``random``, ``bundled``, a file or a folder, see
        `features.networks.weights`.
    size : int, optional
        Pixels per side that images are resized to; by default the backbone's own.
    precision : {"float32", "bfloat16"}
        What the network computes in.
    """

    backbone: str = "vgg16"
    weights: str = "imagenet"
    size: int | None = None
    precision: str = "float32"


def extraction_key(images: ImageSource, extraction: Extraction) -> str:
    """Hash everything that determines the features: the images' bytes and the settings.

    Raises
    ------
    ValueError
        Unknown backbone.
    WeightsError
        There are no such weights.
    """
    return content_key(_description(images, extraction))


def _description(images: ImageSource, extraction: Extraction) -> dict[str, Any]:
    backbone = backbone_with(extraction.backbone, extraction.weights)
    return {
        "version": _VERSION,
        "images": content_key(list(images.keys)),
        "backbone": backbone.name,
        "weights": weights_key(backbone.name, extraction.weights),
        "layer": backbone.layer,
        "preprocessing": backbone.preprocessing,
        "size": extraction.size or backbone.size,
        "resizing": RESIZING,
        "precision": extraction.precision,
    }


def is_extracted(images: ImageSource, extraction: Extraction, cache: Path) -> bool:
    """Tell whether `extract` finds all features in the cache, and needs no network.

    Raises
    ------
    ValueError
        Unknown backbone.
    WeightsError
        There are no such weights.
    """
    key = _description(images, extraction)
    manifest = read_manifest(_folder(cache, key))
    return manifest is not None and manifest["complete"] and manifest["key"] == key


def _folder(cache: Path, key: dict[str, Any]) -> Path:
    return cache / f"{key['backbone']}-{content_key(key)[:16]}"


def extract(
    images: ImageSource,
    extraction: Extraction,
    cache: Path,
    batch_size: int = 32,
    progress: Callable[[int], object] | None = None,
    tell: Callable[[str], object] | None = None,
) -> ShardedArray:
    """Compute the features of images, or what the cache lacks of them.

    Images are decoded ahead of the network; memory does not grow with their number.

    Parameters
    ----------
    images : ImageSource
        n images.
    extraction : Extraction
        The backbone and its settings.
    cache : Path
        Folder for feature matrices; each gets a folder in it.
    batch_size : int
        Images that go through the network at once.
    progress, tell : callable, optional
        As in `features.storage.build_shards.build_shards`.

    Returns
    -------
    ShardedArray of shape (n, width), float32

    Raises
    ------
    ImageError
        Some images cannot be decoded; all images are looked at before this is raised, so that it
        names every one of them.
    ValueError
        Unknown backbone or precision, or images too small for it.
    WeightsError
        The weights cannot be had or do not fit.
    OSError
        The cache cannot be written.
    """
    backbone = find_backbone(extraction.backbone)
    key = _description(images, extraction)
    folder, runs = _folder(cache, key), []

    def compute(rows: range) -> Iterator[NDArray[np.float32]]:
        forward = _forward(extraction, key["weights"], batch_size)
        runs.append(forward)
        batches = decoded_batches(images, key["size"], rows, batch_size)
        yield from forward.run(ahead(batches, _AHEAD), tell)

    plan = ArrayPlan(key, len(images), (backbone.width,), np.float32, _ROWS_PER_SHARD)
    try:
        with quiet_decoding():
            array = build_shards(folder, plan, compute, progress, tell)
        if runs and runs[-1].size < batch_size:
            write_json(folder / BATCHES, {"asked": batch_size, "fitted": runs[-1].size})
        return array
    finally:
        _forward.cache_clear()


@dataclass(frozen=True)
class Pace:
    """How fast an extraction goes.

    Attributes
    ----------
    images : int
        That the cache lacks.
    network, decoding : float
        Seconds that one image takes in the network, and until it is decoded; both go on at the
        same time.
    """

    images: int
    network: float
    decoding: float

    @property
    def seconds(self) -> float:
        """Of all that are missing."""
        return self.images * max(self.network, self.decoding)


def missing_images(images: ImageSource, extraction: Extraction, cache: Path) -> int:
    """Count the images whose features the cache lacks; what is there is not verified.

    Raises
    ------
    ValueError
        Unknown backbone.
    WeightsError
        There are no such weights.
    """
    key = _description(images, extraction)
    folder = _folder(cache, key)
    manifest = read_manifest(folder)
    if manifest is None or manifest["key"] != key:
        return len(images)
    return max(0, len(images) - manifest["rows_per_shard"] * len(shard_files(folder)))


def measure_pace(
    images: ImageSource,
    extraction: Extraction,
    cache: Path,
    batch_size: int = 32,
    tell: Callable[[str], object] | None = None,
) -> Pace | None:
    """Measure how fast an extraction goes, on a few of its images; what is computed is not kept.

    Parameters
    ----------
    images, extraction, cache, batch_size
        As for `extract`, which then needs not build the network again in this process.
    tell : callable, optional
        Takes a sentence for the user where batches have to be smaller.

    Returns
    -------
    Pace or None
        None where some of the images cannot be decoded, of which `extract` tells.

    Raises
    ------
    ValueError, WeightsError, MemoryError
        As `extract`.
    """
    key = _description(images, extraction)
    forward = _forward(extraction, key["weights"], batch_size)
    rows = range(min(len(images), batch_size * (1 + _MEASURED)))
    start = time.perf_counter()
    try:
        with quiet_decoding():
            batches = list(decoded_batches(images, key["size"], rows, batch_size))
    except ImageError:
        return None
    decoding = (time.perf_counter() - start) / len(rows)
    for _ in forward.run(batches[:1], tell):  # compiles
        pass
    start, done = time.perf_counter(), 0
    for batch in itertools.islice(itertools.cycle(batches[1:] or batches), _MEASURED):
        done += sum(len(output) for output in forward.run([batch], tell))
        if time.perf_counter() - start > _MEASURING_SECONDS:
            break
    network = (time.perf_counter() - start) / done
    return Pace(missing_images(images, extraction, cache), network, decoding)


@lru_cache(maxsize=1)
def _forward(extraction: Extraction, _weights: str, batch_size: int) -> Forward:
    """Build the network, or find it as it was measured."""
    from features.networks import backend
    from features.networks.building import build_backbone
    from features.networks.compiled import compile_forward
    from features.networks.forward import Forward

    with backend.precision(extraction.precision):
        model = build_backbone(extraction.backbone, extraction.size, weights=extraction.weights)
        return Forward(compile_forward(model), batch_size)
