"""The measures of the paper, and tie-aware accuracy: the default columns of the tables.

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

import math

import numpy as np
from numpy.typing import ArrayLike

from benchmark.metrics.base import EPS, Measure, pair
from features.arrays import FloatArray


def chebyshev(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Chebyshev distance, max_j abs(d_j - p_j), in [0, 1].

    Source: Geng, "Label distribution learning", IEEE TKDE 28(7), 2016, table 1.
    """
    d, p = pair(D, P)
    return np.abs(d - p).max(axis=1)


def clark(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Clark distance, sqrt(sum_j ((d_j - p_j) / (d_j + p_j))^2), in [0, sqrt(c)].

    Rewards sparse predictions, see the module's docstring.

    Source: Geng, "Label distribution learning", IEEE TKDE 28(7), 2016, table 1.
    """
    return np.sqrt(np.square(_relative_difference(D, P)).sum(axis=1))


def canberra(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Canberra metric, sum_j abs(d_j - p_j) / (d_j + p_j), in [0, c].

    Rewards sparse predictions, see the module's docstring.

    Source: Geng, "Label distribution learning", IEEE TKDE 28(7), 2016, table 1.
    """
    return _relative_difference(D, P).sum(axis=1)


def kl_divergence(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Kullback-Leibler divergence of P from D, sum_j d_j ln(d_j / p_j), in nats, at least 0.

    Source: Geng, "Label distribution learning", IEEE TKDE 28(7), 2016, table 1.
    """
    d, p = pair(D, P)
    ratio = np.divide(d, np.maximum(p, EPS), out=np.ones_like(d), where=d > 0)
    return (d * np.log(ratio)).sum(axis=1)


def cosine(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Cosine similarity, d.p / (norm(d) norm(p)), in [0, 1].

    Source: Geng, "Label distribution learning", IEEE TKDE 28(7), 2016, table 1.
    """
    d, p = pair(D, P)
    norms = np.linalg.norm(d, axis=1) * np.linalg.norm(p, axis=1)
    return (d * p).sum(axis=1) / np.maximum(norms, EPS)


def intersection(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Intersection, sum_j min(d_j, p_j), in [0, 1].

    Source: Geng, "Label distribution learning", IEEE TKDE 28(7), 2016, table 1.
    """
    d, p = pair(D, P)
    return np.minimum(d, p).sum(axis=1)


def accuracy(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """1 where the largest predicted label is the largest true one (the first, if tied), else 0.

    Source: Lai, Wan, Zeng (2022), section 3.2.
    """
    d, p = pair(D, P)
    return (d.argmax(axis=1) == p.argmax(axis=1)).astype(np.float64)


def tie_aware_accuracy(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Chance that a label drawn from the largest predicted ones is among the largest true ones.

    Equals `accuracy` on rows without tied maxima. Ties are exact: equal numbers. In [0, 1].

    Source: of this project, beside the paper's accuracy.
    """
    d, p = pair(D, P)
    top_d = d == d.max(axis=1, keepdims=True)
    top_p = p == p.max(axis=1, keepdims=True)
    return (top_d & top_p).sum(axis=1) / top_p.sum(axis=1)


def _relative_difference(D: ArrayLike, P: ArrayLike) -> FloatArray:
    d, p = pair(D, P)
    total = d + p
    return np.divide(np.abs(d - p), total, out=np.zeros_like(d), where=total > 0)


#: The default columns, in the order of the tables.
MEASURES: tuple[Measure, ...] = (
    Measure("chebyshev", "Cheb", chebyshev, higher_is_better=False),
    Measure("clark", "Clark", clark, higher_is_better=False, high=math.sqrt),
    Measure("canberra", "Canber", canberra, higher_is_better=False, high=float),
    Measure("kl_divergence", "KLdiv", kl_divergence, higher_is_better=False, high=math.inf),
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

#: Those that count in the mean rank of the default columns, and in the gap to the oracle.
PAPERS_MEASURES = tuple(measure for measure in MEASURES if measure.in_mean_rank)
