"""The nearest known name to a misspelt one."""

from __future__ import annotations

import pytest

from features.names import did_you_mean


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
