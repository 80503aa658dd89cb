"""Errors a user can act on: one sentence on the terminal, no traceback, an exit code."""

from __future__ import annotations


class BenchmarkError(Exception):
    """Something failed while running; the program exits with 1."""

    exit_code = 1


class UsageError(BenchmarkError):
    """What the user asked for or passed in cannot be used; the program exits with 2."""

    exit_code = 2
