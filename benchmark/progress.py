"""Progress lines: images that are read, and tasks: done, left, rate, which models are at work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from tqdm import tqdm

# In a file or a pipe every refresh is a line of its own, so there they are rare.
_TERMINAL_SECONDS, _FILE_SECONDS = 0.5, 30.0


def image_bar(title: str, total: int | None, show: bool) -> tqdm[NoReturn]:
    """Make a progress line on stderr that counts images; it appears after two seconds."""
    pause = _TERMINAL_SECONDS if sys.stderr.isatty() else _FILE_SECONDS
    return tqdm(
        total=total, desc=title, unit="image", disable=not show, leave=False, delay=2,
        mininterval=pause,
    )  # fmt: skip


@contextmanager
def progress(
    total: int, running: Callable[[], list[str]], show: bool = True
) -> Iterator[Callable[[], object]]:
    """Show the progress of a run on stderr.

    Parameters
    ----------
    total : int
        Number of tasks to do.
    running : callable
        Returns the names of what is being computed at the moment.
    show : bool
        False shows nothing.

    Yields
    ------
    callable
        To call once after every finished task.
    """
    pause = _TERMINAL_SECONDS if sys.stderr.isatty() else _FILE_SECONDS
    finished, show = threading.Event(), show and total > 0
    with tqdm(total=total, unit="task", disable=not show, mininterval=pause, leave=False) as bar:

        def keep_alive() -> None:
            # A long task must not make the line look dead: the clock and the names go on.
            while not finished.wait(pause):
                bar.set_postfix_str(", ".join(running()), refresh=False)
                bar.refresh()

        thread = threading.Thread(target=keep_alive, daemon=True)
        if show:
            thread.start()
        try:
            yield bar.update
        finally:
            finished.set()
            if show:
                thread.join()
