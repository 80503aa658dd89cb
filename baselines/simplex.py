"""From any real numbers to distributions, and back to numbers: projection, clipping, softmax."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from features.arrays import FloatArray

#: Share of the uniform distribution that is mixed in before logarithms are taken.
LOG_SMOOTHING = 0.01


def project(V: FloatArray) -> FloatArray:
    """Return the nearest point of the simplex to each row, by Euclidean distance.

    That is ``max(v - t, 0)`` with the one threshold t for which the row sums to 1. Sorted down as
    ``u_1 >= u_2 >= ...``, the positive shares are the first r, r being the last number for which
    ``u_r > t_r`` with ``t_r = (u_1 + ... + u_r - 1) / r``; then t is t_r.

    Parameters
    ----------
    V : ndarray of shape (n, c)

    Returns
    -------
    ndarray of shape (n, c)
        Rows on the simplex.

    References
    ----------
    Held, Wolfe and Crowder, "Validation of subgradient optimization", Mathematical Programming 6,
    1974; Duchi et al., "Efficient projections onto the l1-ball", ICML 2008, figure 1.
    """
    # The projection is the same after a shift of the row, which keeps large values exact.
    V = V - V.max(axis=1, keepdims=True)
    down = -np.sort(-V, axis=1)
    thresholds = (np.cumsum(down, axis=1) - 1) / np.arange(1, V.shape[1] + 1)
    last = (down > thresholds).sum(axis=1) - 1
    shares = np.maximum(V - thresholds[np.arange(len(V)), last][:, None], 0.0)
    return shares / shares.sum(axis=1, keepdims=True)


def clip(V: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Set negative values to 0 and divide each row by its sum.

    Parameters
    ----------
    V : ndarray of shape (n, c)
    otherwise : ndarray of shape (c,)
        The distribution for rows without a positive value.

    Returns
    -------
    ndarray of shape (n, c)
        Rows on the simplex.
    """
    greatest = np.maximum(V.max(axis=1, keepdims=True), 0.0)
    scaled = np.maximum(V, 0.0) / np.where(greatest > 0, greatest, 1.0)  # sums cannot overflow
    sums = scaled.sum(axis=1, keepdims=True)
    return np.where(sums > 0, scaled / np.where(sums > 0, sums, 1.0), otherwise)


def log_ratios(D: FloatArray) -> FloatArray:
    """Return centred log-ratios: logarithms of the shares less their mean over the labels.

    Zeros have no logarithm, so `LOG_SMOOTHING` of the uniform distribution is mixed in first.
    `from_log_ratios` undoes the logarithms, not the mixing.
    """
    logs = np.log((1 - LOG_SMOOTHING) * D + LOG_SMOOTHING / D.shape[1])
    return logs - logs.mean(axis=1, keepdims=True)


def from_log_ratios(Z: FloatArray) -> FloatArray:
    """Return ``exp(z_j) / sum_k exp(z_k)`` of each row."""
    return np.asarray(softmax(Z, axis=1))
