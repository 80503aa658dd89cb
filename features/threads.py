"""Work in threads: items drawn ahead of who takes them, and a function applied to many."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

#: Environment variables by which the linear algebra of a process that is started has one thread.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Draw from an iterable in a thread, up to `depth` items before they are asked for.

    What the iterable raises is raised here, after the items before it. When this generator ends or
    is closed, the thread has ended, and the iterable, if it is a generator, is closed.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    left = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not left.is_set():
            try:
                waiting.put((kind, value), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def draw() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as error:  # it is raised again in the thread that takes the items
            put("error", error)
        finally:
            if isinstance(items, Generator):
                items.close()

    thread = threading.Thread(target=draw, daemon=True, name="ahead")
    thread.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        left.set()
        thread.join()


def in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int | None = None,
    per_worker: int = 4,
) -> Iterator[Result]:
    """Apply a function in threads and yield the results in order, as they are asked for.

    Few calls are under way or waiting to be taken, so memory stays bounded however many items
    there are.

    Parameters
    ----------
    function : callable
        Takes an item; may be called in several threads at once.
    items : iterable
        Drawn as threads become free.
    workers : int, optional
        Number of threads; by default the number of cores.
    per_worker : int
        Calls per thread that are at most under way or waiting.

    Yields
    ------
    result
        What `function` returned; what it raised is raised here.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= per_worker * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
