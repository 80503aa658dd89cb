"""Earth mover's distances, for labels that stand in an order: on a line, or round a circle.

Both take the labels in the order of the columns and compare nothing but how much mass has to go how
far. With labels in no such order they mean nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from benchmark.metrics.base import Measure, pair
from features.arrays import FloatArray


def earth_movers_distance(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Earth mover's distance on ordered labels, sum_j abs(F_j - G_j) / (c - 1), in [0, 1].

    F and G are the cumulated shares of d and p; a step from one label to the next costs 1. Divided
    by c - 1, the steps from the first label to the last, so that 1 is all mass at one end in place
    of the other. With one label it is 0.

    Source: Rubner, Tomasi, Guibas, "The earth mover's distance as a metric for image retrieval",
    International Journal of Computer Vision 40(2), 2000; in closed form on a line Werman, Peleg,
    Rosenfeld, "A distance metric for multidimensional histograms", Computer Vision, Graphics, and
    Image Processing 32(3), 1985.
    """
    difference = _cumulated(D, P)
    return np.abs(difference).sum(axis=1) / max(difference.shape[1] - 1, 1)


def circular_emd(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Earth mover's distance round a circle, min_t sum_j abs(F_j - G_j - t) / floor(c / 2), [0, 1].

    The last label is next to the first, as emotions on a wheel, hours or directions are; a step
    costs 1. The minimum is at t = median_j (F_j - G_j). Divided by floor(c / 2), the steps between
    opposite labels. With one label it is 0.

    Source: Rabin, Delon, Gousseau, "Transportation distances on the circle", Journal of
    Mathematical Imaging and Vision 41, 2011.
    """
    difference = _cumulated(D, P)
    shift = np.median(difference, axis=1, keepdims=True)
    return np.abs(difference - shift).sum(axis=1) / max(difference.shape[1] // 2, 1)


#: Those of this module, in the order of the lists.
ORDERED: tuple[Measure, ...] = (
    Measure("earth_movers_distance", "EMD", earth_movers_distance, higher_is_better=False),
    Measure("circular_emd", "Circular EMD", circular_emd, higher_is_better=False),
)


def _cumulated(D: ArrayLike, P: ArrayLike) -> FloatArray:
    """Cumulated shares of D less those of P; the last is 0 but for rounding."""
    d, p = pair(D, P)
    return np.cumsum(d - p, axis=1)
