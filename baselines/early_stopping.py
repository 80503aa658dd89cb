"""Early stopping: training rows held out, and the epoch after which these are predicted best.

A learner trains on the other rows, asks `kl_divergence` of the held-out ones after every epoch,
stops where `best_epoch` says, and may then train on all rows for as many epochs (its setting
``refit``). The settings are called ``early_stopping`` and ``validation_fraction``, as those of
scikit-learn's networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import FloatArray, IntArray

#: Stands for a predicted share of 0 in the logarithm, as in the harness's measure.
EPSILON = 1e-10


def held_out(
    D: FloatArray, share: float = 0.2, random_state: int | None = None
) -> tuple[IntArray, IntArray]:
    """Draw rows to hold out of training, in every label about as many of its rows.

    scikit-learn's `train_test_split` refuses to stratify by a label that one row only has.

    A row counts for its dominant label, the first of equals. Of n rows ``share * n`` are held out,
    rounded, but one at least, and one at least is left. Of each label they are its share, less or
    more by at most one row; the last row that a label has is held out only where it must be.

    Parameters
    ----------
    D : ndarray of shape (n, c)
        Distributions of the training rows; n is 2 or more.
    share : float
        Between 0 and 1.
    random_state : int, optional
        Seed of the draw.

    Returns
    -------
    training, validation : ndarray of int
        The two parts of the row numbers, each ascending.

    Raises
    ------
    ValueError
        There is one row only.
    """
    n = len(D)
    if n < 2:
        raise ValueError("early stopping holds out training rows, but there is one row only")
    size = min(max(1, round(share * n)), n - 1)
    labels, of_row, counts = np.unique(D.argmax(axis=1), return_inverse=True, return_counts=True)
    exact = counts * (size / n)
    take = np.floor(exact).astype(int)
    # Whole rows that are still due go to the largest remainders, to one-row labels at last.
    due = np.lexsort((take - exact, counts - take < 2))
    take[due[: size - take.sum()]] += 1
    rng = np.random.default_rng(random_state)
    chosen = [rng.permutation(np.flatnonzero(of_row == j))[: take[j]] for j in range(len(labels))]
    validation = np.sort(np.concatenate(chosen))
    return np.setdiff1d(np.arange(n), validation), validation


def kl_divergence(D: FloatArray, P: FloatArray) -> float:
    """Return sum_j d_ij ln(d_ij / p_ij), on average over the rows i; 0 ln 0 is 0."""
    ratio = np.maximum(D, EPSILON) / np.maximum(P, EPSILON)
    return float((D * np.log(ratio)).sum(axis=1).mean())


def best_epoch(divergences: Sequence[float]) -> int:
    """Return the position of the lowest value, the first of equals; 0 where none is finite.

    Position e is the state after e epochs, thus 0 the start before any.
    """
    values = np.asarray(divergences, dtype=float)
    return int(np.where(np.isfinite(values), values, np.inf).argmin())
