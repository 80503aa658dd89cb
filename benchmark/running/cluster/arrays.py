"""Sends large arrays to workers of a cluster, once to each, in blocks; workers keep them in files.

Each passes through the memory of the scheduler and of the workers block by block, so that arrays
may be larger than that memory. Workers pass them on to one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.running.sharing import SMALLEST, FileArray
from features.arrays import AnyArray
from features.storage.sharded_array import RowArray

#: Bytes of a block.
BLOCK = 2**26


class ToSend(dict[str, AnyArray]):
    """Arrays that workers get, by file name."""

    def put(self, name: str, array: RowArray) -> RowArray:
        """Take a large array, and return what tasks have of it; return others as they are."""
        if not isinstance(array, np.ndarray) or array.nbytes < SMALLEST:
            return array
        self[name] = array
        return FileArray(Path(name), array.shape, array.dtype)


def blocks(array: AnyArray, most: int = BLOCK) -> Iterator[AnyArray]:
    """Yield the parts of an array's ``.npy`` file after the head, in the order of its memory."""
    flat = array.T if _is_fortran(array) else array
    rows = max(1, most // max(1, flat[:1].nbytes))
    for start in range(0, len(flat), rows):
        yield np.ascontiguousarray(flat[start : start + rows])


def head(array: AnyArray) -> dict[str, Any]:
    """Return what the head of the array's ``.npy`` file says."""
    order = _is_fortran(array)
    return {"descr": array.dtype.str, "fortran_order": order, "shape": array.shape}


def begin(path: Path, described: dict[str, Any]) -> None:
    """Make an array's file with its head; that it is there already is an error."""
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, described)


def append(path: Path, block: AnyArray) -> None:
    """Write the next block."""
    with path.open("ab") as file:
        block.tofile(file)


def _is_fortran(array: AnyArray) -> bool:
    # The order of a matrix decides in which order products are summed up, so it is kept.
    return array.flags.f_contiguous and not array.flags.c_contiguous
