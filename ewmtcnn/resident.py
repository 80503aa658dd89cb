"""Training images that stay on the device, where every epoch shuffles and changes them.

That is done where it helps and the images fit. On a GPU or TPU nothing then waits for Python, or
for a batch to be copied. On a CPU, TensorFlow trains a new layer on activations in half the time,
and to the same bits; but convolutions within a compiled loop are several times slower there, on
TensorFlow and JAX, so networks with a backbone go step by step.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from features.arrays import FloatArray
from features.networks import backend

#: Share of a device's free memory that images may take: twice that while they are copied there.
SHARE = 0.25

#: Bytes that images may take where the backend cannot tell what is free; on a CPU, activations.
UNKNOWN_BYTES, CPU_BYTES = 2**31, 2**26

# Bytes that are read and copied to the device at once.
_CHUNK_BYTES = 2**28

# Series of steps are made longer while one takes less than half of this, and shorter above twice.
_SERIES_SECONDS = 1.0


def fits(X: Any) -> bool:
    """Tell whether images (uint8) or activations are to stay on the device; reads none."""
    images = X.dtype == np.uint8
    size = int(np.prod(X.shape)) * (1 if images else 4)
    if not backend.has_accelerator():
        return backend.backend_name() == "tensorflow" and not images and size <= CPU_BYTES
    free = backend.free_memory()
    return size <= (UNKNOWN_BYTES if free is None else SHARE * free)


def read_batch(data: Any, part: Any) -> tuple[Any, Any, Any]:
    """Make a batch of what is on the device: see `features.networks.looped.Read`.

    Parameters
    ----------
    data : tuple of tensors
        Images (n, h, w, 3) or activations (n, q), and targets (n, c).
    part : list of tensors
        Row numbers (b,), weights (b,), and with augmentation what happens to each image (b, 3).
    """
    X, targets = data
    rows, weights, *changes = part
    x = ops.take(X, rows, axis=0)
    return change(x, changes[0]) if changes else x, ops.take(targets, rows, axis=0), weights


def change(images: Any, changes: Any) -> Any:
    """Change images as `ewmtcnn.augmentation.Augmentation.apply` does, to the bit, on the device.

    Parameters
    ----------
    images : tensor of shape (m, h, h, 3)
        The images.
    changes : tensor of shape (m, 3), int32
        Whether each is mirrored (1 or 0), and the row and the column at which it then begins.
    """
    m, side = images.shape[:2]
    places = ops.arange(side, dtype="int32")[None]
    mirrored, down, right = (changes[:, k : k + 1] for k in range(3))
    rows, columns = (_inside(places + shift, side) for shift in (down, right))
    columns = ops.where(mirrored > 0, side - 1 - columns, columns)
    start = side * side * ops.arange(m, dtype="int32")[:, None, None]
    where = start + side * rows[:, :, None] + columns[:, None, :]
    flat = ops.take(ops.reshape(images, (-1, images.shape[-1])), ops.reshape(where, (-1,)), axis=0)
    return ops.reshape(flat, images.shape)


def _inside(places: Any, side: int) -> Any:
    """Mirror places beyond the border back inside; the border itself is there once."""
    return side - 1 - ops.abs(side - 1 - ops.abs(places))


@dataclass
class Resident:
    """Training rows on the device.

    Attributes
    ----------
    data : tuple of tensors
        Images or activations, and targets. The rows are filled up to a multiple of the batch, so
        that folds which differ by one row compile once.
    length : int
        Steps that are done before the losses are looked at again.
    """

    data: tuple[Any, Any]
    length: int = 1

    @classmethod
    def place(cls, X: Any, targets: FloatArray, batch_size: int) -> Resident:
        """Copy all rows to the device, some at a time."""
        n, row = len(X), max(1, int(np.prod(X.shape[1:])) * X.dtype.itemsize)
        some, spare = max(1, _CHUNK_BYTES // row), -n % batch_size
        chunks = [_tensor(X[np.arange(start, min(start + some, n))])
                  for start in range(0, n, some)]  # fmt: skip
        if spare:
            chunks.append(_tensor(np.zeros((spare, *X.shape[1:]), X.dtype)))
        filled = np.concatenate([targets, np.zeros((spare, targets.shape[1]))])
        return cls((ops.concatenate(chunks), ops.convert_to_tensor(filled.astype(np.float32))))

    def losses(
        self, trainer: Any, plan: list[NDArray[Any]]
    ) -> Generator[tuple[float, int], None, None]:
        """Do an epoch; yield the loss of each step, and its number of images.

        Parameters
        ----------
        trainer : ewmtcnn.trainer.Trainer
            The network.
        plan : list of arrays
            Row numbers, weights and changes, with a row for every step.
        """
        counts = plan[1].sum(axis=1).astype(int)
        done = 0
        with trainer.loop(self.data, plan) as advance:
            while done < len(counts):
                start, stop = time.monotonic(), min(done + self.length, len(counts))
                found = advance(done, stop)
                yield from zip(map(float, found), map(int, counts[done:stop]), strict=True)
                took, done = time.monotonic() - start, stop
                if took < _SERIES_SECONDS / 2:
                    self.length *= 2
                elif took > 2 * _SERIES_SECONDS:
                    self.length = max(1, self.length // 2)


def _tensor(rows: Any) -> Any:
    array = np.asarray(rows)
    return ops.convert_to_tensor(array if array.dtype == np.uint8 else array.astype(np.float32))
