"""Anderson acceleration of many fixed-point iterations at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating[Any]]

#: Past steps that the next point is extrapolated from.
MEMORY = 8

#: Rows handled together, few enough for their past steps to stay in the processor's cache.
BLOCK = 16

#: A residual that grows by more than this says that the extrapolation went astray.
LARGEST_GROWTH = 2.0

#: Ridge of the least-squares problem, relative to the trace of its matrix.
_RIDGE = 1e-8


def blocks(n_rows: int) -> list[slice]:
    """Return slices of `BLOCK` rows each, which cover all of them."""
    return [slice(start, start + BLOCK) for start in range(0, n_rows, BLOCK)]


class Anderson:
    """Extrapolate x <- G(x) for many x, each with a memory of its own.

    With the residuals f_t = G(x_t) - x_t the next point is G(x_t) - sum_s c_s (G(x_s+1) - G(x_s)),
    where c minimises |f_t - sum_s c_s (f_s+1 - f_s)| over the last `MEMORY` steps s (Walker and Ni,
    SIAM Journal on Numerical Analysis 49, 2011). It keeps what an averaged map like that of the
    alternating direction method converges to, and takes out the few directions in which such a
    map is slow. A row whose residual grows by more than `LARGEST_GROWTH` forgets its past.

    Parameters
    ----------
    n_rows, length : int
        Number of points and their length.
    dtype : dtype
        Precision of the points.
    """

    def __init__(self, n_rows: int, length: int, dtype: Any):
        self._residuals = np.zeros((n_rows, MEMORY, length), dtype)
        self._images = np.zeros((n_rows, MEMORY, length), dtype)
        self._gram = np.zeros((n_rows, MEMORY, MEMORY))
        self._last: tuple[Rows, Rows, Rows] | None = None
        self._steps = 0

    def step(self, point: Rows, image: Rows) -> Rows:
        """Return the next points, given the last ones and what the map made of them."""
        residual = image - point
        norm = np.sqrt(np.einsum("ij,ij->i", residual, residual).astype(np.float64))
        last, self._last = self._last, (residual, image, norm)
        if last is None:
            return image
        slot, self._steps = self._steps % MEMORY, self._steps + 1
        following = np.empty_like(image)
        for rows in blocks(len(point)):
            astray = norm[rows] > LARGEST_GROWTH * last[2][rows]
            change = residual[rows] - last[0][rows]
            self._residuals[rows, slot] = change
            self._images[rows, slot] = image[rows] - last[1][rows]
            self._residuals[rows][astray] = 0.0
            self._images[rows][astray] = 0.0
            self._gram[rows][astray] = 0.0
            pair = np.stack([self._residuals[rows, slot], residual[rows]], axis=2)
            products = (self._residuals[rows] @ pair).astype(np.float64)
            self._gram[rows, slot, :] = self._gram[rows, :, slot] = products[:, :, 0]
            matrix = self._gram[rows].copy()
            ridge = _RIDGE * np.trace(matrix, axis1=1, axis2=2) + np.finfo(point.dtype).tiny
            matrix[:, np.arange(MEMORY), np.arange(MEMORY)] += ridge[:, None]
            c = np.linalg.solve(matrix, products[:, :, 1:])
            back = c.transpose(0, 2, 1).astype(point.dtype) @ self._images[rows]
            following[rows] = image[rows] - back[:, 0]
        return following

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget the points that are not to be continued."""
        self._residuals, self._images = self._residuals[rows], self._images[rows]
        self._gram = self._gram[rows]
        if self._last is not None:
            residual, image, norm = self._last
            self._last = residual[rows], image[rows], norm[rows]
