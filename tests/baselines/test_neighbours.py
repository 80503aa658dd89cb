"""The nearest columns are those of a stable sort, ties included."""

from __future__ import annotations

import numpy as np
import pytest

from baselines import neighbours
from baselines.neighbours import nearest, some_rows


@pytest.mark.parametrize("count", [1, 7, 80, 150, 10_000])
def test_they_are_those_of_a_stable_sort(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(neighbours, "FEW", 100)
    distances = rng.integers(0, 40, (9, 700)) / 3.0  # most of them are equal to others
    distances[0] = 1.0
    wanted = np.argsort(distances, axis=1, kind="stable")[:, :count]
    assert (nearest(distances, count) == wanted).all()


def test_wide_rows_come_in_smaller_parts() -> None:
    X = np.arange(500.0)[:, None]
    assert [len(part) for part in some_rows(X, 10)] == [200, 200, 100]
    assert [len(part) for part in some_rows(X, neighbours.BLOCK // 90)][:2] == [90, 90]
    assert (np.vstack(some_rows(X, 10**12)) == X).all()
