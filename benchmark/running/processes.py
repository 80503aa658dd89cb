"""How worker processes start and end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from loky import ProcessPoolExecutor

from benchmark.running.leak_check import switch_off_leak_check
from benchmark.streams import make_steady

# The number of bytes by which a worker may grow; see `benchmark.running.leak_check`.
_NO_LEAK_CHECK = {"LOKY_MAX_MEMORY_LEAK_SIZE": "1e18"}


@contextmanager
def one_process(
    environment: Mapping[str, str] | None = None,
) -> Iterator[Callable[..., Future[Any]]]:
    """Have a single process that does one thing after the other; the first call starts it.

    Parameters
    ----------
    environment : mapping, optional
        Environment variables that are set there before anything is imported.

    Yields
    ------
    callable
        Takes a function and its arguments, and returns a `Future` of what it returns there.
    """
    executor = ProcessPoolExecutor(
        max_workers=1,
        initializer=start_worker,
        initargs=(os.getpid(),),
        env={**_NO_LEAK_CHECK, **(environment or {})},
    )

    def submit(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        with ctrl_c_waits():
            future: Future[Any] = executor.submit(function, *arguments)
        return future

    try:
        yield submit
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Put off Ctrl-C, here and in the processes that are started meanwhile.

    A terminal sends it to all processes of a run. A worker that has not come as far as
    `start_worker` would print a traceback.
    """
    pressed: list[int] = []
    # Python's resource tracker unblocks the signal when it starts, so it has to be there before.
    resource_tracker.ensure_running()
    # New processes inherit the mask. It is one of this thread alone, so where another thread gets
    # the signal, the handler has to wait too, which only the main thread can set.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    handler = signal.getsignal(signal.SIGINT)
    is_ours = threading.current_thread() is threading.main_thread() and handler is not None
    if is_ours:
        signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if pressed:
        signal.raise_signal(signal.SIGINT)


def start_worker(parent: int) -> None:
    """Make a worker leave Ctrl-C to its parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    make_steady()  # a model that prints must not fail for a full disk
    switch_off_leak_check()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
