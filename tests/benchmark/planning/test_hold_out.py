"""Hold-out: the shares that the docstring promises, with and without groups."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UsageError
from benchmark.planning.hold_out import hold_out


@settings(max_examples=100, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    share=st.floats(0.02, 0.98),
    seed=st.integers(0, 3),
)
def test_every_label_has_its_share(labels, share, seed):
    labels = np.array(labels)
    wanted = round(share * len(labels))
    if not 0 < wanted < len(labels):
        with pytest.raises(UsageError, match="hold-out:SHARE"):
            hold_out(np.eye(5)[labels], share)
        return
    folds = hold_out(np.eye(5)[labels], share, 2, seed)
    assert folds.n_folds == 1
    for repeat in range(2):
        test = folds.test(repeat, 0)
        assert len(test) == wanted
        assert sorted([*folds.train(repeat, 0), *test]) == list(range(len(labels)))
        for label in range(5):
            expected = (labels == label).sum() * wanted / len(labels)
            assert abs((labels[test] == label).sum() - expected) < 1


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 15), min_size=2, max_size=20),
    share=st.floats(0.02, 0.98),
    seed=st.integers(0, 3),
)
def test_no_group_is_shared_and_the_share_is_kept_up_to_a_group(sizes, share, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = np.random.default_rng(seed).integers(0, 3, len(groups))
    folds = hold_out(np.eye(3)[labels], share, 1, seed, groups)
    with suppress(UsageError):  # of few groups, which may leave no other choice
        folds = hold_out(np.eye(3)[labels], share, 2, seed, groups)
        assert not np.array_equal(folds.test(0, 0), folds.test(1, 0))
    for repeat in range(folds.n_repeats):
        train, test = folds.train(repeat, 0), folds.test(repeat, 0)
        assert len(train)
        assert len(test)
        assert not set(groups[train]) & set(groups[test])
        assert abs(len(test) - share * len(groups)) <= max(sizes)


def test_draws_of_groups_have_typical_labels():
    """Groups of one label each: of all draws of four out of twelve, few have all three labels."""
    groups = np.repeat(np.arange(12), 5)
    D = np.eye(3)[groups % 3]
    folds = hold_out(D, 1 / 3, 20, 0, groups)
    counts = [np.bincount(groups[folds.test(r, 0)] % 3, minlength=3) for r in range(20)]
    assert np.mean([count.min() for count in counts]) >= 4.5  # drawn blindly 2.9 of 5
    assert len({folds.test(r, 0).tobytes() for r in range(20)}) == 20


def test_what_cannot_be_held_out_is_refused():
    with pytest.raises(UsageError, match="one group"):
        hold_out(np.eye(2), 0.5, groups=np.zeros(2, dtype=np.int64))
    with pytest.raises(UsageError, match="--repeats"):
        hold_out(np.eye(2), 0.5, 0)
    hold_out(np.eye(2), 0.5, 2, groups=np.arange(2))
    with pytest.raises(UsageError, match=r"of 2 groups .* in more than 2 ways; ask for fewer"):
        hold_out(np.eye(2), 0.5, 3, groups=np.arange(2))
