"""Numbers as people read them: no value looks like another that means something else."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmark.analysis.statistics import ALPHA
from benchmark.errors import UsageError
from benchmark.metrics import MEASURES
from benchmark.wording import (
    GAP,
    LEVEL,
    count,
    cut,
    duration,
    effect,
    find_measure,
    listed,
    p_equals,
    p_value,
    percent,
    rank_text,
    signed,
    value,
)

BY_NAME = {measure.name: measure for measure in MEASURES}
ACCURACY, KL = BY_NAME["accuracy"], BY_NAME["kl_divergence"]


def test_counts():
    assert [count(n, "task") for n in (0, 1, 3)] == ["0 tasks", "1 task", "3 tasks"]
    assert count(1980, "image") == "1,980 images"
    assert [count(n, "fold has", "folds have") for n in (1, 2)] == ["1 fold has", "2 folds have"]


def test_lists():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(iter(("a", "b", 3)), last="or") == "a, b or 3"


def test_long_lists_are_cut():
    assert cut("abc", 3) == "a, b, c"
    assert cut({"a": 1, "b": 2, "c": 3}, 2) == "a, b, ..."
    assert cut([], 2) == ""


def test_ranks_behind_values():
    assert [rank_text(rank) for rank in (1.0, 12, math.nan)] == ["1", "12", ""]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (0.0000123, "0.000012 s"),
        (0.000917, "0.00092 s"),
        (9.64, "9.6 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (99.4, "99 s"),
        (99.6, "1.7 min"),
        (150, "2.5 min"),
        (750, "12 min"),
        (5400, "90 min"),
        (5969, "99 min"),
        (5971, "1 h 40 min"),
        (3 * 3600, "3 h"),
        (12000, "3 h 20 min"),
        (48 * 3600 - 20, "2 d"),
        (187000, "2 d 4 h"),
    ],
)
def test_durations(seconds, written):
    assert duration(seconds) == written


UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@given(st.floats(min_value=1e-6, max_value=1e8))
def test_a_duration_is_within_five_percent_of_the_time(seconds):
    text = duration(seconds)
    assert re.fullmatch(r"[\d.]+ (s|min)|\d+ h( \d+ min)?|\d+ d( \d+ h)?", text)
    parts = re.findall(r"([\d.]+) (\w+)", text)
    assert sum(float(n) * UNITS[unit] for n, unit in parts) == pytest.approx(seconds, rel=0.05)


@pytest.mark.parametrize(
    ("p", "written"),
    [
        (1.0, "1.000"),
        (0.3754, "0.375"),
        (0.1, "0.100"),
        (0.09996, "0.1000"),
        (0.05, "0.0500"),
        (0.050001, "0.0500"),
        (0.0496, "0.0496"),
        (0.04998, "0.04998"),
        (0.04999996, "0.04999996"),
        (0.001, "0.0010"),
        (0.000999, "< 0.001"),
        (0.0, "< 0.001"),
        (math.nan, GAP),
    ],
)
def test_p_values(p, written):
    assert p_value(p) == written


@given(st.floats(min_value=0, max_value=1))
@example(math.nextafter(0.05, 0))
@example(0.05)
def test_a_p_value_is_written_below_the_level_only_where_it_is(p):
    text = p_value(p)
    assert (text.startswith("<") or float(text) < ALPHA) == (p < ALPHA)
    assert text == "< 0.001" or float(text) == pytest.approx(p, abs=5.1e-4 if p >= 0.1 else 5.1e-5)


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=2, max_size=2).map(sorted))
def test_a_smaller_p_value_is_never_written_larger(pair):
    low, high = (0.0 if text.startswith("<") else float(text) for text in map(p_value, pair))
    assert low <= high


def test_the_level_is_that_of_the_tests():
    assert LEVEL == ALPHA


def test_p_values_in_sentences():
    assert p_equals(0.0496) == "p = 0.0496"
    assert p_equals(0.0001) == "p < 0.001"


def test_values_of_measures():
    assert value(0.34567, ACCURACY) == "34.57"
    assert value(0.345678, KL) == "0.3457"
    assert value(math.nan, KL) == signed(math.nan, ACCURACY) == GAP
    assert signed(0.01, ACCURACY) == "+1.00"
    assert signed(-0.01, KL) == "-0.0100"


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_a_measure_has_a_percent_sign_where_its_values_are_percent(measure):
    assert value(0.5, measure) == ("50.00" if measure.title.endswith("%") else "0.5000")


def test_shares():
    assert percent(0.374) == "37 %"
    assert percent(math.nan) == GAP


@given(st.floats(-1e-3, 1e-3))
def test_what_is_shown_as_zero_has_no_sign(number):
    for text in (value(number, KL), percent(number)):
        assert text.startswith("-") == (float(text.split()[0]) < 0)
    for text in (signed(number, KL), effect(number)):
        assert (text[0] in "+-") == (float(text) != 0)


def test_effect_sizes():
    assert effect(0.518) == "+0.52"
    assert effect(-1) == "-1.00"
    assert effect(math.nan) == GAP
    assert p_equals(math.nan) == "no test"


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_a_measure_is_found_however_it_is_written(measure):
    arrow = "↑" if measure.higher_is_better else "↓"
    dashed = measure.name.replace("_", "-")
    for name in (measure.name, measure.title, f"{measure.title} {arrow}", dashed):
        for text in (name, name.upper(), name.lower(), f" {name} "):
            assert find_measure(text) is measure


def test_a_measure_is_found_by_its_first_word_and_else_suggested():
    assert find_measure("KL").name == "kl_divergence"
    for text, meant in {"KLdivv": "KLdiv", "acuracy": "accuracy", "Cosin": "cosine"}.items():
        with pytest.raises(UsageError, match=f"there is no measure '{text}'; did you .* '{meant}'"):
            find_measure(text)
    for text in ("", "%", "x"):
        with pytest.raises(UsageError, match="there is no measure"):
            find_measure(text)
