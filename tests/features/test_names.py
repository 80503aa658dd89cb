"""Which names are the same, which known one is meant, and names that are no text."""

# ruff: noqa: RUF001 - signs that look like others are what this is about

from __future__ import annotations

import os

import pytest

from features.names import did_you_mean, name_key, readable


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


@pytest.mark.parametrize(
    "names",
    [
        ("AA-kNN", "aa-knn", "AA-KNN", "ＡＡ-kNN"),
        ("Bézier", "Be\u0301zier", "BÉZIER"),
        ("straße", "STRASSE"),
        ("µ", "μ", "Μ"),
        ("A", "A\u200b", "\u202eA", "A\ufe0f", "\u3164A", "A\u00ad", "\ufeffA"),
        ("ﬁt", "fit"),
        ("가", "\u1100\u1161"),
    ],
)
def test_names_that_nobody_can_tell_apart_are_the_same(names):
    assert len({name_key(name) for name in names}) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("α-kNN", "β-kNN"),
        ("Bézier", "Bezier"),
        ("中文", "文中"),
        ("A", "А"),
        ("a", "b"),
        ("C+", "C"),
    ],
)
def test_others_are_not(names):
    assert len({name_key(name) for name in names}) == len(names)
