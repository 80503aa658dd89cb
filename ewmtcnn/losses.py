"""The loss of EW-MTCNN: one cross entropy that holds both of its tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from features.arrays import FloatArray


def mixed_targets(D: ArrayLike, loss_weight: float) -> FloatArray:
    """Mix the dominant label into each distribution: t = (1 - lambda) y + lambda d.

    The loss (1 - lambda) L_cls + lambda L_sdl (Lai, Wan and Zeng 2022, section 2.3), in which
    L_cls is the cross entropy with the dominant label y, one-hot, and L_sdl that with the
    distribution d, is linear in y and d: it is the cross entropy with t.

    Parameters
    ----------
    D : array-like of shape (n, c)
        Distributions; the first of tied labels is the dominant one.
    loss_weight : float
        lambda, from 0 to 1.

    Returns
    -------
    ndarray of shape (n, c), float64
        Rows on the simplex.
    """
    distributions = np.asarray(D, dtype=np.float64)
    dominant = np.eye(distributions.shape[1])[distributions.argmax(axis=1)]
    return (1.0 - loss_weight) * dominant + loss_weight * distributions


def cross_entropy(targets: Any, log_p: Any) -> Any:
    """Return -sum_j t_j ln p_j of every row.

    At u, where p = softmax(u), its gradient is p - t = p - (1 - lambda) y - lambda d, the paper's
    eq. 4; that is so in the reading "logit" with u = z W, and not in "mixture".

    Parameters
    ----------
    targets : tensor of shape (n, c)
        What `mixed_targets` returned.
    log_p : tensor of shape (n, c)
        Logarithms of the predicted shares.

    Returns
    -------
    tensor of shape (n,)
    """
    return -ops.sum(targets * log_p, axis=-1)
