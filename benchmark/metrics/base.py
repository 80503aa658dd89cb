"""What a measure is: a function of true and predicted distributions, with direction and range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from features.arrays import FloatArray

#: Stands in for zero in logarithms.
EPS = 1e-10

#: Values that differ by no more are equal, see `benchmark.analysis.ties`.
TOLERANCE = 1e-6


#: Distributions with more numbers than this are scored by blocks of rows.
BLOCK = 2**22


class MeasureError(ValueError):
    """A user's measure does not return what it declares; says what it does."""


@dataclass(frozen=True)
class Measure:
    """One column of the tables.

    Attributes
    ----------
    name : str
        Name in files, the same as the function's.
    title : str
        Column title in tables; those of the paper's measures are the paper's.
    function : callable
        ``(D, P) -> (n,)``, or ``(D, P) -> float`` of a measure of a set of rows.
    higher_is_better : bool
        Direction.
    in_mean_rank : bool
        Whether the measure counts in the mean rank of a table with the default columns; the paper's
        seven do. In a table of chosen measures all of them count.
    percent : bool
        Whether tables show the value times 100.
    low : float
        Least value.
    high : float or callable
        Largest value, or ``labels -> largest value`` where that depends on their number; infinity
        where there is none.
    per_row : bool
        Whether every row has a value. Others have one for a set of rows, and so none of what is
        told of single instances: no intervals over them, no effect sizes.
    best : float, optional
        The value of a perfect prediction, where a user's measure declares one.
    origin : str
        Where it comes from; empty for those that are built in.
    digits : int
        Decimals that people are shown; of what is shown in percent two fewer.
    """

    name: str
    title: str
    function: Callable[[Any, Any], Any]
    higher_is_better: bool
    in_mean_rank: bool = True
    percent: bool = False
    low: float = 0.0
    high: float | Callable[[int], float] = 1.0
    per_row: bool = True
    best: float | None = None
    origin: str = ""
    digits: int = 4

    @property
    def factor(self) -> int:
        """What people are shown is the value times this."""
        return 100 if self.percent else 1

    @property
    def decimals(self) -> int:
        """Number of decimals that people are shown."""
        return max(self.digits - 2, 0) if self.percent else self.digits

    @property
    def arrow(self) -> str:
        """Points to where better is."""
        return "↑" if self.higher_is_better else "↓"

    def bounds(self, labels: int) -> tuple[float, float]:
        """Return the least and the largest value for so many labels."""
        return self.low, float(self.high(labels) if callable(self.high) else self.high)

    def mean(self, D: ArrayLike, P: ArrayLike) -> float:
        """Score rows by one number: the mean of their values, or the value of the set."""
        return float(self.of_rows(D, P).mean()) if self.per_row else float(self.function(D, P))

    def of_rows(self, D: ArrayLike, P: ArrayLike) -> Any:
        """Return the value of every row, of a measure that has one, in memory for some rows."""
        if np.size(D) <= BLOCK or np.shape(D) != np.shape(P):
            return self.function(D, P)
        d, p = np.asarray(D), np.asarray(P)
        size = max(1, BLOCK // d.shape[1])
        starts = range(0, len(d), size)
        return np.concatenate([self.function(d[i : i + size], p[i : i + size]) for i in starts])

    @property
    def summary(self) -> str:
        """What it is, with formula and range: the first paragraph of the function's docstring."""
        return " ".join(cleandoc(self.function.__doc__ or "").partition("\n\n")[0].split())

    @property
    def source(self) -> str:
        """Where it was published: what stands behind ``Source:`` in the function's docstring."""
        text = cleandoc(self.function.__doc__ or "").partition("Source: ")[2]
        return " ".join(text.partition("\n\n")[0].split())


def pair(D: ArrayLike, P: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as matrices.

    Raises
    ------
    ValueError
        The shapes differ, are not two-dimensional, or have no rows.
    """
    d, p = np.asarray(D, dtype=np.float64), np.asarray(P, dtype=np.float64)
    if d.shape != p.shape or d.ndim != 2 or 0 in d.shape:
        raise ValueError(
            f"D and P must be matrices of one shape with at least one row, "
            f"they are {d.shape} and {p.shape}"
        )
    return d, p
