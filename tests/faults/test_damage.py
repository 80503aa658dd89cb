"""Damage itself: what the other tests of this folder do to files."""

from __future__ import annotations

import numpy as np
import pytest
from damage import KINDS, damaged

CONTENT = bytes(range(256)) * 8


def test_damage_is_seeded_and_always_changes_something():
    variants = [damaged(CONTENT, seed) for seed in range(200)]
    assert CONTENT not in variants
    assert len(set(variants)) > 190
    assert [damaged(CONTENT, seed) for seed in range(200)] == variants
    assert all(damaged(bytes(3), seed) != bytes(3) for seed in range(200))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_each_kind_of_damage_is_what_its_name_says(kind):
    change = {"_cut": -1, "_insert": 1, "_repeat": 1, "_remove": -1}.get(kind.__name__, 0)
    for seed in range(50):
        variant = kind(CONTENT, np.random.default_rng(seed))
        assert np.sign(len(variant) - len(CONTENT)) == change
        if kind.__name__ == "_cut":
            assert CONTENT.startswith(variant)
        if kind.__name__ == "_swap":
            assert sorted(variant) == sorted(CONTENT)
        assert kind(b"", np.random.default_rng(seed)) == b"" or kind.__name__ == "_insert"
