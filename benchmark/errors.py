"""Errors a user can act on: one sentence on the terminal, no traceback, an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchmarkError(Exception):
    """Something failed while running; the program exits with 1."""

    exit_code = 1


class UsageError(BenchmarkError):
    """What the user asked for or passed in cannot be used; the program exits with 2."""

    exit_code = 2


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name, case aside: ``; did you mean 'X'?`` or an empty string."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""
