"""Arrays in a folder of shards: the format on disk, and reading rows without reading all."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from features.arrays import AnyArray
from features.storage.files import DamagedFileError, content_key, read_json, write_parts_atomic

#: Version of the format; part of an array's identity.
VERSION = 1

MANIFEST = "manifest.json"
_SHARD_NAME = re.compile(r"[0-9]{6,}\.npy")
_READ_BYTES = 2**20


class RowArray(Protocol):
    """What `Rows` looks at: an ndarray, a `ShardedArray`, or other `Rows`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class ShardedArray:
    """An array (n, ...) in a folder of shards, read row by row through memory maps.

    Make one with `build_shards`, open it again with `ShardedArray.open`. Pickles as its folder.

    Attributes
    ----------
    folder : Path
        Where the shards are.
    shape : tuple of int
        n, then the shape of a row.
    dtype : numpy.dtype
        Type of the elements.
    rows_per_shard : int
        Rows in every shard but the last.
    key : str
        Hash of what determines the content.
    """

    folder: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows_per_shard: int
    key: str

    @classmethod
    def open(cls, folder: Path) -> ShardedArray:
        """Open a complete array. Only its manifest is read.

        Raises
        ------
        ValueError
            There is no complete array in `folder`.
        """
        manifest = read_manifest(folder)
        if manifest is None or not manifest["complete"]:
            raise ValueError(
                f"{folder} holds no complete array; run the command that computes it again"
            )
        return described(folder, manifest)

    def __reduce__(self) -> tuple[Any, ...]:
        return ShardedArray.open, (self.folder,)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of dimensions, that of the rows included."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> AnyArray:
        """Copy rows out: one by its number, or several by a slice, numbers in any order, or a mask.

        Raises
        ------
        IndexError
            A row number is out of range.
        DamagedFileError
            A shard has gone or has been cut off since the array was built.
        """
        rows = _row_numbers(index, len(self))
        flat = rows.reshape(-1)
        out = np.empty((len(flat), *self.shape[1:]), self.dtype)
        shards = flat // self.rows_per_shard
        order = np.argsort(shards, kind="stable")
        cuts = np.flatnonzero(np.diff(shards[order])) + 1
        for start, stop in pairwise([0, *cuts.tolist(), len(flat)]):
            if start == stop:
                continue
            places = order[start:stop]
            shard = int(shards[places[0]])
            out[places] = self._map(shard)[flat[places] - shard * self.rows_per_shard]
        return out.reshape(rows.shape + self.shape[1:])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        return _whole(self, dtype, copy)

    def rows_of(self, shard: int) -> range:
        """Return the numbers of the rows in a shard."""
        start = shard * self.rows_per_shard
        return range(start, min(start + self.rows_per_shard, len(self)))

    def _map(self, shard: int) -> AnyArray:
        path = _shard_path(self.folder, shard)
        shape = (len(self.rows_of(shard)), *self.shape[1:])
        try:
            return np.memmap(path, self.dtype, "r", len(_npy_head(shape, self.dtype)), shape)
        except (OSError, ValueError) as error:
            raise DamagedFileError(
                f"{path} is missing or cut off; run the same command again and it is repaired"
            ) from error


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array, in a given order; nothing is read until they are indexed.

    Parameters
    ----------
    array : ndarray, ShardedArray or Rows
        Where the rows are.
    index : ndarray of int
        Their numbers there.
    """

    array: RowArray
    index: NDArray[np.integer[Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of one."""
        return (len(self.index), *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions, that of the rows included."""
        return len(self.array.shape)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: Any) -> AnyArray:
        return np.asarray(self.array[self.index[index]])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        return _whole(self, dtype, copy)


# A shard is an .npy file with a checksum after its end, where numpy.load does not look. The
# checksum also covers the key of the array and the shard's number: a shard copied from another
# array, or renamed, does not pass for a sound one.


def write_shard(array: ShardedArray, shard: int, block: AnyArray) -> None:
    """Write a shard, whose file appears only when it is complete.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full.
    """
    head = _npy_head(block.shape, block.dtype)
    digest = _seed(array, shard)
    digest.update(head)
    digest.update(block.data)
    path = _shard_path(array.folder, shard)
    write_parts_atomic(path, [head, block.data, digest.digest()])


def is_sound(array: ShardedArray, shard: int) -> bool:
    """Read the whole file of a shard and tell whether its checksum is right."""
    shape = (len(array.rows_of(shard)), *array.shape[1:])
    head = _npy_head(shape, array.dtype)
    left = len(head) + math.prod(shape) * array.dtype.itemsize
    digest = _seed(array, shard)
    try:
        with _shard_path(array.folder, shard).open("rb") as file:
            while left and (part := file.read(min(left, _READ_BYTES))):
                digest.update(part)
                left -= len(part)
            return file.read(_READ_BYTES) == digest.digest() and left == 0
    except OSError:  # a bad block on the disk
        return False


def _seed(array: ShardedArray, shard: int) -> Any:
    return hashlib.sha256(f"{array.key} {array.rows_per_shard} {shard}".encode())


def _npy_head(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    buffer = io.BytesIO()
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def _shard_path(folder: Path, shard: int) -> Path:
    return folder / f"{shard:06d}.npy"


def shard_files(folder: Path) -> dict[int, Path]:
    """Return the shard files in a folder by number."""
    numbers = {int(path.stem) for path in folder.glob("*.npy") if _SHARD_NAME.fullmatch(path.name)}
    return {number: _shard_path(folder, number) for number in numbers}


_SHAPE = {
    "version": int,
    "key": dict,
    "n": int,
    "item_shape": [int],
    "dtype": str,
    "rows_per_shard": int,
    "complete": bool,
}


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read what describes the array in a folder: None if absent, damaged or of another version."""
    try:
        manifest = read_json(folder / MANIFEST, _SHAPE)
        np.dtype(manifest["dtype"])
    except (OSError, DamagedFileError, TypeError, ValueError, SyntaxError):
        return None
    sizes = [manifest["n"], *manifest["item_shape"], manifest["rows_per_shard"] - 1]
    sound = manifest["version"] == VERSION and all(0 <= size < 2**62 for size in sizes)
    return manifest if sound else None


def identity(manifest: Mapping[str, Any]) -> str:
    """Hash what determines the content: all but how it is cut into shards."""
    names = ("version", "key", "n", "item_shape", "dtype")
    return content_key({name: manifest[name] for name in names})


def described(folder: Path, manifest: Mapping[str, Any]) -> ShardedArray:
    """Return the array that a manifest describes, whether or not its shards are there."""
    shape = (manifest["n"], *manifest["item_shape"])
    dtype, per_shard = np.dtype(manifest["dtype"]), manifest["rows_per_shard"]
    return ShardedArray(folder.absolute(), shape, dtype, per_shard, identity(manifest))


def _row_numbers(index: Any, n: int) -> NDArray[np.intp]:
    if isinstance(index, slice):
        return np.arange(*index.indices(n))
    if isinstance(index, tuple):
        raise IndexError("only rows can be selected: index what comes back for the rest")
    rows = np.asarray(index)
    if rows.dtype == np.bool_:
        if rows.shape != (n,):
            raise IndexError(f"{rows.shape} as a mask cannot select from {n} rows")
        return np.flatnonzero(rows)
    if rows.size == 0:
        return np.empty(rows.shape, np.intp)
    if rows.dtype.kind not in "iu":
        raise IndexError(f"rows are selected by whole numbers, a slice or a mask, not {index!r}")
    if rows.min() < -n or rows.max() >= n:
        raise IndexError(f"row {rows.min() if rows.min() < -n else rows.max()} is not among {n}")
    return np.where(rows < 0, rows + n, rows).astype(np.intp)


def _whole(array: RowArray, dtype: DTypeLike | None, copy: bool | None) -> AnyArray:
    if copy is False:
        raise ValueError("rows on disk cannot be had without a copy")
    return np.asarray(array[:], dtype=dtype)
