"""Arrays on disk in shards: computed once, in any number of runs, and checked before use."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from features.arrays import AnyArray
from features.storage.files import remove_partial_files, write_json
from features.storage.locking import forbids_writing, locked
from features.storage.sharded_array import (
    MANIFEST,
    VERSION,
    ShardedArray,
    described,
    identity,
    is_sound,
    read_manifest,
    shard_files,
    write_shard,
)
from features.threads import in_threads

Tell = Callable[[str], object]
Progress = Callable[[int], object]

#: A shard has about this many bytes, unless told otherwise.
SHARD_BYTES = 32 * 2**20

_LOCK = ".lock"


@dataclass(frozen=True)
class ArrayPlan:
    """An array (n, *item_shape) to be computed.

    Attributes
    ----------
    key : mapping
        A JSON object of all that determines the content.
    n, item_shape, dtype
        Number of rows, the shape of one, and the type of its elements.
    rows_per_shard : int, optional
        How much an interruption may lose; by default as many as fit `SHARD_BYTES`. An array begun
        with another value keeps that.
    """

    key: Mapping[str, Any]
    n: int
    item_shape: tuple[int, ...]
    dtype: DTypeLike
    rows_per_shard: int | None = None

    def manifest(self) -> dict[str, Any]:
        """Return what `features.storage.sharded_array.described` reads.

        Raises
        ------
        ValueError
            `rows_per_shard` is below 1.
        """
        rows = self.rows_per_shard
        if rows is None:
            row_bytes = math.prod(self.item_shape) * np.dtype(self.dtype).itemsize
            rows = max(1, SHARD_BYTES // max(1, row_bytes))
        if rows < 1:
            raise ValueError(f"rows_per_shard must be at least 1, not {rows}")
        return {
            "version": VERSION,
            "key": dict(self.key),
            "n": self.n,
            "item_shape": list(self.item_shape),
            "dtype": np.dtype(self.dtype).str,
            "rows_per_shard": rows,
            "complete": False,
        }


def build_shards(
    folder: Path,
    plan: ArrayPlan,
    compute: Callable[[range], Iterable[AnyArray]],
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> ShardedArray:
    """Compute an array row by row into shards on disk, or what is missing of it.

    A shard appears when complete, so an interrupted call goes on where it was. What is there is
    verified by checksum first; damaged shards and those of another array are computed again. Of
    several processes one computes, and the others wait for it. Memory for two shards is needed.
    Where all is there, nothing is written, so that the folder may be on a read-only disk.

    Parameters
    ----------
    folder : Path
        The array's own folder, made if absent.
    plan : ArrayPlan
        Which array.
    compute : callable
        Gets a range of rows that are missing, and yields arrays (any number, *item_shape) that
        are these rows in order. Called once for every run of missing rows.
    progress : callable, optional
        Gets the number of rows finished since its last call; those found count too.
    tell : callable, optional
        Takes a sentence for the user: that it waits, or that it repairs.

    Returns
    -------
    ShardedArray

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full; complete shards stay.
    ValueError
        `compute` yields other rows than asked, or the plan's `rows_per_shard` is below 1.
    """
    tell = tell or _say_nothing
    folder = folder.absolute()
    manifest = plan.manifest()
    former = read_manifest(folder)
    if former is not None and former["complete"] and identity(former) == identity(manifest):
        array = described(folder, former)
        if len(_sound_shards(array)) == _count(array):
            if progress and plan.n:
                progress(plan.n)
            return array
    with _locked(folder, tell) as alone:
        if alone:
            remove_partial_files(folder)
        former = read_manifest(folder)
        if former is not None and identity(former) == identity(manifest):
            manifest = former
        else:
            if former is not None:
                tell(f"{folder} holds another array, which is replaced")
                _remove(shard_files(folder).values())
            write_json(folder / MANIFEST, manifest)
        array = described(folder, manifest)
        missing = _missing_rows(array, tell, alone)
        found = plan.n - sum(map(len, missing))
        if progress and found:
            progress(found)
        for rows in missing:
            _fill(array, rows, compute(rows), progress)
        if not manifest["complete"]:
            write_json(folder / MANIFEST, {**manifest, "complete": True})
    return array


def _say_nothing(_text: str) -> None:
    pass


@contextmanager
def _locked(folder: Path, tell: Tell) -> Iterator[bool]:
    with ExitStack() as stack:
        try:
            alone = stack.enter_context(locked(folder / _LOCK, tell))
        except OSError as error:
            if not forbids_writing(error):
                raise
            raise OSError(
                f"{folder} lacks some of what is needed and cannot be written "
                f"({error.strerror}); give another folder, such as a copy of it"
            ) from error
        yield alone


def _count(array: ShardedArray) -> int:
    return -(-len(array) // array.rows_per_shard)


def _sound_shards(array: ShardedArray) -> set[int]:
    """Read all shards that are there, and return those that are sound."""
    files = shard_files(array.folder)
    present = [shard for shard in range(_count(array)) if shard in files]
    good = in_threads(partial(is_sound, array), present)
    return {shard for shard, sound in zip(present, good, strict=True) if sound}


def _missing_rows(array: ShardedArray, tell: Tell, alone: bool) -> list[range]:
    """Return the runs of rows that are in no sound shard; delete the others, where we are alone."""
    files, count = shard_files(array.folder), _count(array)
    present = [shard for shard in range(count) if shard in files]
    sound = _sound_shards(array)
    if len(sound) < len(present):
        tell(
            f"{len(present) - len(sound)} of {count} shards in {array.folder} are damaged "
            "and are computed again"
        )
    if alone:  # else another process may just have replaced one
        _remove(path for shard, path in files.items() if shard not in sound)
    runs: list[range] = []
    for shard in range(count):
        rows = array.rows_of(shard)
        if shard in sound:
            continue
        if runs and runs[-1].stop == rows.start:
            runs[-1] = range(runs[-1].start, rows.stop)
        else:
            runs.append(rows)
    return runs


def _fill(
    array: ShardedArray, rows: range, batches: Iterable[AnyArray], progress: Progress | None
) -> None:
    """Write batches of consecutive rows, from the first row of a shard on, as shards."""
    done = rows.start
    with _Writer(array) as writer, _closing(batches):
        for batch in batches:
            if batch.shape[1:] != array.shape[1:] or batch.dtype != array.dtype:
                raise ValueError(
                    f"compute yielded rows {batch.shape[1:]} {batch.dtype}, "
                    f"not {array.shape[1:]} {array.dtype}"
                )
            if done + len(batch) > rows.stop:
                raise ValueError(f"compute yielded more than the {len(rows)} rows asked for")
            taken = 0
            while taken < len(batch):
                shard = done // array.rows_per_shard
                home = array.rows_of(shard)
                if done == home.start:
                    block = np.empty((len(home), *array.shape[1:]), array.dtype)
                part = batch[taken : taken + home.stop - done]
                block[done - home.start : done - home.start + len(part)] = part
                taken += len(part)
                done += len(part)
                if done == home.stop:
                    writer.write(shard, block)
            if progress:
                progress(len(batch))
    if done != rows.stop:
        raise ValueError(f"compute yielded {done - rows.start} of the {len(rows)} rows asked for")


class _Writer:
    """Writes shards in a thread, one at a time, so that nobody waits for the disk."""

    def __init__(self, array: ShardedArray) -> None:
        self._array = array
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shards")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, shard: int, block: AnyArray) -> None:
        """Begin to write a shard, when the one before is written; raises what that raised."""
        if self._last is not None:
            self._last.result()
        self._last = self._pool.submit(write_shard, self._array, shard, block)

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()
        if self._last is not None and error[0] is None:
            self._last.result()


@contextmanager
def _closing(batches: Iterable[AnyArray]) -> Iterator[None]:
    try:
        yield
    finally:
        if isinstance(batches, Generator):
            batches.close()


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
