"""A JSON value has the wanted shape, or one clause says where it has not."""

from __future__ import annotations

import pytest

from features.storage.shape import NUMBER, misfit

SHAPE = {"name": str, "rows": [{"n": int, "share?": NUMBER}], "by": {str: bool}, "any": object}
SOUND = {"name": "a", "rows": [{"n": 1, "share": 0.5}, {"n": 2}], "by": {"x": True}, "any": None}


def test_what_fits_is_not_told():
    assert misfit(SOUND, SHAPE) == ""
    assert misfit({**SOUND, "more": [1]}, SHAPE) == ""
    assert misfit({**SOUND, "rows": [], "by": {}}, SHAPE) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 1}, "name is not a text"),
        ({"rows": {}}, "rows is not a list"),
        ({"rows": [{"n": 1}, {}]}, "rows[1] has no n"),
        ({"rows": [{"n": True}]}, "rows[0].n is not a whole number"),
        ({"rows": [{"n": 1.0}]}, "rows[0].n is not a whole number"),
        ({"rows": [{"n": 1, "share": "x"}]}, "rows[0].share is not a number"),
        ({"rows": [{"n": 1, "share": False}]}, "rows[0].share is not a number"),
        ({"by": {"x": True, "y": 1}}, "by.y is not true or false"),
        ({"by": None}, "by is not an object"),
    ],
)
def test_the_first_misfit_is_told_with_its_place(change, said):
    assert misfit({**SOUND, **change}, SHAPE) == said


def test_the_whole_may_be_of_another_kind():
    assert misfit([], SHAPE) == "it is not an object"
    assert misfit({}, SHAPE) == "it has no name"
