"""Many images decoded: in batches, on all cores, and as a cached array of their pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.arrays import ByteArray
from features.images.decoding import RESIZING, ImageError, quiet_decoding
from features.images.processes import DecodingProcesses
from features.images.sources import ImageFiles, ImageSource
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import content_key
from features.storage.sharded_array import ShardedArray
from features.threads import in_threads

_BATCH = 32

# Images that a thread decodes before it looks for more.
_PART = 8

# Processes decode where there are cores for at least so many of them and at least so many images
# for each, since one takes as long to start as to decode these.
_FEWEST_PROCESSES, _IMAGES_PER_PROCESS = 4, 100


def pixels(
    images: ImageSource,
    size: int,
    cache: Path,
    progress: Callable[[int], object] | None = None,
    tell: Callable[[str], object] | None = None,
) -> ShardedArray:
    """Decode images into a cached array of pixels.

    Parameters
    ----------
    images : ImageSource
        n images.
    size : int
        Pixels per side.
    cache : Path
        Folder for arrays; each set of images and size gets a folder in it.
    progress, tell : callable, optional
        As in `features.storage.build_shards.build_shards`.

    Returns
    -------
    ShardedArray of shape (n, size, size, 3), uint8

    Raises
    ------
    ImageError
        Some images cannot be decoded; all images are looked at before this is raised, so that it
        names every one of them.
    OSError
        The cache cannot be written.
    """
    key = {"images": content_key(list(images.keys)), "size": size, "resizing": RESIZING}
    folder = cache / f"pixels-{content_key(key)[:16]}"
    compute = partial(decoded_batches, images, size)
    plan = ArrayPlan(key, len(images), (size, size, 3), np.uint8)
    with quiet_decoding():
        return build_shards(folder, plan, compute, progress, tell)


def decoded_batches(
    images: ImageSource, size: int, rows: range, batch_size: int = _BATCH
) -> Iterator[ByteArray]:
    """Decode rows, on all cores, and yield them in batches.

    Many files on many cores are decoded by processes, see `features.images.processes`; else
    threads decode.

    Parameters
    ----------
    images : ImageSource
        n images.
    size : int
        Pixels per side.
    rows : range
        Which of them.
    batch_size : int
        Images in every batch but the last.

    Yields
    ------
    ndarray of shape (batch_size, size, size, 3), uint8

    Raises
    ------
    ImageError
        Some images cannot be decoded. After the first of them no more batches come; the rest are
        only looked at, so that the error names all.
    """
    problems: dict[str, str] = {}
    with _decoder(images, len(rows)) as decode:
        for part, found in in_threads(decode, _parts(rows, size, batch_size), per_worker=2):
            problems |= found
            if part.stop == len(part.batch) and not problems:
                yield part.batch
        if problems:
            rest = range(rows.stop, len(images))
            for _, found in in_threads(decode, _parts(rest, size, batch_size), per_worker=2):
                problems |= found
            raise ImageError(problems)


class _Part(NamedTuple):
    """The images that a thread decodes at once, and their places in a batch."""

    rows: range
    batch: ByteArray
    start: int
    stop: int


def _parts(rows: range, size: int, batch_size: int) -> Iterator[_Part]:
    for first in range(0, len(rows), batch_size):
        mine = rows[first : first + batch_size]
        batch = np.empty((len(mine), size, size, 3), np.uint8)
        for start in range(0, len(mine), _PART):
            part = mine[start : start + _PART]
            yield _Part(part, batch, start, start + len(part))


@contextmanager
def _decoder(
    images: ImageSource, count: int
) -> Iterator[Callable[[_Part], tuple[_Part, dict[str, str]]]]:
    """Give what decodes a part in a thread: there, or in another process where that pays."""

    def decode_here(part: _Part) -> tuple[_Part, dict[str, str]]:
        problems: dict[str, str] = {}
        for place, row in enumerate(part.rows, start=part.start):
            try:
                part.batch[place] = images.load(row, part.batch.shape[1])
            except ImageError as error:
                problems |= error.problems
        return part, problems

    number = min(os.cpu_count() or 1, count // _IMAGES_PER_PROCESS)
    if type(images) is not ImageFiles or number < _FEWEST_PROCESSES:
        yield decode_here
        return
    with DecodingProcesses(number) as processes:

        def decode_there(part: _Part) -> tuple[_Part, dict[str, str]]:
            paths = [images.paths[row] for row in part.rows]
            return part, processes.decode(paths, part.batch[part.start : part.stop])

        yield decode_there
