"""Rows that are tested after their copies were learned from, counted fold by fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmark.datasets import make_dataset
from benchmark.planning.copies import note_copies
from benchmark.planning.folds import Folds, stratified_folds

RNG = np.random.default_rng(3)
N = 60
D = RNG.dirichlet(np.ones(3), N)


@dataclass(frozen=True)
class Images:
    """Images that are their keys."""

    keys: tuple[str, ...]

    def __len__(self):
        return len(self.keys)


def counted(rows, folds):
    """Count as the sentence says it: row by row, fold by fold."""
    return sum(
        any(rows[row] == rows[other] for other in folds.train(repeat, fold))
        for repeat in range(folds.n_repeats)
        for fold in range(folds.n_folds)
        for row in folds.test(repeat, fold)
    )


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("values", [3, 6])
def test_the_count_is_that_of_a_loop(repeats, values):
    X = RNG.integers(0, values, (N, 2)).astype(float)
    folds = stratified_folds(D, 5, repeats)
    (note,) = note_copies(make_dataset("d", X, D), folds)
    expected = counted([tuple(row) for row in X], folds)
    of = f"{N * repeats} test rows" + (f" of {repeats} repeats" if repeats > 1 else "")
    assert note.startswith(f"{expected} of {of} have exactly the features of a training row")


def test_copies_within_one_fold_are_none():
    X = RNG.normal(size=(N, 2))
    X[1], X[3] = X[0], -X[2]
    X[2, 0], X[3, 0] = 0.0, -0.0
    X[3, 1] = X[2, 1]
    assignment = np.arange(N) // 2 % 5
    data = make_dataset("d", X, D)
    assert note_copies(data, Folds(assignment[:, None])) == []
    assignment[3] = 4  # 0.0 and -0.0 are one number
    (note,) = note_copies(data, Folds(assignment[:, None]))
    assert note.startswith("2 of 60 test rows have")


def test_images_are_compared_by_their_bytes():
    keys = tuple(str(row % 55) for row in range(N))
    folds = stratified_folds(D, 5)
    (note,) = note_copies(make_dataset("d", None, D, images=Images(keys)), folds)
    expected = counted(keys, folds)
    assert expected > 0
    assert note.startswith(f"{expected} of 60 test images repeat a training image byte for byte")
