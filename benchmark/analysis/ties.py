"""When two scores are equal: the one tolerance that ranks, marks, shares and tests go by.

Two models that compute the same in different orders, or in single precision, differ by rounding.
So scores that differ by no more than `TOLERANCE` are tied, and chains of such scores are: where a
is tied with b and b with c, a is tied with c, for a rank is shared by all of them or by none.
Tables show four decimals; what is tied looks the same there, but for the last digit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from benchmark.metrics import TOLERANCE, Measure
from features.arrays import FloatArray


def levelled(values: ArrayLike) -> FloatArray:
    """Replace every value by the smallest of those it is tied with; NaN stay.

    Parameters
    ----------
    values : array-like of shape (n,)
    """
    v = np.asarray(values, dtype=np.float64)
    order = np.argsort(v, kind="stable")[: np.count_nonzero(~np.isnan(v))]  # NaN come last
    ascending = v[order]
    with np.errstate(invalid="ignore"):  # infinity is tied with infinity
        starts = np.diff(ascending, prepend=-np.inf) > TOLERANCE
    groups = np.cumsum(starts) - starts[:1].sum()
    found = v.copy()
    found[order] = ascending[np.searchsorted(groups, groups)]
    return found


def ranks(values: pd.Series[float], measure: Measure) -> pd.Series[float]:
    """Rank values in a measure: 1 is best, tied ones share the smallest rank; NaN have none."""
    level = pd.Series(levelled(values), values.index)
    return level.rank(method="min", ascending=not measure.higher_is_better)


def beats(value: float, other: float, measure: Measure) -> bool:
    """Tell whether a value is better than another, and not tied with it."""
    better, worse = (value, other) if measure.higher_is_better else (other, value)
    return bool(better - worse > TOLERANCE)


def without_ties(differences: FloatArray) -> FloatArray:
    """Set the differences of tied scores to 0."""
    return np.where(np.abs(differences) <= TOLERANCE, 0.0, differences)


def no_spread(differences: FloatArray) -> FloatArray:
    """Tell of which columns, shape (m,), all values are the same, shape (n, m)."""
    size = np.maximum(1.0, np.abs(differences).max(axis=0, initial=0.0))
    same: FloatArray = np.ptp(differences, axis=0) <= TOLERANCE * size
    return same
