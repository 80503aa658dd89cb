"""Standard streams that cannot end a command: closed, full, broken off, or not ready to take more.

A command's results are files. Whether its words reach anybody must not decide whether it gets to
write them: a daemon is started without descriptors, a log fills its disk, `head` reads ten lines.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import select
import shutil
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


# What stands for the signs of our tables where the terminal lacks them; any other character becomes
# an escape such as \u03b1, so that two names do not become one.
_PLAIN = {"↓": "v", "↑": "^", "†": "+", "±": "+-", "…": "..."}
_ERRORS = "benchmark.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking)
    return "".join(escaped), error.end


codecs.register_error(_ERRORS, _plain)


class _Steady(io.FileIO):
    """A descriptor to write to; what it does not take is dropped, and the first reason is kept."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.lost: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        left = memoryview(data).cast("B")
        size = left.nbytes
        try:
            while left:
                written = cast("int | None", super().write(left))
                if written is None:  # it would not wait by itself
                    select.select([], [self], [])
                left = left[written or 0 :]
        except OSError as error:
            self.lost = self.lost or error
        return size


def open_closed() -> None:
    """Open the standard streams that are closed; what is written to them goes nowhere.

    Otherwise a file that is opened gets such a number, here or in a process started from here, and
    whoever prints fails or writes into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    if sys.stdout is None:
        sys.stdout = _writer(1)
    if sys.stderr is None:
        sys.stderr = _writer(2)


def make_steady() -> None:
    """Let the standard streams of this process take whatever is written to them.

    Streams that somebody put in place of the standard ones stay. A character that the terminal
    lacks is written in others.
    """
    open_closed()
    sys.stdout = _steady(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _steady(sys.stderr, sys.__stderr__, 2)


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send to standard error what is meant for standard output, also by libraries in C."""
    if not isinstance(_raw(sys.stdout), _Steady):  # somebody else's stream
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
        sys.stdout.flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def lost_output() -> OSError | None:
    """Return why standard output did not take everything, None if it did."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # somebody else's stream
        return None
    raw = _raw(sys.stdout)
    return raw.lost if isinstance(raw, _Steady) else None


def is_broken_pipe(error: OSError) -> bool:
    """Tell whether a reader left, as ``head`` does, who has what he wanted."""
    return error.errno == errno.EPIPE


def terminal_width() -> int | None:
    """Return how many characters a line of standard output has room for, None where it is a file.

    The variable ``COLUMNS`` comes first, if it is set to a number.
    """
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return shutil.get_terminal_size((0, 0)).columns or None
    return None


def _steady(stream: TextIO, original: TextIO | None, number: int) -> TextIO:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_ERRORS)
        if stream is original and type(_raw(stream)) is io.FileIO:
            with contextlib.suppress(OSError):  # what was written before is lost
                stream.flush()
            return _writer(
                number,
                encoding=stream.encoding,
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
    return stream


def _writer(number: int, encoding: str = "utf-8", **buffering: Any) -> TextIO:
    return io.TextIOWrapper(_Steady(number), encoding=encoding, errors=_ERRORS, **buffering)


def _raw(stream: IO[Any]) -> object:
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)  # Python may be told not to buffer
