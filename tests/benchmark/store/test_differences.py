"""How two plans differ is said of everything in which they can, and nothing of what is the same."""

from __future__ import annotations

import pytest
from made_plan import make_plan

from benchmark.store.differences import other_plan


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 8}, "seed 7 here, 8 there"),
        ({"models": ("row", "further")}, "models further only there"),
        ({"models": ("other",)}, "models row only here; models other only there"),
        ({"folds": 4}, "other folds (3 stratified folds, and 4 stratified folds) of d"),
        ({"k": 5}, "row: k = 4 and 5"),
        ({"shift": 1.0}, "other data under the name d"),
        ({"dataset": "e"}, "datasets d only here; datasets e only there"),
    ],
)
def test_what_differs_is_said(other, said):
    assert other_plan(make_plan(), make_plan(**other)) == said


def test_nothing_is_said_of_the_same_plan():
    assert other_plan(make_plan(), make_plan()) == ""
