"""Errors a user can act on: one sentence on the terminal, no traceback, an exit code."""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

#: What a system says when there is no room left on a disk, or no more of it allowed.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# A message of a library may be a page long; the log has all of it.
_LONGEST_MESSAGE = 300

# Stands between a part and the reason.
_FAILED = " could not be made: "

logger = logging.getLogger("benchmark")


class BenchmarkError(Exception):
    """Something failed while running; the program exits with 1.

    A notebook shows the sentence alone.

    Examples
    --------
    >>> import benchmark
    >>> try:
    ...     benchmark.report("no/such/run")
    ... except benchmark.BenchmarkError as error:
    ...     print(error)
    no/such/run holds no run (it has no run.json)
    """

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(BenchmarkError):
    """What the user asked for or passed in cannot be used; the program exits with 2.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.run("AA-kN")
    Traceback (most recent call last):
    benchmark.errors.UsageError: no model named 'AA-kN'; did you mean 'AA-kNN'? (known: ...)
    """

    exit_code = 2


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn whatever the making of something raises into one sentence, and log the traceback.

    Parameters
    ----------
    what : str
        What is made, for people: ``"the report"``.

    Raises
    ------
    BenchmarkError
        It cannot be made; one of our errors, which tell all there is to know, as it came.
    """
    try:
        yield
    except BenchmarkError:
        raise
    except Exception as error:  # libraries and the numbers of plugins fail in many ways
        raise BenchmarkError(_failed(what, error)) from error


def cannot_write(place: object, error: OSError) -> BenchmarkError:
    """Return what says that a place cannot be written, of the usage unless its disk is full."""
    said = f"cannot write to {place}: {error.strerror or error}"
    if error.errno in FULL:
        return BenchmarkError(f"{said}; make room, then give the same command again")
    return UsageError(said)


@contextmanager
def apart(what: str, problems: list[str]) -> Iterator[None]:
    """Let one part of an output fail without the others, and add the sentence to `problems`."""
    try:
        yield
    except BenchmarkError as error:
        logger.error("%s: %s", what, error)
        problems.append(str(error))
    except Exception as error:
        problems.append(_failed(what, error))


def _failed(what: str, error: Exception) -> str:
    """Log the traceback of an error that is being handled, and return the sentence about it."""
    logger.exception("%s could not be made", what)
    return f"{what}{_FAILED}{in_short(error)}; log.txt has the traceback"


@contextmanager
def raised_last(problems: list[str] | None) -> Iterator[list[str]]:
    """Collect the problems of parts: in the caller's list, or as an error when all is done.

    Raises
    ------
    BenchmarkError
        There is no list, and a part failed.
    """
    found: list[str] = [] if problems is None else problems
    yield found
    if problems is None and found:
        raise BenchmarkError("; ".join(merged(found)))


def merged(problems: Iterable[str]) -> list[str]:
    """Make one sentence of those on parts that failed for the same reason."""
    parts: dict[str, list[str]] = {}
    for problem in problems:
        what, failed, why = problem.partition(_FAILED)
        parts.setdefault(f"{failed}{why}", []).append(what)
    whole = parts.pop("", [])  # our own errors, which name no part
    sentences = [f"{', '.join(dict.fromkeys(whats))}{rest}" for rest, whats in parts.items()]
    return [*dict.fromkeys(whole), *sentences]


def in_short(error: BaseException) -> str:
    """Write an error in one line: ``ValueError: what it says``."""
    # Not str(error), which an error of a plugin may raise from.
    lines = " ".join("".join(traceback.format_exception_only(error)).split())
    return lines if len(lines) <= _LONGEST_MESSAGE else f"{lines[:_LONGEST_MESSAGE]} ..."
