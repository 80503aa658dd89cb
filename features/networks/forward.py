"""Runs images through a network, batch by batch, in smaller batches once memory ran out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.networks import backend
from features.networks.compiled import to_numpy

Batch = NDArray[np.uint8]


class Forward:
    """Runs batches through a compiled network; the next is sent before one is waited for.

    Where a batch does not fit the memory of the device, it is halved until it does, and the rest
    goes in batches of that size. A GPU may choose other operations for another size, so that the
    last digits may differ.

    Parameters
    ----------
    network : callable
        What `features.networks.compiled.compile_forward` returns.
    size : int
        Images in a batch. Every batch is filled up to it: one of another shape would compile the
        network again.

    Attributes
    ----------
    asked, size : int
        Images in a batch as asked for, and as they fit.
    """

    def __init__(self, network: Callable[[Batch], Any], size: int) -> None:
        self.asked = self.size = size
        self._network = network

    def run(
        self, batches: Iterable[Batch], tell: Callable[[str], object] | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the outputs of batches, none of which is longer than was asked for.

        Parameters
        ----------
        batches : iterable of ndarray (n, size, size, 3), uint8
            Drawn one ahead.
        tell : callable, optional
            Takes a sentence for the user where batches have to be smaller.

        Raises
        ------
        MemoryError
            Not even one image fits.
        """
        sent: deque[tuple[Batch, int, list[Any] | None]] = deque()
        for batch in batches:
            sent.append((batch, self.size, self._send(batch)))
            if len(sent) > 1:
                yield self._take(*sent.popleft(), tell)
        while sent:
            yield self._take(*sent.popleft(), tell)

    def _send(self, batch: Batch) -> list[Any] | None:
        """Send a batch in parts of `size`; None if memory ran out already."""
        try:
            return [self._network(part) for part in _parts(batch, self.size)]
        except Exception as error:  # every backend has its own
            if not backend.is_out_of_memory(error):
                raise
            return None

    def _take(
        self,
        batch: Batch,
        size: int,
        outputs: list[Any] | None,
        tell: Callable[[str], object] | None,
    ) -> NDArray[np.float32]:
        """Wait for what a batch gives; while memory runs out, send it again in smaller parts."""
        before = self.size
        while True:
            try:
                if outputs is not None:
                    whole = np.concatenate([to_numpy(output) for output in outputs])[: len(batch)]
                    break
            except Exception as error:  # what runs beside Python fails when it is waited for
                if not backend.is_out_of_memory(error):
                    raise
            outputs = None
            backend.release_memory()
            if self.size >= size:  # another batch may have found a size since
                if self.size == 1:
                    raise MemoryError("not even one image at a time fits the memory")
                self.size = -(-self.size // 2)
            size = self.size
            outputs = self._send(batch)
        if tell and self.size < before:
            tell(
                f"A batch of {before} images does not fit the memory; one of {self.size} does, and "
                f"the rest goes in such batches (on a GPU the last digits may differ)."
            )
        return whole


def _parts(batch: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(batch), size):
        part = batch[start : start + size]
        if len(part) < size:
            empty = np.zeros((size - len(part), *batch.shape[1:]), np.uint8)
            part = np.concatenate([part, empty])
        yield part
