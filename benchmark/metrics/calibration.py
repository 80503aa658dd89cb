"""Whether predicted shares can be taken at their word: a measure of a set of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from benchmark.metrics.base import Measure, pair

#: Number of bins of the expected calibration error, as in the source.
BINS = 15


def expected_calibration_error(D: ArrayLike, P: ArrayLike) -> float:
    """ECE, the expected calibration error, sum_b n_b / n abs(mean_b d_y - mean_b p_y), [0, 1].

    y is the largest predicted label of a row (the first, if tied), p_y its predicted share and d_y
    its true one, which is the chance that a label drawn from d is y: with one-hot rows it is
    whether y is right, as in the source. Rows are in 15 bins b of equal width by p_y, each without
    its lower end.

    A value of the whole set of rows, not a mean over rows: a table shows the mean over test folds
    of each fold's value, single instances have none. It is biased upwards, the more so the fewer
    rows a fold has.

    Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017,
    section 2; Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI 2015.
    """
    d, p = pair(D, P)
    rows, label = np.arange(len(p)), p.argmax(axis=1)
    predicted, true = p[rows, label], d[rows, label]
    bins = np.clip(np.ceil(predicted * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=true - predicted, minlength=BINS)
    return float(np.abs(gaps).sum() / len(p))


#: Those of this module, in the order of the lists.
CALIBRATION: tuple[Measure, ...] = (
    Measure("expected_calibration_error", "ECE %", expected_calibration_error,
            higher_is_better=False, percent=True, per_row=False),
)  # fmt: skip
