"""Images through a backbone into a cached matrix of features, decoding ahead of the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.images.decoding import RESIZING, quiet_decoding
from features.images.pixels import decoded_batches
from features.images.sources import ImageSource
from features.networks.backbones import find_backbone
from features.networks.weights import weights_key
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import content_key
from features.storage.sharded_array import ShardedArray, read_manifest
from features.threads import ahead

# Part of every key: raise it when the same settings give other features.
_VERSION = 1

# An interruption loses fewer than so many; VGG16 on two cores takes half a minute for them.
_ROWS_PER_SHARD = 256

# Decoded batches that may wait for the network.
_AHEAD = 2


@dataclass(frozen=True)
class Extraction:
    """Everything beside the images that determines a matrix of features.

    Attributes
    ----------
    backbone : str
        See `features.networks.backbones`.
    weights : str
        ``imagenet``, ``random``, ``bundled`` or a file, see `features.networks.weights`.
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
    backbone = find_backbone(extraction.backbone)
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
    network: list[Callable[[NDArray[np.uint8]], Any]] = []

    def compute(rows: range) -> Iterator[NDArray[np.float32]]:
        if not network:
            network.append(_network(extraction))
        batches = decoded_batches(images, key["size"], rows, batch_size)
        yield from _run(network[0], ahead(batches, _AHEAD), batch_size)

    plan = ArrayPlan(key, len(images), (backbone.width,), np.float32, _ROWS_PER_SHARD)
    with quiet_decoding():
        return build_shards(_folder(cache, key), plan, compute, progress, tell)


def _network(extraction: Extraction) -> Callable[[NDArray[np.uint8]], Any]:
    from features.networks import backend
    from features.networks.building import build_backbone
    from features.networks.compiled import compile_forward

    with backend.precision(extraction.precision):
        return compile_forward(
            build_backbone(extraction.backbone, extraction.size, weights=extraction.weights)
        )


def _run(
    network: Callable[[NDArray[np.uint8]], Any], batches: Iterable[NDArray[np.uint8]], size: int
) -> Iterator[NDArray[np.float32]]:
    """Run batches through a network; the next is sent before the result of one is waited for."""
    from features.networks.compiled import to_numpy

    sent: deque[tuple[Any, int]] = deque()
    for batch in batches:
        n = len(batch)
        if n < size:  # filled up: a batch of another shape would compile the network again
            empty = np.zeros((size - n, *batch.shape[1:]), np.uint8)
            batch = np.concatenate([batch, empty])
        sent.append((network(batch), n))
        if len(sent) > 1:
            output, n = sent.popleft()
            yield to_numpy(output)[:n]
    for output, n in sent:
        yield to_numpy(output)[:n]
