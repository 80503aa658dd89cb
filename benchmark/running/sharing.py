"""Large arrays that all workers of a run read from one file, in place of a copy for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.arrays import AnyArray
from features.storage.sharded_array import RowArray

#: Arrays of fewer bytes are sent to workers as they are.
SMALLEST = 2**20


@dataclass(frozen=True)
class FileArray:
    """An array in an ``.npy`` file, whose rows are copied out; pickles as its path."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, rows: Any) -> AnyArray:
        return np.array(np.load(self.path, mmap_mode="r")[rows])


def share(array: RowArray, path: Path) -> RowArray:
    """Put a large array into a file, for processes of this machine; return others as they are.

    So is one for which the disk has no room: results are much smaller, and may find some.
    """
    if not isinstance(array, np.ndarray) or array.nbytes < SMALLEST:
        return array
    try:
        np.save(path, array, allow_pickle=False)
    except OSError:
        path.unlink(missing_ok=True)
        return array
    return FileArray(path, array.shape, array.dtype)
