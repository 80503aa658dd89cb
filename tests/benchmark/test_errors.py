"""Errors that a user can act on: their exit codes, and parts of an output that fail alone."""

from __future__ import annotations

import pytest

from benchmark.errors import BenchmarkError, UsageError, apart, merged, raised_last


def test_exit_codes():
    assert BenchmarkError.exit_code == 1
    assert UsageError.exit_code == 2
    assert issubclass(UsageError, BenchmarkError)


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError


def test_a_part_that_fails_is_a_sentence_and_a_traceback_in_the_log(caplog):
    problems: list[str] = []
    with apart("the picture", problems):
        raise KeyError("x\ny" + "z" * 1000)
    with apart("the sound", problems):
        problems.append("made")
    with apart("the smell", problems):
        raise BenchmarkError("no nose")
    with apart("the taste", problems):
        raise UnprintableError
    picture, made, smell, taste = problems
    assert picture.startswith("the picture could not be made: KeyError: 'x")
    assert picture.endswith("...; log.txt has the traceback")
    assert len(picture) < 400
    assert (made, smell) == ("made", "no nose")
    assert "UnprintableError" in taste
    assert "Traceback" in caplog.text
    assert len(caplog.records) == 3  # one of each
    assert "z" * 1000 in caplog.text


def test_what_ends_a_program_is_no_problem_of_a_part():
    problems: list[str] = []
    with pytest.raises(KeyboardInterrupt), apart("the picture", problems):
        raise KeyboardInterrupt
    assert problems == []


def test_problems_are_collected_or_raised_in_the_end():
    kept: list[str] = []
    with raised_last(kept) as problems:
        problems.append("a")
    assert kept == ["a"]
    with pytest.raises(BenchmarkError, match="a; b"), raised_last(None) as problems:
        problems += ["a", "b"]
    with raised_last(None) as problems:
        pass


def test_parts_that_fail_for_one_reason_are_one_sentence():
    problems: list[str] = []
    for what, error in (("a", KeyError("x")), ("b", OSError("y")), ("c", KeyError("x"))):
        with apart(what, problems):
            raise error
    problems += ["our own", "our own"]
    assert [sentence.partition(";")[0] for sentence in merged(problems)] == [
        "our own", "a, c could not be made: KeyError: 'x'", "b could not be made: OSError: y",
    ]  # fmt: skip
