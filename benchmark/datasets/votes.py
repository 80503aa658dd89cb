"""Makes distributions of votes and percentages: a row divided by its sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from baselines.checks import SUM_TOLERANCE, describe_rows
from benchmark.errors import UsageError
from benchmark.wording import count
from features.arrays import FloatArray

# Sums of percentages that were rounded to whole numbers are off 100 by at most half the number of
# labels, and by no more than this where there are many.
_MOST_OFF = 5.0


def normalised(where: str, D: ArrayLike) -> tuple[ArrayLike, FloatArray | None, list[str]]:
    """Divide each row by its sum.

    Parameters
    ----------
    where : str
        What to call the data in an error.
    D : array-like of shape (n, c)
        Votes, percentages, or anything else that is in proportion to the description degrees.

    Returns
    -------
    D : array-like of shape (n, c)
        Distributions; what is no matrix of numbers of at least 0 comes back as it is.
    raters : ndarray of shape (n,), optional
        The sums, where the values are whole numbers of votes.
    notes : list of str
        How many rows were divided, and what they hold.

    Raises
    ------
    UsageError
        Rows sum to 0; names them.
    """
    try:
        values = np.array(D, dtype=np.float64)
    except (TypeError, ValueError):
        return D, None, []
    if values.ndim != 2 or not values.size or not np.isfinite(values).all() or values.min() < 0:
        return D, None, []
    sums = values.sum(axis=1)
    empty = np.flatnonzero(sums == 0)
    if empty.size:
        raise UsageError(
            f"{where}: labels sums to 0 in {describe_rows(empty)}, so nothing is known of what "
            f"was seen there; fill in the votes, or take out the row"
        )
    n, c = values.shape
    wrong = np.abs(sums - 1) > SUM_TOLERANCE
    divided = int(wrong.sum())
    if not divided:
        return D, None, ["normalise changed nothing: every row sums to 1 already"]
    off = np.abs(sums - 100).max()
    is_percent = off <= min(c / 2, _MOST_OFF)
    is_votes = not is_percent and bool((values == np.round(values)).all())
    what, raters = "", None
    if is_percent:
        what = ", which hold percentages"
    elif is_votes:
        low, high = int(sums.min()), int(sums.max())
        several = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        what = f", which hold the votes of {several} raters each"
        raters = sums
    note = f"{divided:,} of {count(n, 'row')} did not sum to 1 and were divided by their sum{what}"
    values[wrong] /= sums[wrong, np.newaxis]
    return values, raters, [note]
