"""Rows that a model is tested on after it has learned from their very copies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from benchmark.datasets.base import Dataset
from benchmark.planning.folds import Folds
from benchmark.wording import count
from features.arrays import FloatArray, IntArray


def note_copies(data: Dataset, folds: Folds) -> list[str]:
    """Count the test rows of which the training rows of their fold hold an exact copy.

    Labels are not compared: a copy with other labels is seen before, too.

    Returns
    -------
    list of str
        A sentence on features, and one on images; none where there are no such rows.
    """
    notes = []
    if data.X is not None:
        copied = _copied(_groups(_row_keys(data.X)), folds)
        notes += _sentence(copied, folds, "row", "have exactly the features of a training row")
    if data.images is not None:
        copied = _copied(_groups(data.images.keys), folds)
        notes += _sentence(copied, folds, "image", "repeat a training image byte for byte")
    return notes


def _row_keys(X: FloatArray) -> Iterator[bytes]:
    for row in X:
        plain = row + 0.0  # 0.0 for -0.0, which is the same number
        yield hashlib.blake2b(plain.tobytes(), digest_size=16).digest()


def _groups(keys: Iterable[object]) -> IntArray:
    """Give each key a number, equal ones the same."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _copied(groups: IntArray, folds: Folds) -> int:
    """Count, over all repeats, the tested rows whose group has a row in another fold."""
    total = 0
    for assignment in folds.assignment.T:
        first = np.full(len(groups), folds.n_folds)
        last = np.full(len(groups), -1)
        np.minimum.at(first, groups, assignment)
        np.maximum.at(last, groups, assignment)
        total += int(((first != last)[groups] & (assignment >= 0)).sum())
    return total


def _sentence(copied: int, folds: Folds, noun: str, what: str) -> list[str]:
    if not copied:
        return []
    tested = int((folds.assignment >= 0).sum())
    repeats = f" of {count(folds.n_repeats, 'repeat')}" if folds.n_repeats > 1 else ""
    return [
        f"{copied:,} of {count(tested, f'test {noun}')}{repeats} {what}, which favours "
        f"models that remember"
    ]
