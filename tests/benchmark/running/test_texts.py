"""What models say is kept in part, and in bounded memory, whatever they say."""

from __future__ import annotations

import pytest

from benchmark.running.texts import (
    LONGEST_MESSAGE,
    LONGEST_TRACE,
    MOST_WARNINGS,
    Warned,
    describe_error,
    said,
    shortened,
)


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no words")


def test_long_texts_keep_their_start_and_their_end():
    assert shortened("short") == "short"
    text = f"start {'x' * 10_000} end"
    assert shortened(text).startswith("start xxx")
    assert shortened(text).endswith("xxx end")
    assert "[... 9,510 characters ...]" in shortened(text)
    assert len(shortened(text)) < LONGEST_MESSAGE + 50
    assert said(Unspeakable()) == "<Unspeakable that cannot be shown>"


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return describe_error(caught)


class OfAPluginError(ValueError):
    pass


def noted(error):
    error.add_note("a note")
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError(), "ValueError"),
        (noted(ValueError("the reason")), "ValueError: the reason"),
        (ValueError(Unspeakable()), "ValueError: <exception str() failed>"),
        (ExceptionGroup("many", [ValueError("a")]), "ExceptionGroup: many (1 sub-exception)"),
        (SyntaxError("bad", ("f.py", 1, 1, "x = = 1", 1, 2)), "SyntaxError: bad"),
        (SystemExit(5), "SystemExit: 5"),
    ],
)
def test_an_error_is_one_line_and_a_traceback(error, line):
    first, trace = raised(error)
    assert first == line
    assert "Traceback" in trace
    assert ("a note" in trace) == hasattr(error, "__notes__")


def test_an_error_of_any_length_is_short():
    first, trace = raised(ValueError("e" * 10**6))
    assert len(first) < LONGEST_MESSAGE + 50
    assert len(trace) < LONGEST_TRACE + 50


def test_the_first_different_warnings_are_kept_and_the_others_counted():
    warned = Warned()
    for number in range(3):
        warned.add("again", UserWarning)
        warned.add(f"number {number}", FutureWarning)
    numbers = [f"FutureWarning: number {number}" for number in range(3)]
    assert warned.texts() == ["UserWarning: again", *numbers]
    for number in range(20_000):
        warned.add(f"number {number} {'x' * 10_000}", FutureWarning)
    warned.add(Unspeakable(), UserWarning)
    assert len(warned.texts()) == MOST_WARNINGS + 1
    assert warned.texts()[-1] == "19,985 more warnings, which are left out"
    assert sum(map(len, warned.texts())) < (MOST_WARNINGS + 1) * (LONGEST_MESSAGE + 60)
