"""Folds: every row once, proportions kept, seeded, and hard cases handled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UsageError
from benchmark.planning.folds import stratified_folds


def one_hot(labels, c):
    return np.eye(c)[np.asarray(labels)]


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(0, 3), min_size=10, max_size=80),
    k=st.integers(2, 10),
    seed=st.integers(0, 5),
)
def test_every_row_is_tested_once_and_no_fold_is_empty(labels, k, seed):
    folds = stratified_folds(one_hot(labels, 4), k, n_repeats=2, seed=seed)
    for repeat in range(2):
        tested = np.concatenate([folds.test(repeat, fold) for fold in range(k)])
        assert sorted(tested) == list(range(len(labels)))
        for fold in range(k):
            train, test = folds.train(repeat, fold), folds.test(repeat, fold)
            assert len(test) > 0
            assert len(train) > 0
            assert not set(train) & set(test)


def test_proportions_are_kept():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    folds = stratified_folds(one_hot(labels, 3), 10, seed=3)
    for fold in range(10):
        assert np.bincount(labels[folds.test(0, fold)]).tolist() == [5, 3, 2]


def test_seed_decides_and_repeats_differ():
    D = one_hot(np.arange(60) % 3, 3)
    first = stratified_folds(D, 5, 3, seed=1).assignment
    assert np.array_equal(first, stratified_folds(D, 5, 3, seed=1).assignment)
    assert np.array_equal(first[:, :1], stratified_folds(D, 5, 1, seed=1).assignment)
    assert not np.array_equal(first, stratified_folds(D, 5, 3, seed=2).assignment)
    assert not np.array_equal(first[:, 0], first[:, 1])


def test_rare_labels_are_pooled_and_said():
    labels = [0] * 40 + [1] * 3 + [2] * 4 + [3] * 5
    folds = stratified_folds(one_hot(labels, 4), 10)
    sizes = [len(folds.test(0, fold)) for fold in range(10)]
    assert max(sizes) - min(sizes) <= 2
    assert any("3 labels are dominant in fewer than 10 rows" in note for note in folds.notes)


def test_only_rare_labels():
    folds = stratified_folds(one_hot(np.arange(12) % 6, 6), 5)
    assert sorted(len(folds.test(0, fold)) for fold in range(5)) == [2, 2, 2, 3, 3]


def test_ties_are_said():
    D = np.array([[0.5, 0.5], [0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])
    assert "2 of 4 rows have a tied maximum" in stratified_folds(D, 2).notes[0]
    assert stratified_folds(one_hot([0, 0, 1, 1], 2), 2).notes == ()


@pytest.mark.parametrize(("n", "k", "repeats"), [(5, 10, 1), (5, 1, 1), (5, 2, 0)])
def test_impossible_splits_are_refused(n, k, repeats):
    with pytest.raises(UsageError, match="folds"):
        stratified_folds(one_hot(np.arange(n) % 2, 2), k, repeats)
