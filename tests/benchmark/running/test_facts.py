"""What a model tells of itself is a number, or left out with a note, whatever it is."""

from __future__ import annotations

import decimal
import fractions
import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.running.facts import read_facts


class Refuses:
    """Raises whatever is asked of it."""

    def __index__(self):
        raise SystemExit(3)

    __float__ = __bool__ = __iter__ = __str__ = __repr__ = __index__


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("n_iter", 7, 7),
        ("n_iter", 7.0, 7),
        ("n_iter", np.int32(7), 7),
        ("n_iter", np.array([7]), 7),
        ("n_iter", True, 1),
        ("converged", True, True),
        ("converged", np.bool_(False), False),
        ("converged", 1, True),
        ("converged", np.array([[True]]), True),
        ("objective", 2, 2.0),
        ("objective", np.float32(0.5), 0.5),
        ("objective", np.array([[2.5]]), 2.5),
        ("objective", decimal.Decimal("0.5"), 0.5),
        ("objective", fractions.Fraction(1, 2), 0.5),
        ("history", [3, 2.5, np.float32(2)], [3.0, 2.5, 2.0]),
        ("history", np.ones(2), [1.0, 1.0]),
        ("history", (x for x in (1, 2)), [1.0, 2.0]),
        ("history", [], []),
    ],
)
def test_numbers_are_plain_values(name, value, read):
    facts, notes = read_facts(SimpleNamespace(**{f"{name}_": value}))
    assert facts == {name: read}
    assert type(facts[name]) is type(read)
    assert notes == []


ODD = [10**400, -1, 1.5, math.nan, math.inf, "12", b"12", np.arange(3), np.array("x"), 1j, {},
       object(), Refuses(), Refuses, len]  # fmt: skip


@pytest.mark.parametrize("name", ["n_iter", "converged", "objective", "history"])
@pytest.mark.parametrize("value", [*ODD, itertools.count()], ids=lambda value: type(value).__name__)
def test_what_is_no_number_is_left_out_with_a_note(name, value):
    facts, notes = read_facts(SimpleNamespace(**{f"{name}_": value}))
    if facts:  # -1 and 1.5 are objectives, {} is an empty history, and so on
        assert json.loads(json.dumps(facts)) == facts
        assert isinstance(facts[name], int | float | list)
        assert notes == []
    else:
        (note,) = notes
        assert note.startswith(f"{name}_ is left out, since it is not ")
        assert len(note) < 700


@pytest.mark.parametrize(
    "value", [10**400, math.nan, "12", np.arange(3), Refuses()], ids=lambda v: type(v).__name__
)
def test_the_reported_ones_are_left_out(value):
    for name in ("n_iter", "objective", "converged"):
        facts, notes = read_facts(SimpleNamespace(**{f"{name}_": value}))
        assert facts == {}
        assert len(notes) == 1


def test_an_attribute_that_raises_costs_only_itself():
    class Fitted:
        objective_ = 1.0

        @property
        def n_iter_(self):
            raise RuntimeError("not computed")

    assert read_facts(Fitted()) == (
        {"objective": 1.0},
        ["n_iter_ is left out, since it is not a whole number of iterations: not computed"],
    )
