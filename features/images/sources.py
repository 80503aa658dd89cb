"""Sets of images by row: their content keys, and checking whole folders at once."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from PIL import Image

from features.arrays import ByteArray
from features.images.decoding import RESIZING as RESIZING
from features.images.decoding import ImageError as ImageError
from features.images.decoding import UnusableError, decode_bytes, read_image, squash
from features.images.decoding import decode as decode
from features.images.decoding import quiet_decoding as quiet_decoding
from features.storage.files import DamagedFileError, array_key, read_json, write_json

Item = TypeVar("Item")
Result = TypeVar("Result")

_SECONDS_BETWEEN_SAVES = 20.0


class ImageSource(Protocol):
    """Images by row number. Sources are picklable.

    Attributes
    ----------
    keys : tuple of str
        A hash of each image's content.
    names : tuple of str
        What to call each image in an error message.
    """

    @property
    def keys(self) -> tuple[str, ...]:
        """One per row."""

    @property
    def names(self) -> tuple[str, ...]:
        """One per row."""

    def __len__(self) -> int: ...

    def load(self, row: int, size: int) -> ByteArray:
        """Return image `row` as (size, size, 3) uint8 RGB, by the rule `RESIZING`."""


@dataclass(frozen=True)
class ImageFiles:
    """Image files as an `ImageSource`.

    Parameters
    ----------
    paths : tuple of Path
        One file per row.
    index : Path, optional
        What `check_image_files` wrote: files that have not changed since are not read again for
        their keys.
    """

    paths: tuple[Path, ...]
    index: Path | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getstate__(self) -> dict[str, Any]:
        # 100,000 Path objects take a second to pickle, and one long string none.
        joined = "\0".join(map(str, self.paths)) if self.paths else None
        return {**self.__dict__, "paths": joined}

    def __setstate__(self, state: dict[str, Any]) -> None:
        joined = state["paths"]
        paths = () if joined is None else tuple(map(Path, joined.split("\0")))
        self.__dict__.update(state, paths=paths)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """SHA-256 of each file's bytes, as 64 hexadecimal digits; reads files once.

        Raises
        ------
        ImageError
            Files cannot be read; names them all.
        """
        known = _read_index(self.index)
        found = {path: _known_key(path, known) for path in self.paths}
        unknown = [path for path, key in found.items() if key is None]
        problems: dict[str, str] = {}
        for path, (key, reason) in zip(unknown, in_threads(_hash, unknown), strict=True):
            found[path] = key
            if reason:
                problems[str(path)] = reason
        if problems:
            raise ImageError(problems)
        return tuple(key for path in self.paths if (key := found[path]) is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The paths."""
        return tuple(map(str, self.paths))

    def load(self, row: int, size: int) -> ByteArray:
        """Decode one file; see `decode`."""
        return decode(self.paths[row], size)


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Images in memory as an `ImageSource`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, 3), uint8
        RGB pixels.

    Raises
    ------
    ValueError
        `images` has another shape or type.
    """

    images: ByteArray

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.shape[3:] != (3,):
            raise ValueError(
                f"images must be (n, h, w, 3) uint8, not {self.images.shape} {self.images.dtype}"
            )

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Hash of each image's pixels."""
        return tuple(array_key(image) for image in self.images)

    @property
    def names(self) -> tuple[str, ...]:
        """``image 0``, ``image 1``, ..."""
        return tuple(f"image {row}" for row in range(len(self)))

    def load(self, row: int, size: int) -> ByteArray:
        """Resize one image to (size, size, 3) uint8; see `decode`."""
        return squash(Image.fromarray(self.images[row]), size)


def check_image_files(
    paths: Sequence[Path],
    index: Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[Path, str]:
    """Decode every file in full, in threads, and report all that cannot be used.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    index : Path, optional
        A JSON file that remembers the sound ones by size and time of change, so that each is read
        once ever. It is written every 20 seconds and when interrupted; if damaged, it starts anew.
    progress : callable, optional
        Gets the number of files finished since its last call.

    Returns
    -------
    dict of Path to str
        What is wrong, for each file that cannot be used, in the order of `paths`.

    Raises
    ------
    OSError
        `index` cannot be written.
    """
    known = _read_index(index)
    unknown = [path for path in paths if _known_key(path, known) is None]
    if progress and len(unknown) < len(paths):
        progress(len(paths) - len(unknown))
    problems: dict[Path, str] = {}
    saved = time.monotonic()
    try:
        with quiet_decoding():
            for path, (entry, reason) in zip(unknown, in_threads(_examine, unknown), strict=True):
                if reason:
                    problems[path] = reason
                else:
                    known[_index_name(path)] = entry
                if progress:
                    progress(1)
                if index and time.monotonic() - saved > _SECONDS_BETWEEN_SAVES:
                    write_json(index, {"files": known})
                    saved = time.monotonic()
    finally:
        if index and unknown:
            write_json(index, {"files": known})
    return problems


def in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int | None = None,
    per_worker: int = 4,
) -> Iterator[Result]:
    """Apply a function in threads and yield the results in order, as they are asked for.

    Few calls are under way or waiting to be taken, so memory stays bounded however many items
    there are.

    Parameters
    ----------
    function : callable
        Takes an item; may be called in several threads at once.
    items : iterable
        Drawn as threads become free.
    workers : int, optional
        Number of threads; by default the number of cores.
    per_worker : int
        Calls per thread that are at most under way or waiting.

    Yields
    ------
    result
        What `function` returned; what it raised is raised here.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= per_worker * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _hash(path: Path) -> tuple[str | None, str]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), ""
    except OSError as error:
        return None, f"it cannot be read ({error.strerror or error})"


def _examine(path: Path) -> tuple[str, str]:
    """Return the entry for the index, and what is wrong ("" if nothing)."""
    try:
        data, status = read_image(path)
        decode_bytes(data, 1)
    except UnusableError as error:
        return "", str(error)
    return f"{hashlib.sha256(data).hexdigest()} {_stamp(status)}", ""


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"


def _index_name(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would ask the disk for every part


def _read_index(index: Path | None) -> dict[str, str]:
    try:
        return {} if index is None else dict(read_json(index)["files"])
    except (FileNotFoundError, DamagedFileError):
        return {}


def _known_key(path: Path, known: Mapping[str, str]) -> str | None:
    try:
        key, _, stamp = known[_index_name(path)].partition(" ")
        return key if stamp == _stamp(path.stat()) else None
    except (KeyError, OSError):
        return None
