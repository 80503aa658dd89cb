"""The matrix W in the wheel's place: the paper's prior, and what an ablation compares it with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewmtcnn.wheel import prior_distributions
from features.arrays import FloatArray

#: What can stand in the wheel's place; see `wheel_matrix`.
WHEELS = ("none", "prior", "identity", "random", "correlation")

#: The least share that a network's start gives a label, also one that no row has.
SMALLEST_SHARE = 1e-7

# Of expectation maximisation; a sharp matrix is inverted in a few.
_STEPS = 500


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


def scores_of(mean: FloatArray, W: FloatArray | None, reading: str) -> FloatArray:
    """Find scores z of the labels for which a network predicts a distribution, as near as it can.

    Without W they are ln(mean). In the reading "logit", where p = softmax(z W), they solve
    z W = ln(mean) by least squares. In "mixture" p = v W, and v minimises KL(mean || v W) over the
    simplex, by the multiplicative steps of expectation maximisation; z = ln v.

    Parameters
    ----------
    mean : ndarray of shape (c,)
        The distribution; shares below `SMALLEST_SHARE` count as such.
    W : ndarray of shape (c, c), optional
        The matrix.
    reading : {"mixture", "logit"}
        See `ewmtcnn.network.Wheel`.

    Returns
    -------
    ndarray of shape (c,)
        Their mean is 0.
    """
    wanted = np.maximum(mean, SMALLEST_SHARE)
    if W is None:
        z = np.log(wanted)
    elif reading == "logit":
        z = np.linalg.lstsq(W.T, np.log(wanted), rcond=None)[0]
    else:
        v = np.full(len(wanted), 1.0 / len(wanted))
        for _ in range(_STEPS):
            v *= W @ (wanted / np.maximum(v @ W, SMALLEST_SHARE))
            v /= v.sum()
        z = np.log(np.maximum(v, SMALLEST_SHARE))
    return np.asarray(z - z.mean())
