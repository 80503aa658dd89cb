"""Hold-out: a part of the rows, or of the groups, is tested, and never learned from."""

from __future__ import annotations

import numpy as np

from benchmark.errors import UsageError
from benchmark.planning.folds import HOLD_OUT, Folds
from benchmark.planning.grouped_folds import label_counts
from benchmark.wording import count
from features.arrays import FloatArray, IntArray

# Draws of groups, of which the one whose labels are most like those of all rows is taken.
_DRAWS = 50


def hold_out(
    D: FloatArray,
    share: float = 0.2,
    n_repeats: int = 1,
    seed: int = 0,
    groups: IntArray | None = None,
) -> Folds:
    """Draw test rows that keep the proportions of the dominant labels; all others are learned from.

    Of rows, `share` of them is tested, rounded, and of the rows of every label the same part, up
    to less than one row. Of groups, the number of test rows differs from the share by no more than
    the rows of the largest group; of 50 draws that with the most typical labels is taken.

    Parameters
    ----------
    D : ndarray of shape (n, c)
        Distributions.
    share : float
        Of the rows that are tested.
    n_repeats : int
        Number of independent draws.
    seed : int
        The run's seed. Repeat r is the same whatever the number of repeats.
    groups : ndarray of shape (n,), optional
        Number of each row's group; a group is tested as a whole, or not at all.

    Raises
    ------
    UsageError
        No row, or no group, would be left on one of the sides, or there are so few groups that a
        repeat would have the same test rows as another.
    """
    if n_repeats < 1:
        raise UsageError(f"a hold-out needs at least 1 repeat, not {n_repeats}; change --repeats")
    n = len(D)
    if groups is not None and groups.max() < 1:
        raise UsageError("all rows are of one group, so that none can be held out; --split rows")
    if groups is None and not 1 <= round(share * n) <= n - 1:
        raise UsageError(
            f"of {n} rows a share of {share:g} cannot be held out: a row at least has to be on "
            f"either side; give another with --split {HOLD_OUT}:SHARE"
        )
    assignment = np.full((n, n_repeats), -1, dtype=np.int64)
    for repeat in range(n_repeats):
        rng = np.random.default_rng(np.random.SeedSequence([seed, repeat]))
        if groups is None:
            tested = _rows(D, share, rng)
        else:
            tested = _groups(D, groups, share, rng, assignment[:, :repeat])
        assignment[tested, repeat] = 0
    return Folds(assignment, kind=HOLD_OUT, groups=groups)


def _rows(D: FloatArray, share: float, rng: np.random.Generator) -> IntArray:
    """Draw rows at equal distances from all of them in the order of their labels.

    Between a start and an end, however they are chosen, lies the share of the rows, up to one.
    """
    n = len(D)
    order = rng.permutation(n)
    order = order[np.argsort(D.argmax(axis=1)[order], kind="stable")]
    size = round(share * n)
    places = np.floor((np.arange(size) + rng.random()) * n / size).astype(np.int64)
    return order[np.minimum(places, n - 1)]  # the last may be rounded up


def _groups(
    D: FloatArray, groups: IntArray, share: float, rng: np.random.Generator, former: IntArray
) -> IntArray:
    """Draw groups one by one, up to the number of rows that comes nearest to the share.

    Not those again that were drawn in one of the `former` repeats.
    """
    counts = label_counts(D, groups)
    sizes = counts.sum(axis=1)
    expected = share * counts.sum(axis=0)
    known = expected > 0
    drawn_before = {tuple(np.unique(groups[column == 0]).tolist()) for column in former.T}
    best, least = None, np.inf
    for _ in range(_DRAWS):
        order = rng.permutation(len(sizes))
        taken = np.cumsum(sizes[order])[:-1]  # one group at least is left
        drawn = order[: int(np.abs(taken - share * len(D)).argmin()) + 1]
        if tuple(sorted(drawn.tolist())) in drawn_before:
            continue
        off = (counts[drawn].sum(axis=0) - expected)[known]
        badness = float((off**2 / expected[known]).sum())
        if badness < least:
            best, least = np.isin(np.arange(len(sizes)), drawn), badness
    if best is None:
        raise UsageError(
            f"of {len(sizes)} groups a share of {share:g} can hardly be held out in more than "
            f"{count(len(drawn_before), 'way')}; ask for fewer with --repeats"
        )
    return np.flatnonzero(best[groups])
