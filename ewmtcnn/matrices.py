"""The matrix W in the wheel's place: the paper's prior, and what an ablation compares it with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewmtcnn.wheel import prior_distributions
from features.arrays import FloatArray

#: What can stand in the wheel's place; see `wheel_matrix`.
WHEELS = ("none", "prior", "identity", "random", "correlation")


def wheel_matrix(
    kind: str,
    D: FloatArray,
    labels: Sequence[str] | None,
    sigma: float,
    neutral: str,
    rng: np.random.Generator,
) -> FloatArray | None:
    """Make the matrix W of a network.

    Parameters
    ----------
    kind : {"none", "prior", "identity", "random", "correlation"}
        No matrix; the prior distributions of the emotion wheel; each label alone; rows drawn
        uniformly from the simplex; or `label_correlation` of the training rows.
    D : ndarray of shape (n, c)
        Distributions of the training rows.
    labels : sequence of str, optional
        Names of the c labels, needed for the prior.
    sigma, neutral
        See `ewmtcnn.wheel.prior_distributions`.
    rng : Generator
        For random rows.

    Returns
    -------
    ndarray of shape (c, c) or None
        Rows on the simplex.

    Raises
    ------
    ValueError
        The prior is asked for, and `labels` are missing, of another number, or not on the wheel.
    """
    c = D.shape[1]
    if kind == "none":
        return None
    if kind == "identity":
        return np.eye(c)
    if kind == "random":
        return rng.dirichlet(np.ones(c), size=c)
    if kind == "correlation":
        return label_correlation(D)
    if labels is None:
        raise ValueError(
            "wheel = 'prior' needs the names of the labels: give labels, in the order of D"
        )
    if len(labels) != c:
        raise ValueError(f"labels has {len(labels)} names, but D has {c} columns")
    return prior_distributions(labels, sigma, neutral)


def label_correlation(D: FloatArray) -> FloatArray:
    """Turn the correlations between labels into rows on the simplex.

    Row j has Pearson's correlation of label j with each label over the rows of D, negative ones
    being 0, divided by their sum. A label that never varies is correlated with itself alone.

    Parameters
    ----------
    D : ndarray of shape (n, c)
        Distributions.

    Returns
    -------
    ndarray of shape (c, c)
    """
    centred = D - D.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    varying = norms > 0
    scaled = np.divide(centred, norms, out=np.zeros_like(centred), where=varying)
    correlation = np.maximum(scaled.T @ scaled, 0.0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation / correlation.sum(axis=1, keepdims=True))
