"""What a run shows its user: sentences, and progress lines on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from tqdm import tqdm

# In a file or a pipe every refresh is a line of its own, so there they are rare.
_TERMINAL_SECONDS, _FILE_SECONDS = 0.5, 30.0


def _keep_silent(_sentence: str) -> None:
    pass


@dataclass(frozen=True)
class Console:
    """Where a run tells its user what it does.

    Attributes
    ----------
    tell : callable
        Gets sentences for the user.
    show_progress : bool
        Whether progress lines are shown on stderr.
    """

    tell: Callable[[str], object] = _keep_silent
    show_progress: bool = False

    def bar(self, title: str, total: int | None = None) -> tqdm[NoReturn]:
        """Make a progress line that counts images; it appears after two seconds."""
        return tqdm(
            total=total, desc=title, unit="image", disable=not self.show_progress, leave=False,
            delay=2, mininterval=_seconds_between_refreshes(),
        )  # fmt: skip

    @contextmanager
    def tasks(self, total: int, running: Callable[[], list[str]]) -> Iterator[Callable[[], object]]:
        """Show how many tasks are done, and which models are at work.

        Parameters
        ----------
        total : int
            Number of tasks to do.
        running : callable
            Returns the names of what is being computed at the moment.

        Yields
        ------
        callable
            To call once after every finished task.
        """
        pause, show = _seconds_between_refreshes(), self.show_progress and total > 0
        finished = threading.Event()
        with tqdm(
            total=total, unit="task", disable=not show, mininterval=pause, leave=False
        ) as line:

            def keep_alive() -> None:
                # A long task must not make the line look dead: the clock and the names go on.
                while not finished.wait(pause):
                    line.set_postfix_str(", ".join(running()), refresh=False)
                    line.refresh()

            thread = threading.Thread(target=keep_alive, daemon=True)
            if show:
                thread.start()
            try:
                yield line.update
            finally:
                finished.set()
                if show:
                    thread.join()


#: Says nothing and shows nothing.
QUIET = Console()


def _seconds_between_refreshes() -> float:
    return _TERMINAL_SECONDS if sys.stderr.isatty() else _FILE_SECONDS
