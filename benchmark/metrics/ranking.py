"""How well the order of the labels is predicted: rank correlations, and the labels on top.

Every function takes the true distributions D and the predicted ones P, both (n, c), and returns
one value per row. Ties are exact: equal numbers.
"""

from __future__ import annotations

from functools import partial, update_wrapper

import numpy as np
from numpy.typing import ArrayLike

from benchmark.metrics.base import Measure, pair
from features.arrays import FloatArray


def spearman(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Spearman's rank correlation of the labels, Pearson's of their ranks, in [-1, 1].

    Tied labels share the mean of their ranks. Where all shares of d, or all of p, are equal there
    is no order to correlate: 1 if both are so, which agree in having none, else 0.

    Source: Spearman, "The proof and measurement of association between two things", American
    Journal of Psychology 15(1), 1904.
    """
    d, p = (_centred_ranks(shares) for shares in pair(D, P))
    return _correlation((d * p).sum(axis=1), np.square(d).sum(axis=1), np.square(p).sum(axis=1))


def kendall(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Kendall's tau-b of the labels, (C - R) / sqrt((C + R + T_d) (C + R + T_p)), in [-1, 1].

    C and R count the pairs of labels that d and p put in the same and in reverse order, T_d and T_p
    those that are tied in p alone and in d alone. Rows whose shares are all equal count as in
    `spearman`.

    Source: Kendall, "The treatment of ties in ranking problems", Biometrika 33(3), 1945.
    """
    d, p = pair(D, P)
    agreement, untied_d, untied_p = np.zeros((3, len(d)))
    for label in range(d.shape[1] - 1):
        later_d = np.sign(d[:, label + 1 :] - d[:, [label]])
        later_p = np.sign(p[:, label + 1 :] - p[:, [label]])
        agreement += (later_d * later_p).sum(axis=1)
        untied_d += np.abs(later_d).sum(axis=1)
        untied_p += np.abs(later_p).sum(axis=1)
    return _correlation(agreement, untied_d, untied_p)


def top_k_accuracy(D: ArrayLike, P: ArrayLike, k: int) -> FloatArray:
    """1 where the largest true label is among the {k} largest predicted ones, else 0.

    Of tied labels the first come first, in both, so that with one label in place of {k} it is
    `accuracy`. With {k} labels or fewer it is 1 everywhere and tells nothing. In [0, 1].

    Source: Russakovsky and others, "ImageNet large scale visual recognition challenge",
    International Journal of Computer Vision 115(3), 2015 (as top-5 error).
    """
    d, p = pair(D, P)
    top = np.argsort(-p, axis=1, kind="stable")[:, :k]
    return (top == d.argmax(axis=1)[:, None]).any(axis=1).astype(np.float64)


def _top(k: int) -> Measure:
    function = update_wrapper(partial(top_k_accuracy, k=k), top_k_accuracy)
    function.__doc__ = str(top_k_accuracy.__doc__).replace("{k}", str(k))
    return Measure(f"top_{k}_accuracy", f"Top-{k} acc. %", function, higher_is_better=True,
                   percent=True)  # fmt: skip


#: Those of this module, in the order of the lists.
RANKING: tuple[Measure, ...] = (
    Measure("spearman", "Spearman", spearman, higher_is_better=True, low=-1.0),
    Measure("kendall", "Kendall", kendall, higher_is_better=True, low=-1.0),
    _top(2),
    _top(3),
)


def _centred_ranks(shares: FloatArray) -> FloatArray:
    """Twice the ranks of each row's shares less their mean: how many are smaller, less larger."""
    ranks = np.zeros_like(shares)
    for label in range(shares.shape[1]):
        ranks[:, label] = np.sign(shares[:, [label]] - shares).sum(axis=1)
    return ranks


def _correlation(product: FloatArray, square_d: FloatArray, square_p: FloatArray) -> FloatArray:
    """Divide by the root of the squares; rows without an order as `spearman` says."""
    square = square_d * square_p
    none = (square_d == 0) & (square_p == 0)
    found = np.divide(product, np.sqrt(square), out=none.astype(np.float64), where=square > 0)
    return np.clip(found, -1.0, 1.0)
