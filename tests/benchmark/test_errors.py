"""Errors that a user can act on: exit codes, and the nearest known name."""

from __future__ import annotations

import pytest

from benchmark.errors import BenchmarkError, UsageError, did_you_mean


def test_exit_codes():
    assert BenchmarkError.exit_code == 1
    assert UsageError.exit_code == 2
    assert issubclass(UsageError, BenchmarkError)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("aa-knm", "; did you mean 'AA-kNN'?"),
        ("SAIIS", "; did you mean 'SA-IIS'?"),
        ("quite another", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_suggested_whatever_the_case(name, suggestion):
    assert did_you_mean(name, ["AA-kNN", "SA-IIS", "DLDL"]) == suggestion
    assert did_you_mean(name, []) == ""
