"""Folds of groups: no group is both learned from and tested."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np

from benchmark.errors import UsageError
from benchmark.planning.folds import GROUPS, ONE_OUT, Folds, check_numbers
from benchmark.wording import count
from features.arrays import FloatArray, IntArray

# How many random orders of a round are tried, from attempt to attempt: with more of them folds are
# more alike in labels, with fewer it is easier to find a repeat that is none of those before. The
# last attempt takes the best order of all.
_ORDERS = (*[20] * 5, *[4] * 15, *[1] * 40, 0)


def numbered(groups: Iterable[Hashable]) -> IntArray:
    """Give every group a number, from 0 in the order of first appearance; shape (n,)."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in groups], dtype=np.int64)


def label_counts(D: FloatArray, groups: IntArray) -> IntArray:
    """Count the rows of each group by dominant label, the first of tied ones: shape (groups, c)."""
    counts = np.zeros((int(groups.max()) + 1, D.shape[1]), dtype=np.int64)
    np.add.at(counts, (groups, D.argmax(axis=1)), 1)
    return counts


def grouped_folds(
    D: FloatArray, groups: IntArray, n_folds: int = 10, n_repeats: int = 1, seed: int = 0
) -> Folds:
    """Split groups into folds of like size and like proportions of the dominant labels.

    The groups are dealt in rounds, the largest first: each round gives one to every fold (the last
    one to some), in the best of several random orders. What it is judged by are the rows of each
    dominant label, and all rows, in each fold. No two repeats have the same folds. Whatever the
    groups, the folds of a repeat

    * differ by at most one in the number of groups, so that none is empty;
    * differ in size by no more than the rows of the largest group;
    * have labels that are spread no worse than by an independent random draw of every group's fold,
      on average: with n_ic rows of label c in fold i, x_gc in group g, N_c in all,
      and all rows together counted as one more label,
      sum_c 1/N_c sum_i (n_ic - N_c/K)^2 <= (1 - 1/K) sum_c 1/N_c sum_g x_gc^2.

    The first is how they are dealt. The second holds since what a fold gets in a round is no larger
    than what another got in the round before. The third is checked; it can always be had, since the
    best order of a round is no worse than the mean of all (method of conditional expectations).
    scikit-learn's `StratifiedGroupKFold` looks at labels alone: it spreads them a little better,
    but has no bound on sizes, refuses data in which every label is rarer than there are folds, and
    often gives several repeats the same folds.

    Parameters
    ----------
    D : ndarray of shape (n, c)
        Distributions.
    groups : ndarray of shape (n,)
        Number of each row's group, see `numbered`.
    n_folds, n_repeats, seed : int
        As in `benchmark.planning.folds.stratified_folds`.

    Raises
    ------
    UsageError
        Fewer than two folds, fewer than one repeat, fewer groups than folds, or so few that a
        repeat would have the same folds as another.
    """
    check_numbers(n_folds, n_repeats)
    counts = label_counts(D, groups)
    counts = counts[:, counts.any(axis=0)]
    table = np.column_stack([counts, counts.sum(axis=1)])
    if len(table) < n_folds:
        raise UsageError(
            f"{len(table)} groups cannot be split into {n_folds} folds; ask for fewer with "
            f"--folds, or for --split {ONE_OUT}"
        )
    assignment = np.empty((len(D), n_repeats), dtype=np.int64)
    seen: set[bytes] = set()
    for repeat in range(n_repeats):
        rng = np.random.default_rng(np.random.SeedSequence([seed, repeat]))
        for orders in _ORDERS:
            fold = _dealt(table, n_folds, rng, orders)
            key = numbered(fold.tolist()).tobytes()
            if key not in seen and (orders == 0 or _is_balanced(table, fold, n_folds)):
                break
        else:
            raise UsageError(
                f"{len(table)} groups can hardly be split into {n_folds} folds in more than "
                f"{count(len(seen), 'way')}; ask for fewer with --repeats"
            )
        seen.add(key)
        assignment[:, repeat] = fold[groups]
    return Folds(assignment, kind=GROUPS, groups=groups)


def one_group_out(groups: IntArray) -> Folds:
    """Test each group in turn; fold k tests group k.

    Raises
    ------
    UsageError
        There is one group only.
    """
    if groups.max() < 1:
        raise UsageError("all rows are of one group, so that there is none to learn from")
    return Folds(groups[:, None].astype(np.int64), kind=ONE_OUT, groups=groups)


def _dealt(table: IntArray, k: int, rng: np.random.Generator, orders: int) -> IntArray:
    """Return the fold of every group, from its rows per label and in all, shape (groups, c + 1)."""
    shares = table / table.sum(axis=0)
    order = rng.permutation(len(table))
    order = order[np.argsort(-table[order, -1], kind="stable")]
    held = np.zeros((k, table.shape[1]))  # rows per fold and label
    fold = np.empty(len(table), dtype=np.int64)
    for start in range(0, len(order), k):
        dealt = order[start : start + k]
        cost = np.zeros((k, k))  # of a group, or none, in a fold
        cost[: len(dealt)] = shares[dealt] @ held.T
        if orders:
            draws = rng.permuted(np.tile(np.arange(k), (orders, 1)), axis=1)
            chosen = draws[cost[np.arange(k), draws].sum(axis=1).argmin()]
        else:
            from scipy.optimize import linear_sum_assignment

            chosen = np.asarray(linear_sum_assignment(cost)[1])
        fold[dealt] = chosen[: len(dealt)]
        held[fold[dealt]] += table[dealt]
    return fold


def _is_balanced(table: IntArray, fold: IntArray, k: int) -> bool:
    """Tell whether labels are spread as `grouped_folds` promises."""
    rows = table.sum(axis=0)
    held = np.zeros((k, table.shape[1]))
    np.add.at(held, fold, table)
    deviation = ((held - rows / k) ** 2 / rows).sum()
    return bool(deviation <= (1 - 1 / k) * (table**2 / rows).sum())
