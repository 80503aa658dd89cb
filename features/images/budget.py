"""How many pixels are decoded at the same time, which is what bounds the memory it takes."""

from __future__ import annotations

import ctypes
import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Pixels that the threads of a process may decode at once; a larger image is decoded alone. One
#: takes 4 bytes decoded and twice that while it is laid over white or turned upright.
PIXELS_AT_ONCE = 2**26

#: The same for each of several processes that decode beside each other; of larger images, one at a
#: time is decoded by all of them.
PIXELS_PER_PROCESS = 2**24


class PixelBudget:
    """Lets threads decode images as long as these have no more pixels together than allowed.

    Parameters
    ----------
    most : int
        Pixels at once.
    """

    def __init__(self, most: int = PIXELS_AT_ONCE) -> None:
        self._most = self._free = most
        self._changed = threading.Condition()
        self._lock_file: int | None = None

    def share(self, lock_file: int, most: int = PIXELS_PER_PROCESS) -> None:
        """Be one of several processes, each with its budget, and one for larger images.

        Parameters
        ----------
        lock_file : int
            Descriptor of an open file, the same in all of them.
        most : int
            Pixels at once in this process.
        """
        self._most = self._free = most
        self._lock_file = lock_file

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait until an image of so many pixels may be decoded, and count it until the end."""
        share = min(pixels, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            with self._alone(pixels > self._most):
                yield
        finally:
            if pixels > self._most:
                _give_back_memory()
            with self._changed:
                self._free += share
                self._changed.notify_all()

    @contextmanager
    def _alone(self, is_large: bool) -> Iterator[None]:
        if not is_large or self._lock_file is None:
            yield
            return
        fcntl.lockf(self._lock_file, fcntl.LOCK_EX)  # ends with the process, too
        try:
            yield
        finally:
            fcntl.lockf(self._lock_file, fcntl.LOCK_UN)


def _give_back_memory() -> None:
    """Let the system have freed memory, which the C library keeps for the thread that freed it."""
    with suppress(AttributeError, OSError):  # not every C library has it
        ctypes.CDLL(None).malloc_trim(0)


#: Of this process.
BUDGET = PixelBudget()
