"""Errors that a user can act on: their exit codes."""

from __future__ import annotations

from benchmark.errors import BenchmarkError, UsageError


def test_exit_codes():
    assert BenchmarkError.exit_code == 1
    assert UsageError.exit_code == 2
    assert issubclass(UsageError, BenchmarkError)
