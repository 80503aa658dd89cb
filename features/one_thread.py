"""One thread for the linear algebra of this process, without a look at its libraries each time."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_found: tuple[Any, ThreadpoolController] | None = None


def one_thread() -> AbstractContextManager[Any]:
    """Limit BLAS and OpenMP to one thread; the former numbers come back afterwards.

    As `threadpoolctl.threadpool_limits` of 1, which looks through all libraries of the process
    every time, for as long as fitting a small model takes. Here that happens only if one was loaded
    or unloaded since, which the system counts; where it does not count, every time.
    """
    global _found
    with _lock:
        count = _libraries_loaded()
        if _found is None or count is None or _found[0] != count:
            _found = count, ThreadpoolController()
        return _found[1].limit(limits=1)


class _Object(ctypes.Structure):
    """``struct dl_phdr_info`` of the C library, see ``man dl_iterate_phdr``."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("headers", ctypes.c_void_p),
        ("n_headers", ctypes.c_uint16),
        ("added", ctypes.c_ulonglong),
        ("removed", ctypes.c_ulonglong),
    )


_Visit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Object), ctypes.c_size_t, ctypes.py_object)


def _read_counts(loaded: Any, size: int, found: Any) -> int:
    if size >= ctypes.sizeof(_Object):
        found += [loaded.contents.added, loaded.contents.removed]
    return 1  # which ends it: the counts are the same for all objects


_read = _Visit(_read_counts)


def _find_iterate() -> Callable[..., int] | None:
    try:
        # The GIL is kept: another thread might hold it and wait for the loader's lock, which the
        # call holds while it wants the GIL.
        iterate = ctypes.PyDLL(None).dl_iterate_phdr
    except (OSError, AttributeError, TypeError):  # no such system
        return None
    iterate.argtypes, iterate.restype = (_Visit, ctypes.py_object), ctypes.c_int
    return iterate


_iterate = _find_iterate()


def _libraries_loaded() -> tuple[int, ...] | None:
    """Return how often a library was loaded and unloaded so far, None where nobody counts."""
    if _iterate is None:
        return None
    found: list[int] = []
    _iterate(_read, found)
    return tuple(found) or None
