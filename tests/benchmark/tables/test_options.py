"""How tables are written: words that there are, and what a measure's values look like."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME
from benchmark.tables.options import TableOptions
from benchmark.wording import value


def test_digits_and_percent_are_those_of_every_value():
    cosine, accuracy, kl = (BY_NAME[n] for n in ("cosine", "accuracy", "kl_divergence"))
    plain, three = TableOptions(), TableOptions(digits=3, percent=True)
    assert [value(0.123456, plain.shown(m)) for m in (cosine, accuracy, kl)] == [
        "0.1235", "12.35", "0.1235",
    ]  # fmt: skip
    assert [value(0.123456, three.shown(m)) for m in (cosine, accuracy, kl)] == [
        "12.3", "12.3", "0.123",
    ]  # fmt: skip
    assert [three.shown(m).title for m in (cosine, accuracy, kl)] == [
        "Cos %", "Accuracy %", "KLdiv",
    ]  # fmt: skip
    assert value(0.5, TableOptions(digits=0).shown(accuracy)) == "50"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"columns": 3}, "columns is 3; give one of 2, 1"),
        ({"ranks": "below"}, "ranks is 'below'; give one of none, parentheses, superscript"),
        ({"spread": "iqr"}, "spread is 'iqr'; give one of none, std, interval"),
        ({"digits": -1}, "whole number from 0 to 12"),
        ({"digits": True}, "whole number"),
        ({"label": "tab:50%"}, "LaTeX does not take"),
        ({"percent": "no"}, "percent is 'no'; give True or False"),
        ({"caption": 3}, "caption is 3; give a text"),
        ({"label": 3}, "label is 3; give a text"),
        ({"label": "a}b"}, "LaTeX does not take"),
    ],
)
def test_what_no_table_has_is_refused(given, told):
    with pytest.raises(UsageError, match=told):
        TableOptions(**given)


def test_one_name_is_as_good_as_a_list():
    assert TableOptions(models="A", measures=["kl", "cosine"]) == TableOptions(
        models=("A",), measures=("kl", "cosine")
    )
