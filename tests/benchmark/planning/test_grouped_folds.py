"""Folds of groups: no group on both sides, the balance that the docstring promises, repeats."""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from benchmark.errors import UsageError
from benchmark.planning.grouped_folds import grouped_folds, numbered, one_group_out

#: The rows of every group: the dominant label of each.
GROUPS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=12), min_size=2, max_size=30)


def rows_of(groups, order=None):
    """Distributions and group numbers of the rows, in any order."""
    labels = np.concatenate([np.array(labels) for labels in groups])
    numbers = np.repeat(np.arange(len(groups)), [len(labels) for labels in groups])
    order = np.arange(len(labels)) if order is None else order
    return np.eye(5)[labels[order]], numbers[order]


def deviation(D, fold, k):
    """Sum over labels of the squared deviations of counts, by the label's rows; all rows too."""
    total = 0.0
    for column in [*(D == 1).T, np.ones(len(D), dtype=bool)]:
        if n := column.sum():
            counts = np.bincount(fold[column], minlength=k)
            total += ((counts - n / k) ** 2).sum() / n
    return total


@settings(max_examples=200, deadline=None)
@given(groups=GROUPS, k=st.integers(2, 10), seed=st.integers(0, 3), data=st.data())
@example(groups=[[0]] * 4 + [[1]] * 4, k=4, seed=0, data=None)
@example(groups=[[0] * 12, [1], [2], [3]], k=3, seed=0, data=None)  # one group is nearly all
@example(groups=[[label] * 9 for label in range(5)] * 2, k=10, seed=0, data=None)
def test_no_group_is_shared_and_the_bounds_hold(groups, k, seed, data):
    n = sum(map(len, groups))
    D, numbers = rows_of(groups, None if data is None else data.draw(st.permutations(range(n))))
    if len(groups) < k:
        with pytest.raises(UsageError, match=f"{len(groups)} groups cannot be split into {k}"):
            grouped_folds(D, numbers, k)
        return
    folds = grouped_folds(D, numbers, k, seed=seed)
    with suppress(UsageError):  # of few groups, which may have no other folds
        folds = grouped_folds(D, numbers, k, n_repeats=2, seed=seed)
        assert not np.array_equal(*[column[:, None] == column for column in folds.assignment.T])
    assert folds.n_folds == k
    for repeat, fold in enumerate(folds.assignment.T):
        for number in range(k):
            train, test = folds.train(repeat, number), folds.test(repeat, number)
            assert not set(numbers[train]) & set(numbers[test])
            assert sorted([*train, *test]) == list(range(n))
        of_group = np.array([fold[numbers == group][0] for group in range(len(groups))])
        assert np.ptp(np.bincount(of_group, minlength=k)) <= 1
        assert np.ptp(np.bincount(fold, minlength=k)) <= max(map(len, groups))
        by_group = (
            sum(
                sum(labels.count(c) ** 2 for labels in groups) / max(1, int((D[:, c] == 1).sum()))
                for c in range(5)
            )
            + sum(len(labels) ** 2 for labels in groups) / n
        )
        assert deviation(D, fold, k) <= (1 - 1 / k) * by_group + 1e-9


def test_spread_nearly_as_well_as_by_scikit_learn():
    """Over 30 sets the mean deviation: random draws of folds have about eight times as much."""
    rng, ours, theirs, drawn, sizes = np.random.default_rng(0), 0.0, 0.0, 0.0, [0, 0]
    for trial in range(30):
        count, k = int(rng.integers(10, 100)), int(rng.choice([3, 5, 10]))
        shares = rng.dirichlet(np.full(5, 0.7), size=count)
        groups = [list(rng.choice(5, size=rng.integers(1, 40), p=p)) for p in shares]
        D, numbers = rows_of(groups)
        mine = grouped_folds(D, numbers, k, seed=trial).assignment[:, 0]
        its = np.empty_like(mine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rare labels
            splitter = StratifiedGroupKFold(k, shuffle=True, random_state=trial)
            for fold, (_, test) in enumerate(splitter.split(D, D.argmax(axis=1), numbers)):
                its[test] = fold
        ours, theirs = ours + deviation(D, mine, k), theirs + deviation(D, its, k)
        drawn += deviation(D, rng.integers(0, k, len(groups))[numbers], k)
        sizes = [sizes[0] + np.ptp(np.bincount(mine)), sizes[1] + np.ptp(np.bincount(its))]
    assert ours < 1.6 * theirs
    assert ours < 0.25 * drawn
    assert sizes[0] < sizes[1]


def test_seed_decides_and_repeats_differ_even_where_no_two_groups_are_alike():
    groups = [[0] * size for size in range(3, 27)]
    D, numbers = rows_of(groups)
    for k in (2, 3, 10):
        grouped_folds(D, numbers, k, 20)  # no two of which are the same
    first = grouped_folds(D, numbers, 5, 4, seed=1).assignment
    assert np.array_equal(first, grouped_folds(D, numbers, 5, 4, seed=1).assignment)
    assert np.array_equal(first[:, :1], grouped_folds(D, numbers, 5, 1, seed=1).assignment)
    together = [(column[:, None] == column).tobytes() for column in first.T]
    assert len(set(together)) == 4


def test_repeats_are_refused_where_there_are_no_other_folds():
    D, numbers = rows_of([[0, 1]] * 3)
    ways = grouped_folds(D, numbers, 2, 3).assignment  # each of them in turn is alone
    assert len({tuple(column == column[0]) for column in ways.T}) == 3
    with pytest.raises(UsageError, match=r"3 groups .* more than 3 ways; ask for fewer with --rep"):
        grouped_folds(D, numbers, 2, 4)


def test_one_group_out_tests_each_group_once():
    numbers = numbered(["b", "a", "b", "c", "a"])
    assert numbers.tolist() == [0, 1, 0, 2, 1]
    folds = one_group_out(numbers)
    assert (folds.n_folds, folds.n_repeats) == (3, 1)
    assert folds.test(0, 1).tolist() == [1, 4]
    assert folds.test_to_train == pytest.approx((2 / 3 + 2 / 3 + 1 / 4) / 3)
    with pytest.raises(UsageError, match="one group"):
        one_group_out(np.zeros(4, dtype=np.int64))
