"""Folds: which rows are tested when, drawn once per dataset and run, the same for every model.

The stratified folds of rows are here; `benchmark.planning.splits` has the other kinds of splits.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UsageError
from benchmark.wording import count
from features.arrays import IntArray
from features.storage.files import array_key

#: Increase this when the same data and seed would be split in another way. Version 1, of releases
#: up to 0.1.0, pooled the labels that are dominant in fewer rows than there are folds.
FOLDS_VERSION = 2

#: Kinds of splits: stratified folds of rows or of groups, each group in turn, folds that come with
#: the data, and a part of the rows.
ROWS, GROUPS, ONE_OUT = "rows", "groups", "leave-one-group-out"
GIVEN, HOLD_OUT = "given", "hold-out"
KINDS = (ROWS, GROUPS, ONE_OUT, GIVEN, HOLD_OUT)


@dataclass(frozen=True)
class Folds:
    """Which fold tests each row, for every repeat.

    Attributes
    ----------
    assignment : ndarray of shape (n, repeats), int64
        ``assignment[i, r]`` is the fold, counted from 0, in which row i is tested in repeat r; -1
        for a row that is only learned from.
    notes : tuple of str
        What a reader of the results should know about how the rows were split.
    version : int
        `FOLDS_VERSION` when they were drawn. Results on folds of another version are not mixed
        with these.
    kind : str
        How the rows were split, one of `KINDS`.
    groups : ndarray of shape (n,), int64, optional
        The number of each row's group, where settings are to be chosen in folds of groups too.
    """

    assignment: IntArray
    notes: tuple[str, ...] = ()
    version: int = FOLDS_VERSION
    kind: str = ROWS
    groups: IntArray | None = None

    @property
    def n_folds(self) -> int:
        """Number of folds per repeat."""
        return int(self.assignment.max()) + 1

    @property
    def n_repeats(self) -> int:
        """Number of independent splits."""
        return int(self.assignment.shape[1])

    @property
    def is_single(self) -> bool:
        """Whether there is one split alone, so that nothing tells how scores vary over splits."""
        return self.n_folds * self.n_repeats == 1

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Whether each row is tested in some repeat, shape (n,)."""
        return np.asarray((self.assignment >= 0).any(axis=1))

    @cached_property
    def test_to_train(self) -> float:
        """Number of test rows by that of training rows, mean over all folds.

        Of folds of rows 1 / (K - 1), since their sizes differ by one row at most.
        """
        if self.kind == ROWS:
            return 1.0 / (self.n_folds - 1)
        splits = [(r, k) for r in range(self.n_repeats) for k in range(self.n_folds)]
        return float(np.mean([len(self.test(*s)) / len(self.train(*s)) for s in splits]))

    def train(self, repeat: int, fold: int) -> IntArray:
        """Row numbers to learn from."""
        return np.flatnonzero(self.assignment[:, repeat] != fold)

    def test(self, repeat: int, fold: int) -> IntArray:
        """Row numbers to test on."""
        return np.flatnonzero(self.assignment[:, repeat] == fold)

    def key(self, repeat: int, fold: int) -> str:
        """Hash of one split: of its training and test rows."""
        return array_key(self.train(repeat, fold), self.test(repeat, fold))


def stratified_folds(
    D: NDArray[np.float64], n_folds: int = 10, n_repeats: int = 1, seed: int = 0
) -> Folds:
    """Split the rows into folds that keep the proportions of the dominant labels.

    The dominant label of a row is its largest one, the first where several tie. These labels are
    spread by scikit-learn's `StratifiedKFold`: the folds differ by at most one in the number of
    rows of any label, and in size. A label dominant in fewer rows than there are folds is in as
    many folds as it has rows. The notes mention ties and such rare labels.

    Parameters
    ----------
    D : ndarray of shape (n, c)
        Distributions.
    n_folds, n_repeats : int
        Folds per repeat, and number of independent repeats.
    seed : int
        The run's seed. Repeat r is the same whatever the number of repeats.

    Returns
    -------
    Folds
        Every row is tested exactly once per repeat.

    Raises
    ------
    UsageError
        Fewer than two folds, fewer than one repeat, or fewer rows than folds.
    """
    check_numbers(n_folds, n_repeats)
    if len(D) < n_folds:
        raise UsageError(
            f"{len(D)} rows cannot be split into {n_folds} folds; ask for fewer with --folds"
        )
    dominant = D.argmax(axis=1)
    counts = np.bincount(dominant, minlength=D.shape[1])
    rare = np.flatnonzero((counts > 0) & (counts < n_folds))
    assignment = np.empty((len(D), n_repeats), dtype=np.int64)
    for repeat in range(n_repeats):
        random_state = int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])
        assignment[:, repeat] = _stratified(dominant, n_folds, random_state)
    return Folds(assignment, (*note_ties(D), *_rare(rare, n_folds)))


def check_numbers(n_folds: int, n_repeats: int) -> None:
    """Refuse numbers of folds and repeats that make no cross-validation."""
    if n_folds < 2 or n_repeats < 1:
        raise UsageError(
            f"cross-validation needs at least 2 folds and 1 repeat, not {n_folds} and {n_repeats}; "
            f"change --folds or --repeats"
        )


def _stratified(dominant: IntArray, n_folds: int, random_state: int) -> IntArray:
    """Return the fold of every row, as scikit-learn spreads the labels.

    `StratifiedKFold` warns of rare labels, and refuses data in which every label is rare. So as
    many rows as there are folds are added under a label of their own, which comes last: each fold
    gets one of them, and what the others get, in numbers and by chance, stays the same.
    """
    from sklearn.model_selection import StratifiedKFold  # which whoever reads a run does without

    added = np.full(n_folds, dominant.max() + 1)
    labels = np.concatenate([dominant, added])
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    assignment = np.empty(len(labels), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, test) in enumerate(splitter.split(labels, labels)):
            assignment[test] = fold
    return assignment[: len(dominant)]


def note_ties(D: NDArray[Any], who: str = "stratification and accuracy take") -> list[str]:
    """Say how many rows have no single dominant label."""
    tied = int(((D == D.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
    if not tied:
        return []
    return [
        f"{tied} of {len(D)} rows have a tied maximum; {who} the "
        f"first label, tie-aware accuracy takes all"
    ]


def _rare(rare: NDArray[np.intp], n_folds: int) -> list[str]:
    if not len(rare):
        return []
    what = count(len(rare), "label is", "labels are")
    return [
        f"{what} dominant in fewer than {n_folds} rows and cannot be in every fold; "
        f"such a label is in as many folds as it has rows"
    ]
