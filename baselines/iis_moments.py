"""The matrix products of improved iterative scaling: moments of the features, and scores."""

from __future__ import annotations

import numpy as np

from features.arrays import FloatArray

#: Rows of X are taken in blocks of so many numbers where that leaves a block 64 rows or more:
#: small products spare the library its copy of X, which takes a third of their time.
BLOCK = 22_000


class Moments:
    """Computes ``M_r`` for some of the features.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    blocks : int
        In how many blocks of rows.

    Attributes
    ----------
    features : ndarray of shape (m, q)
        The features, and rows of zeros.
    """

    def __init__(self, X: FloatArray, blocks: int):
        self.blocks = blocks
        self._even = self.split(X.T).transpose(0, 2, 1).copy()
        self._odd = np.abs(self._even)
        self.features = self._even.reshape(-1, X.shape[1])
        self._used: tuple[FloatArray, ...] = (np.empty(0),)

    def split(self, rows: FloatArray) -> FloatArray:
        """Return values (a, n) as (blocks, a, size), with zeros at the end of the last."""
        a, n = rows.shape
        size = -(-n // self.blocks)
        padded = np.zeros((a, self.blocks * size))
        padded[:, :n] = rows
        return padded.reshape(a, self.blocks, size).transpose(1, 0, 2)

    def scores(self, weights: FloatArray) -> FloatArray:
        """Return the products of weights (c, q) with all `features`, (c, m)."""
        products = weights @ self._even.transpose(0, 2, 1)
        return products.transpose(1, 0, 2).reshape(len(weights), -1)

    def of(self, P: FloatArray, g: FloatArray, first: int, power: int) -> FloatArray:
        """Return the moments of the orders `first` (even) to `power` (odd).

        Parameters
        ----------
        P : ndarray of shape (blocks, c, size)
            Predictions, `split`.
        g : ndarray of shape (blocks, 1, size)
            Sums of absolute features, `split`.
        first, power : int
            The orders.

        Returns
        -------
        ndarray of shape (power + 1 - first, c, q)
        """
        blocks, c, size = P.shape
        half = (power + 1 - first) // 2
        even, odd, products = self._room(half, P.shape)
        square = g * g
        np.multiply(P, g**first, out=even[:, 0])
        np.multiply(even[:, 0], g, out=odd[:, 0])
        for r in range(1, half):
            np.multiply(even[:, r - 1], square, out=even[:, r])
            np.multiply(odd[:, r - 1], square, out=odd[:, r])
        found = np.empty((half, 2, c, self._even.shape[2]))
        for parity, (weighted, side) in enumerate(((even, self._even), (odd, self._odd))):
            np.matmul(weighted.reshape(blocks, half * c, size), side, out=products)
            found[:, parity] = products.sum(axis=0).reshape(half, c, -1)
        return found.reshape(2 * half, c, -1)

    def _room(self, half: int, shape: tuple[int, int, int]) -> tuple[FloatArray, ...]:
        """Return arrays to work in, the same as last time where they fit: new memory is slow."""
        blocks, c, size = shape
        if self._used[0].shape != (blocks, half, c, size):
            weighted = (np.empty((blocks, half, c, size)) for _ in range(2))
            self._used = (*weighted, np.empty((blocks, half * c, self._even.shape[2])))
        return self._used
