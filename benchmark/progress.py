"""What a run shows its user: sentences, and how far it has come, on stderr.

On a terminal that is a line that changes. In a pipe or a file it is a line now and then.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from tqdm import tqdm

logger = logging.getLogger("benchmark")

_TERMINAL_SECONDS, _FILE_SECONDS = 0.5, 30.0

# In a file the pause grows with the time that has passed, so that a night takes 200 lines.
_PAUSE_SHARE = 0.03

_BYTES_OF_MB = 1e6


class _Lines(tqdm):  # type: ignore[type-arg]
    """Progress as lines of text, for what is no terminal."""

    def __init__(self, **options: Any) -> None:
        quiet = {"file": io.StringIO(), "mininterval": _FILE_SECONDS, "delay": _FILE_SECONDS}
        super().__init__(**{**options, **quiet})

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if msg == "":  # the end, where a terminal's line would be wiped
            return
        facts = self.format_dict
        elapsed = facts["elapsed"]
        self.mininterval = max(_FILE_SECONDS, _PAUSE_SHARE * elapsed)
        title = f"{facts['prefix'].removesuffix(': ')}: " if facts["prefix"] else ""
        at_work = f"; at work: {facts['postfix']}" if facts["postfix"] else ""
        _say(f"{title}{_amount(facts)} after {tqdm.format_interval(elapsed)}{at_work}")


class _Cell(tqdm):  # type: ignore[type-arg]
    """Progress as a line in the output of a notebook's cell, which is gone in the end."""

    def __init__(self, **options: Any) -> None:
        self._place: Any = None
        super().__init__(**{**options, "file": io.StringIO(), "ncols": 80})

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        from IPython.display import display

        shown = {"text/plain": str(self) if msg is None else msg}
        if self._place is not None:
            self._place.update(shown, raw=True)
        elif msg != "":
            show: Any = display  # which has no types
            self._place = show(shown, raw=True, display_id=True)


def in_notebook() -> bool:
    """Tell whether a kernel of Jupyter runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _kind_of_line() -> type[tqdm[NoReturn]]:
    if in_notebook():
        if importlib.util.find_spec("ipywidgets") is None:  # which tqdm's own bar needs
            return _Cell
        from tqdm.notebook import tqdm_notebook

        return tqdm_notebook
    return tqdm if _is_terminal() else _Lines


def _amount(facts: Mapping[str, Any]) -> str:
    n, total, unit = facts["n"], facts["total"], facts["unit"]
    if unit == "B":
        of = f" of {total / _BYTES_OF_MB:,.0f}" if total else ""
        return f"{n / _BYTES_OF_MB:,.0f}{of} MB"
    of = f" of {total:,}" if total is not None else ""
    return f"{n:,}{of} {unit}s done"


def _say(sentence: str) -> None:
    # Nobody listens: closed, full, or absent. That must not end the work.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


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
        Whether progress is shown on stderr.
    """

    tell: Callable[[str], object] = _keep_silent
    show_progress: bool = False

    def bar(self, title: str, total: int | None = None, unit: str = "image") -> tqdm[NoReturn]:
        """Show how many things are done; what takes two seconds shows nothing.

        Parameters
        ----------
        title : str
            What is being done.
        total : int, optional
            How many there are, where it is known.
        unit : str
            What one is called; ``"B"`` for bytes.
        """
        return self._line(title, total, unit, delay=2)

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
        show = self.show_progress and total > 0
        finished = threading.Event()
        with self._line("", total, "task", delay=0) as line:
            if isinstance(line, _Lines):
                line.miniters = math.inf  # the thread below shows it, with what is at work then

            def keep_alive() -> None:
                # A long task must not make the line look dead: the clock and the names go on.
                while not finished.wait(line.mininterval):
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

    def _line(self, title: str, total: int | None, unit: str, delay: float) -> tqdm[NoReturn]:
        return _kind_of_line()(
            total=total, desc=title, unit=unit, unit_scale=unit == "B", leave=False,
            disable=not self.show_progress or total == 0, delay=delay,
            mininterval=_TERMINAL_SECONDS,
        )  # fmt: skip


def console_for(progress: bool | None, tell: Callable[[str], object] | None = None) -> Console:
    """Choose where a function of Python tells what it does.

    Parameters
    ----------
    progress : bool, optional
        Whether to tell and to show anything; by default in a notebook and on a terminal.
    tell : callable, optional
        Gets the sentences in any case; by default they are printed where progress is shown, and
        logged elsewhere.
    """
    shown = in_notebook() or _is_terminal() if progress is None else progress
    silent = _keep_silent if progress is False else logger.info
    default = (print if in_notebook() else _say) if shown else silent
    return Console(tell or default, shown)


#: Says nothing and shows nothing.
QUIET = Console()


def _is_terminal() -> bool:
    """Tell whether a line on stderr can be written over."""
    stream = sys.stderr
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
