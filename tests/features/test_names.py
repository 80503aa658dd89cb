"""The nearest known name to a misspelt one, and names that are no text."""

from __future__ import annotations

import os

import pytest

from features.names import did_you_mean, readable


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


@pytest.mark.parametrize("name", ["", "plain", "情感 😀", "a\nb", "back\\slash"])
def test_text_is_readable_as_it_is(name):
    assert readable(name) == name


def test_bytes_that_are_no_text_are_written_by_their_numbers():
    names = [b"caf\xe9", b"caf\xe8", b"\xff"]
    written = [readable(os.fsdecode(name)) for name in names]
    assert written == ["caf\\udce9", "caf\\udce8", "\\udcff"]
    assert [name.encode() for name in written]
    assert readable("\ud800") == "\\ud800"
