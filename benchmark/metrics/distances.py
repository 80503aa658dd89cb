"""Distances and similarities of distributions beyond the paper's, whatever the labels' order.

Every function takes the true distributions D and the predicted ones P, both (n, c), and returns
one value per row. A label with d = p = 0 contributes 0 to every measure, and none needs a stand-in
for zero in a logarithm or denominator.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from benchmark.metrics.base import Measure, pair
from features.arrays import FloatArray


def jensen_shannon(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Jensen-Shannon divergence, (KL(d, m) + KL(p, m)) / 2 with m = (d + p) / 2, in bits, [0, 1].

    The divergence, with logarithms of base 2; others report its square root, the Jensen-Shannon
    distance, or the divergence in nats, which is ln 2 = 0.693 times this one.

    Source: Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on
    Information Theory 37(1), 1991.
    """
    d, p = pair(D, P)
    return np.clip((_to_middle(d, p) + _to_middle(p, d)) / 2, 0.0, 1.0)


def euclidean(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Euclidean distance, sqrt(sum_j (d_j - p_j)^2), in [0, sqrt(2)].

    Source: Geng and Ji, "Label distribution learning", ICDM Workshops 2013.
    """
    d, p = pair(D, P)
    return np.sqrt(np.square(d - p).sum(axis=1))


def squared_chi_square(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Squared chi square, sum_j (d_j - p_j)^2 / (d_j + p_j), in [0, 2].

    Source: Geng and Ji, "Label distribution learning", ICDM Workshops 2013.
    """
    d, p = pair(D, P)
    total = d + p
    return np.divide(np.square(d - p), total, out=np.zeros_like(d), where=total > 0).sum(axis=1)


def sorensen(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Sorensen distance, sum_j abs(d_j - p_j) / sum_j (d_j + p_j), in [0, 1].

    Of distributions it is 1 - intersection.

    Source: Geng and Ji, "Label distribution learning", ICDM Workshops 2013.
    """
    d, p = pair(D, P)
    return np.abs(d - p).sum(axis=1) / (d + p).sum(axis=1)


def fidelity(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Fidelity (Bhattacharyya coefficient), sum_j sqrt(d_j p_j), in [0, 1].

    Source: Geng and Ji, "Label distribution learning", ICDM Workshops 2013.
    """
    d, p = pair(D, P)
    return np.sqrt(d * p).sum(axis=1)


def mean_absolute_error(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Mean absolute error of a share, sum_j abs(d_j - p_j) / c, in [0, 2 / c].

    It compares models on one dataset; between datasets it falls with the number of labels.

    Source: Willmott and Matsuura, "Advantages of the mean absolute error (MAE) over the root mean
    square error (RMSE)", Climate Research 30(1), 2005.
    """
    d, p = pair(D, P)
    return np.abs(d - p).mean(axis=1)


#: Those of this module, in the order of the lists.
DISTANCES: tuple[Measure, ...] = (
    Measure("jensen_shannon", "JS", jensen_shannon, higher_is_better=False),
    Measure("euclidean", "Eucl", euclidean, higher_is_better=False, high=math.sqrt(2)),
    Measure("squared_chi_square", "sqChi2", squared_chi_square, higher_is_better=False, high=2.0),
    Measure("sorensen", "Sor", sorensen, higher_is_better=False),
    Measure("fidelity", "Fid", fidelity, higher_is_better=True),
    Measure("mean_absolute_error", "MAE", mean_absolute_error, higher_is_better=False,
            high=lambda labels: 2 / labels),
)  # fmt: skip


def _to_middle(a: FloatArray, b: FloatArray) -> FloatArray:
    """KL divergence of the middle of two distributions from the first, in bits."""
    ratio = np.divide(2 * a, a + b, out=np.ones_like(a), where=a > 0)
    bits: FloatArray = (a * np.log2(ratio)).sum(axis=1)
    return bits
