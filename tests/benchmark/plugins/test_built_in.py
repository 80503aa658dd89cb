"""Groups of models, and the order in which they stand in tables."""

from __future__ import annotations

import pytest

import baselines
from benchmark.plugins.built_in import (
    BEYOND_PAPER,
    CLASSIFIERS,
    EXTENDED,
    NEWER,
    PAPER,
    group_of,
    in_groups,
)
from benchmark.plugins.registry import models


def test_every_built_in_model_is_in_one_group():
    groups = {name: group_of(name) for name in (*PAPER, *CLASSIFIERS, *BEYOND_PAPER, "Mine")}
    assert groups["Mine"] == "own"
    assert groups["SA-IIS"] == groups["CNN-frozen"] == "paper"
    assert {name for name, group in groups.items() if group == "extended"} == set(EXTENDED)
    assert {name for name, group in groups.items() if group == "newer"} == set(NEWER)


@pytest.mark.parametrize("name", BEYOND_PAPER)
def test_what_goes_beyond_the_paper_loads_and_is_not_usual(name):
    entry = models()[name]
    assert entry.load().__name__ in baselines.__all__
    assert not entry.usual


def test_groups_stand_in_order_only_where_some_go_beyond_the_paper():
    def model_of(row):
        return row.removesuffix(" (tuned)")

    rows = ["LDLLC", "Mine", "Ridge", "Ridge (tuned)", "SA-IIS", "SA-IIS (tuned)", "Other"]
    assert in_groups(rows, model_of) == [
        "SA-IIS", "SA-IIS (tuned)", "Ridge", "Ridge (tuned)", "LDLLC", "Mine", "Other",
    ]  # fmt: skip
    assert in_groups(["LDLLC", "SA-IIS"], model_of) == ["SA-IIS", "LDLLC"]
    assert in_groups(["Mine", "SA-IIS"], model_of) == ["Mine", "SA-IIS"]
