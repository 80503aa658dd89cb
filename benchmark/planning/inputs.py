"""What a model gets as X, small enough to be sent to a worker, which takes the rows of its fold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from features.arrays import IntArray
from features.storage.sharded_array import RowArray, Rows, ShardedArray


class Input(Protocol):
    """Something to learn from, of which a task takes its rows."""

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return X of the training rows and X of the test rows."""


@dataclass(frozen=True)
class Matrix:
    """A dataset's own features X (n, q)."""

    X: RowArray

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return the rows."""
        return self.X[train], self.X[test]


@dataclass(frozen=True)
class Reduced:
    """A backbone's activations (n, q), reduced by PCA anew for every fold."""

    activations: ShardedArray
    components: int
    scope: str
    cache: Path

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return the principal components of the rows; the first task of a fold computes them."""
        from features.pca import reduce  # who only reads a run does without

        return reduce(self.activations, train, test, self.components, self.scope, self.cache)


@dataclass(frozen=True)
class Activations:
    """A backbone's activations (n, q) as they are."""

    activations: ShardedArray

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return the rows."""
        return self.activations[train], self.activations[test]


@dataclass(frozen=True)
class Pixels:
    """Images (n, size, size, 3) on disk, read batch by batch."""

    images: ShardedArray

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return views of the rows that read what is asked of them."""
        return Rows(self.images, train), Rows(self.images, test)
