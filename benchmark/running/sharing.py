"""Large arrays that all workers of a run read from one file, in place of a copy for each."""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.arrays import AnyArray, IntArray
from features.storage.sharded_array import RowArray

#: Arrays of fewer bytes are sent to workers as they are.
SMALLEST = 2**20

#: Rows of a fold with fewer bytes are copied out for each task.
SMALLEST_FOLD = 2**25

#: Rows go into a file while the disk has room for so many such files.
ROOM = 10

_WRITTEN_BYTES = 2**24


@dataclass(frozen=True)
class FileArray:
    """An array in an ``.npy`` file; pickles as its path.

    What a task takes of it may be changed by a model, and nobody else sees that. The rows of a
    large fold are put into a file of their own once, and all tasks of the fold on this machine
    share its memory; of a page that a model writes to it gets a copy. Others are copied out.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, rows: Any) -> AnyArray:
        whole = np.asarray(np.load(self.path, mmap_mode="r"))
        if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "iu":
            return np.array(whole[rows])
        size = len(rows) * math.prod(self.shape[1:]) * self.dtype.itemsize
        fold = self._fold(whole, rows, size) if size >= SMALLEST_FOLD else None
        return whole[rows] if fold is None else fold

    def _fold(self, whole: AnyArray, rows: IntArray, size: int) -> AnyArray | None:
        """Return rows from a file of their own, which is made if absent; None without room."""
        name = hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()[:24]
        path = self.path.with_name(f"{self.path.stem}-{name}.npy")
        try:
            if not path.exists():
                if shutil.disk_usage(path.parent).free < ROOM * size:
                    return None
                _write(path, whole, rows)
            return np.asarray(np.load(path, mmap_mode="c"))
        except OSError:
            return None


def share(array: RowArray, path: Path) -> RowArray:
    """Put a large array into a file, for processes of this machine; return others as they are.

    So is one for which the disk has no room: results are much smaller, and may find some.
    """
    if not isinstance(array, np.ndarray) or array.nbytes < SMALLEST:
        return array
    try:
        _write(path, array)
    except OSError:
        return array
    return FileArray(path, array.shape, array.dtype)


def _write(path: Path, array: AnyArray, rows: IntArray | None = None) -> None:
    """Write some rows of an array, or all, a part at a time; nothing stays of what fails.

    Nothing has to outlast a crash of the machine, so nothing waits for the disk.
    """
    shape = (len(array) if rows is None else len(rows), *array.shape[1:])
    step = max(1, _WRITTEN_BYTES // max(1, array.dtype.itemsize * math.prod(shape[1:])))
    header = {
        "descr": np.lib.format.dtype_to_descr(array.dtype),
        "fortran_order": False,
        "shape": shape,
    }
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - it is open already
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, shape[0], step):
                part = slice(start, start + step)
                chunk = array[part] if rows is None else array[rows[part]]
                file.write(np.ascontiguousarray(chunk).data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
