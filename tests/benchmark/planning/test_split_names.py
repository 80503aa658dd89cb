"""What ``--split`` may say, and what is said of a misspelt one."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.planning.folds import KINDS
from benchmark.planning.split_names import AUTO, Split, parse_split


def test_every_kind_is_read_case_aside():
    for kind in (AUTO, *KINDS):
        assert parse_split(f" {kind.upper()} ") == Split(kind, 0.2)
    assert parse_split("hold-out:0.35") == Split("hold-out", 0.35)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group", "did you mean 'groups'"),
        ("holdout:0.3", "did you mean 'hold-out'"),
        ("hold-out:20", "between 0 and 1"),
        ("hold-out:", "between 0 and 1"),
        ("hold-out:nan", "between 0 and 1"),
        ("groups:3", "a share goes with hold-out alone"),
        (5, "none of auto, rows, groups, leave-one-group-out, given, hold-out"),
    ],
)
def test_others_are_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse_split(text)
