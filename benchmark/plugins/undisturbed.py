"""Runs the code of a plugin without letting it change what this process shares with it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

import numpy as np

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def same_folder() -> Iterator[None]:
    """Come back to the working folder, even if it has been deleted meanwhile."""
    folder = os.open(".", os.O_RDONLY)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # code may have closed it
            os.fchdir(folder)
            os.close(folder)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put back standard streams, working folder, hooks and signals; show prints on stderr."""
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    error_stream = sys.stderr
    with (
        contextlib.redirect_stdout(error_stream),
        contextlib.redirect_stderr(error_stream),
        same_folder(),
        warnings.catch_warnings(),
        np.errstate(),
    ):
        try:
            yield
        finally:
            sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
            if threading.current_thread() is threading.main_thread():
                for number, handler in handlers.items():
                    if handler is not None:
                        signal.signal(number, handler)
