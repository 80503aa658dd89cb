"""Has the disk write what many small files were given, once for all of them."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import suppress
from pathlib import Path

# So many seconds pass between the times: what a power cut may cost.
_PAUSE_SECONDS = 1.0


class DiskWriter:
    """A thread that has the disk of a folder written, when there is something new.

    Each file by itself would take milliseconds of waiting, and a good part of them of computing.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._news, self._end = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self) -> None:
        """Say that there is something new."""
        self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="disk", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Have the disk write what is left, and wait for it."""
        if self._thread is not None:
            self._end.set()
            self._thread.join()

    def _work(self) -> None:
        while not self._end.wait(_PAUSE_SECONDS):
            self._write_news()
        self._write_news()

    def _write_news(self) -> None:
        if self._news.is_set():
            self._news.clear()
            write_disk(self._folder)


def write_disk(folder: Path) -> None:
    """Wait until the file system of a folder has all that it was given on its disk.

    Where that fails nothing is told: what is damaged by it is found when it is read.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "syncfs"):  # Linux has it
        os.sync()
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            library.syncfs(handle)
        finally:
            os.close(handle)
