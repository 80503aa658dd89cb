"""The measures of label distribution learning, per instance and vectorised.

Every function takes the true distributions D and the predicted ones P, both (n, c), and returns
one value per row. Conventions, which show wherever distributions have exact zeros:

* a label with d = p = 0 contributes 0 to every measure;
* in the logarithm of `kl_divergence`, a predicted share below ``EPS`` = 1e-10 counts as ``EPS``;
* a distribution's label is its first largest one (`accuracy`); `tie_aware_accuracy` instead
  gives every tied label its fair chance.

`clark` and `canberra` reward sparse predictions where true shares are exactly 0, as few raters make
them: a label with d = 0 contributes 1 for any p > 0, be it 0.5 or 0.0001, and 0 for p = 0; one with
d > 0 contributes at most 1. So the distribution that the raters drew from is not the best
prediction in them: with its small shares set to 0 it is better there, and worse in `kl_divergence`,
in which no prediction is better in expectation.

Source: Lai, Wan, Zeng (2022), section 3.2; Geng, "Label Distribution Learning", IEEE TKDE 28(7),
2016, table 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from features.arrays import FloatArray

#: Stands in for zero in logarithms.
EPS = 1e-10

#: Values that differ by no more are equal, see `benchmark.analysis.ties`.
TOLERANCE = 1e-6


def chebyshev(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Chebyshev distance, max_j abs(d_j - p_j), in [0, 1]."""
    d, p = _pair(D, P)
    return np.abs(d - p).max(axis=1)


def clark(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Clark distance, sqrt(sum_j ((d_j - p_j) / (d_j + p_j))^2), in [0, sqrt(c)].

    Rewards sparse predictions, see the module's docstring.
    """
    return np.sqrt(np.square(_relative_difference(D, P)).sum(axis=1))


def canberra(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Canberra metric, sum_j abs(d_j - p_j) / (d_j + p_j), in [0, c].

    Rewards sparse predictions, see the module's docstring.
    """
    return _relative_difference(D, P).sum(axis=1)


def kl_divergence(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Kullback-Leibler divergence of P from D, sum_j d_j ln(d_j / p_j), in nats."""
    d, p = _pair(D, P)
    ratio = np.divide(d, np.maximum(p, EPS), out=np.ones_like(d), where=d > 0)
    return (d * np.log(ratio)).sum(axis=1)


def cosine(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Cosine similarity, d.p / (norm(d) norm(p)), in [0, 1]."""
    d, p = _pair(D, P)
    norms = np.linalg.norm(d, axis=1) * np.linalg.norm(p, axis=1)
    return (d * p).sum(axis=1) / np.maximum(norms, EPS)


def intersection(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Intersection, sum_j min(d_j, p_j), in [0, 1]."""
    d, p = _pair(D, P)
    return np.minimum(d, p).sum(axis=1)


def accuracy(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """1 where the largest predicted label is the largest true one (the first, if tied), else 0."""
    d, p = _pair(D, P)
    return (d.argmax(axis=1) == p.argmax(axis=1)).astype(np.float64)


def tie_aware_accuracy(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Chance that a label drawn from the largest predicted ones is among the largest true ones.

    Equals `accuracy` on rows without tied maxima. Ties are exact: equal numbers.
    """
    d, p = _pair(D, P)
    top_d = d == d.max(axis=1, keepdims=True)
    top_p = p == p.max(axis=1, keepdims=True)
    return (top_d & top_p).sum(axis=1) / top_p.sum(axis=1)


@dataclass(frozen=True)
class Measure:
    """One column of the tables.

    Attributes
    ----------
    name : str
        Name in files, the same as the function's.
    title : str
        Column title in tables, as in the paper.
    function : callable
        ``(D, P) -> (n,)``.
    higher_is_better : bool
        Direction.
    in_mean_rank : bool
        Whether the measure counts in a table's mean rank; the paper's seven do.
    percent : bool
        Whether tables show the value times 100.
    """

    name: str
    title: str
    function: Callable[[Any, Any], FloatArray]
    higher_is_better: bool
    in_mean_rank: bool = True
    percent: bool = False

    @property
    def factor(self) -> int:
        """What people are shown is the value times this."""
        return 100 if self.percent else 1

    @property
    def decimals(self) -> int:
        """Number of decimals that people are shown."""
        return 2 if self.percent else 4


#: Every measure, in the order of the tables.
MEASURES: tuple[Measure, ...] = (
    Measure("chebyshev", "Cheb", chebyshev, higher_is_better=False),
    Measure("clark", "Clark", clark, higher_is_better=False),
    Measure("canberra", "Canber", canberra, higher_is_better=False),
    Measure("kl_divergence", "KLdiv", kl_divergence, higher_is_better=False),
    Measure("cosine", "Cos", cosine, higher_is_better=True),
    Measure("intersection", "Int", intersection, higher_is_better=True),
    Measure("accuracy", "Accuracy %", accuracy, higher_is_better=True, percent=True),
    Measure(
        "tie_aware_accuracy",
        "Tie-aware acc. %",
        tie_aware_accuracy,
        higher_is_better=True,
        in_mean_rank=False,
        percent=True,
    ),
)

#: Those that count in the mean rank and in the gap to the oracle.
PAPERS_MEASURES = tuple(measure for measure in MEASURES if measure.in_mean_rank)

#: All of them by name.
BY_NAME: dict[str, Measure] = {measure.name: measure for measure in MEASURES}


def scores(D: ArrayLike, P: ArrayLike) -> dict[str, float]:
    """Mean of every measure over the rows.

    Parameters
    ----------
    D, P : array-like of shape (n, c)
        True and predicted distributions.

    Returns
    -------
    dict
        Measure name to mean, in the order of `MEASURES`; accuracies as shares in [0, 1].

    Raises
    ------
    ValueError
        The shapes differ, are not two-dimensional, or have no rows.
    """
    return {measure.name: float(measure.function(D, P).mean()) for measure in MEASURES}


def _pair(D: ArrayLike, P: ArrayLike) -> tuple[FloatArray, FloatArray]:
    d, p = np.asarray(D, dtype=np.float64), np.asarray(P, dtype=np.float64)
    if d.shape != p.shape or d.ndim != 2 or 0 in d.shape:
        raise ValueError(
            f"D and P must be matrices of one shape with at least one row, "
            f"they are {d.shape} and {p.shape}"
        )
    return d, p


def _relative_difference(D: ArrayLike, P: ArrayLike) -> FloatArray:
    d, p = _pair(D, P)
    total = d + p
    return np.divide(np.abs(d - p), total, out=np.zeros_like(d), where=total > 0)
