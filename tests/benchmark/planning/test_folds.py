"""Folds: every row once, proportions kept, seeded, and hard cases handled."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

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


def spreads(labels, assignment, k):
    """Return how far folds differ in the rows of any label, by label, and in size."""
    kinds = np.unique(labels)
    per_label = [np.ptp(np.bincount(assignment[labels == kind], minlength=k)) for kind in kinds]
    return np.array(per_label), np.ptp(np.bincount(assignment, minlength=k))


#: Few and many labels, frequent and rare: how many rows each of them dominates.
LABEL_COUNTS = st.lists(st.one_of(st.integers(1, 3), st.integers(1, 40)), min_size=1, max_size=25)


@settings(max_examples=150, deadline=None)
@given(counts=LABEL_COUNTS, k=st.integers(2, 12), seed=st.integers(0, 5), data=st.data())
@example(counts=[1] * 25, k=10, seed=0, data=None)  # every label once
@example(counts=[9] * 9, k=10, seed=0, data=None)  # scikit-learn refuses: every label is rare
@example(counts=[30, 3, 4, 5], k=10, seed=0, data=None)
@example(counts=[31, 1], k=10, seed=0, data=None)
def test_no_label_is_spread_worse_than_by_scikit_learn(counts, k, seed, data):
    labels = np.repeat(np.arange(len(counts)), counts)
    if data is not None:
        labels = labels[data.draw(st.permutations(range(len(labels))))]
    if len(labels) < k:
        return
    D = one_hot(labels, len(counts))
    ours = stratified_folds(D, k, n_repeats=2, seed=seed).assignment
    for repeat in range(2):
        by_label, by_size = spreads(labels, ours[:, repeat], k)
        assert by_label.max() <= 1  # scikit-learn's bound, where it does not refuse
        assert by_size <= 1
    if max(counts) < k:
        with pytest.raises(ValueError, match="n_splits"):
            list(StratifiedKFold(k).split(labels, labels))
        return
    theirs = np.empty(len(labels), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rare labels
        for fold, (_, test) in enumerate(StratifiedKFold(k, shuffle=True).split(labels, labels)):
            theirs[test] = fold
    by_label, by_size = spreads(labels, ours[:, 0], k)
    reference, their_size = spreads(labels, theirs, k)
    assert (by_label <= reference).all()
    assert by_size <= their_size


def test_folds_of_frequent_labels_are_those_of_the_first_version():
    """Where nothing was pooled, the same seed gives the same folds as before."""
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [50, 31, 12]))
    state = int(np.random.SeedSequence([7, 1]).generate_state(1)[0])
    splitter = StratifiedKFold(10, shuffle=True, random_state=state)
    folds = stratified_folds(one_hot(labels, 3), 10, n_repeats=2, seed=7)
    for fold, (_, test) in enumerate(splitter.split(labels, labels)):
        assert np.array_equal(folds.test(1, fold), test)


def test_rare_labels_are_said_and_nothing_is_warned_of():
    labels = np.array([0] * 40 + [1] * 3 + [2] * 4 + [3] * 5 + [4])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folds = stratified_folds(one_hot(labels, 5), 10)
    (note,) = folds.notes
    assert "4 labels are dominant in fewer than 10 rows" in note
    for label, rows in ((1, 3), (2, 4), (3, 5), (4, 1)):  # as the note says
        assert len(np.unique(folds.assignment[labels == label])) == rows


def test_only_rare_labels():
    folds = stratified_folds(one_hot(np.arange(12) % 6, 6), 5)
    assert sorted(len(folds.test(0, fold)) for fold in range(5)) == [2, 2, 2, 3, 3]


def test_the_first_of_tied_labels_counts():
    D = np.array([[0.5, 0.5, 0.0]] * 5 + [[0.0, 0.5, 0.5]] * 5)
    by_label, _ = spreads(np.repeat([0, 1], 5), stratified_folds(D, 5).assignment[:, 0], 5)
    assert by_label.tolist() == [0, 0]


def test_ties_are_said():
    D = np.array([[0.5, 0.5], [0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])
    assert "2 of 4 rows have a tied maximum" in stratified_folds(D, 2).notes[0]
    assert stratified_folds(one_hot([0, 0, 1, 1], 2), 2).notes == ()


@pytest.mark.parametrize(("n", "k", "repeats"), [(5, 10, 1), (5, 1, 1), (5, 2, 0)])
def test_impossible_splits_are_refused(n, k, repeats):
    with pytest.raises(UsageError, match="folds"):
        stratified_folds(one_hot(np.arange(n) % 2, 2), k, repeats)
