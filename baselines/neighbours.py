"""The nearest training rows of some new rows, by a matrix of distances that stays small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baselines.size import BLOCK
from features.arrays import FloatArray

#: New rows whose distances are looked at together, at most.
ROWS = 200

#: Of fewer distances it is faster to sort all.
FEW = 5000


def some_rows(X: FloatArray, width: int) -> list[FloatArray]:
    """Cut new rows into parts, for each row of which so many numbers are needed at a time."""
    rows = min(ROWS, max(1, BLOCK // width))
    return [X[start : start + rows] for start in range(0, len(X), rows)]


def nearest(distances: FloatArray, count: int) -> NDArray[np.intp]:
    """Return the numbers of the columns with the least distances, the nearest first.

    Of equal ones the first column comes first, as a stable sort has them.

    Parameters
    ----------
    distances : ndarray of shape (m, n)
    count : int
        How many; all where there are fewer.

    Returns
    -------
    ndarray of shape (m, count)
    """
    m, n = distances.shape
    if n < FEW or count > n // 8:
        return np.argsort(distances, axis=1, kind="stable")[:, :count]
    bounds = np.partition(distances, count - 1, axis=1)[:, count - 1]
    found = np.empty((m, count), dtype=np.intp)
    for row, bound in enumerate(bounds):
        near = np.flatnonzero(distances[row] <= bound)
        found[row] = near[np.argsort(distances[row, near], kind="stable")[:count]]
    return found
