"""The conditional probability neural network: its outputs, its objective and the gradient.

One small network sees an instance together with one label and says how well they fit; a softmax
over the labels makes a distribution of the answers. In this module c counts labels, n rows, q
features, h hidden units, and m the numbers that stand for a label (its code).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from features.arrays import FloatArray

CODES = ("number", "binary", "augmented")

#: (Label, row) pairs handled at a time: their activations fit the cache, and memory is bounded.
BLOCK = 3072

#: From so many labels on activations lie in memory by labels, else by rows: loops need length.
MANY_LABELS = 128

#: How many augmented distributions replace one distribution where code="augmented".
AUGMENTED_COPIES = 5


def label_codes(code: str, c: int) -> FloatArray:
    """Return what the network sees of each label, shape (c, m).

    ``"number"``: the numbers 1..c (m = 1), as published. They need no scaling: a weight and the
    bias of each hidden unit absorb any. ``"binary"``, ``"augmented"``: a one for the label, else
    zeros (m = c).
    """
    return np.arange(1.0, c + 1.0)[:, None] if code == "number" else np.eye(c)


def augment(D: FloatArray, copies: int = AUGMENTED_COPIES) -> FloatArray:
    """Return the mean of the augmented distributions of every row, shape (n, c).

    Copy r = 1..copies raises the largest degree, the first one of equals, to d_k (1 + 1/r), and
    is divided by its sum. Training on x paired with each of the copies has the same objective as
    training on x paired with their mean, because cross entropy is linear in d, and costs `copies`
    times as much; so the copies are never made.
    """
    rows, top = np.arange(len(D)), D.argmax(axis=1)
    total = np.zeros_like(D)
    for r in range(1, copies + 1):
        raised = D.copy()
        raised[rows, top] *= 1.0 + 1.0 / r
        total += raised / raised.sum(axis=1, keepdims=True)
    return total / copies


def unpack(weights: FloatArray, q: int, m: int) -> tuple[FloatArray, FloatArray]:
    """Split a weight vector into hidden weights (h, q + m + 1), bias last, and output weights (h,).

    There is no output bias: it would cancel in the softmax.
    """
    h = weights.size // (q + m + 2)
    return weights[:-h].reshape(h, q + m + 1), weights[-h:]


def hidden_activations(
    hidden: FloatArray, X: FloatArray, codes: FloatArray, out: FloatArray | None = None
) -> FloatArray:
    """Return tanh(a/2), a = W_x x_i + W_y y_j + bias, for every label j and row i.

    The sigmoid of a is (1 + tanh(a/2)) / 2, and the network needs only the second part: the first
    is the same for all labels and cancels in the softmax. The hyperbolic tangent needs no care
    where it saturates, and libraries compute it about as fast as an exponential.

    Parameters
    ----------
    hidden : ndarray of shape (h, q + m + 1)
        W_x, W_y and the bias side by side.
    X : ndarray of shape (n, q)
        Features.
    codes : ndarray of shape (c, m)
        Label codes.
    out : ndarray of shape (c, h, n), optional
        Where to put the result.

    Returns
    -------
    ndarray of shape (c, h, n)
        The order in which everything after this runs along contiguous rows.
    """
    return _tanh_of_sums(*_halves(hidden, X, codes), out)


def _halves(hidden: FloatArray, X: FloatArray, codes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the parts of a/2 that belong to the rows, (h, n), and to the labels, (c, h, 1)."""
    q = X.shape[1]
    half = 0.5 * hidden
    return half[:, :q] @ X.T, (codes @ half[:, q:-1].T + half[:, -1])[:, :, None]


def _tanh_of_sums(row: FloatArray, label: FloatArray, out: FloatArray | None) -> FloatArray:
    T = np.empty((*label.shape[:2], row.shape[1]), row.dtype) if out is None else out
    # Faster than np.add(row, label, out=T), whose two operands are both spread out.
    np.copyto(T, label)
    T += row
    return np.tanh(T, out=T)


def _tanh_by_labels(
    row: FloatArray, label: FloatArray, out: FloatArray | None = None
) -> FloatArray:
    """Return what `_tanh_of_sums` does, as (h, n, c), for rows (h, n) and labels (h, c)."""
    T = np.add(row[:, :, None], label[:, None, :], out=out)
    return np.tanh(T, out=T)


def row_blocks(n: int, c: int) -> list[slice]:
    """Cut n rows into slices of `BLOCK` (label, row) pairs or fewer, each of one row or more."""
    size = max(1, BLOCK // c)
    return [slice(start, start + size) for start in range(0, n, size)]


class Labels(NamedTuple):
    """What the network knows of the labels.

    Attributes
    ----------
    codes : ndarray of shape (c, m)
        See `label_codes`.
    log_prior : ndarray of shape (c, 1) or float
        Is added to f.
    """

    codes: FloatArray
    log_prior: FloatArray | float = 0.0


def cpnn_probabilities(weights: FloatArray, X: FloatArray, labels: Labels) -> FloatArray:
    """Return p(y|x) = prior_y exp(f(x, y)) / sum_y prior_y exp(f(x, y)), shape (n, c)."""
    codes = labels.codes
    hidden, out = unpack(weights, X.shape[1], codes.shape[1])
    P = np.empty((len(X), len(codes)), dtype=X.dtype)
    if len(codes) >= MANY_LABELS:
        row, label = _halves(hidden, X, codes)
        by_unit, prior = np.ascontiguousarray(label[:, :, 0].T), np.ravel(labels.log_prior)
        for rows in row_blocks(*P.shape):
            T = _tanh_by_labels(row[:, rows], by_unit)
            f = (0.5 * out @ T.reshape(len(T), -1)).reshape(-1, len(codes)) + prior
            P[rows] = softmax(f, axis=1)
        return P
    for rows in row_blocks(*P.shape):
        f = 0.5 * out @ hidden_activations(hidden, X[rows], codes) + labels.log_prior
        P[rows] = softmax(f, axis=0).T
    return P


def scratch(n: int, c: int, h: int, dtype: type = np.float64) -> FloatArray:
    """Return memory for `cpnn_loss` to work in; getting it anew every epoch costs time."""
    rows = min(n, max(1, BLOCK // c))
    return np.empty((h, rows, c) if c >= MANY_LABELS else (c, h, rows), dtype=dtype)


def cpnn_loss(
    weights: FloatArray,
    X: FloatArray,
    labels: Labels,
    D: FloatArray,
    l2: float = 0.0,
    work: FloatArray | None = None,
) -> tuple[float, FloatArray]:
    """Return the training objective of CPNN and its gradient.

    With f(x, y) = sum_k v_k sigmoid(a_k) and t_k = tanh(a_k / 2)::

        T = -1/n sum_ij d_ij ln p_ij + l2/2 sum w^2
        dT/df_ij = (p_ij sum_j d_ij - d_ij) / n =: e_ij,   sum_j e_ij = 0
        dT/dv_k  = 1/2 sum_ij e_ij t_ijk
        dT/da_ijk = 1/4 e_ij v_k (1 - t_ijk^2)

    The derivative by a_ijk is summed over the labels before it meets X, and over the rows before
    it meets the codes: one product of (h, n) and (n, q) instead of c of them.

    Parameters
    ----------
    weights : ndarray of shape (h (q + m + 2),)
        See `unpack`.
    X : ndarray of shape (n, q)
        Features.
    labels : Labels
        For c labels.
    D : ndarray of shape (n, c)
        Distributions.
    l2 : float
        Weight of the penalty, on all weights.
    work : ndarray, optional
        What `scratch` returned, overwritten.

    Returns
    -------
    value : float
    gradient : ndarray of the shape of `weights`
    """
    n, q = X.shape
    hidden, out = unpack(weights, q, labels.codes.shape[1])
    gradient = np.empty_like(weights)
    to_hidden, to_out = unpack(gradient, q, labels.codes.shape[1])
    work = scratch(n, D.shape[1], len(hidden), X.dtype.type) if work is None else work
    row, label = _halves(hidden, X, labels.codes)
    sums = _sums_by_labels if D.shape[1] >= MANY_LABELS else _sums_by_rows
    value, to_out[:], by_row, by_label = sums(row, label, labels.log_prior, out, D, work)
    to_out *= 0.5
    by_label *= 0.25 * out
    by_row *= 0.25 * out[:, None]
    np.matmul(by_row, X, out=to_hidden[:, :q])
    to_hidden[:, q:-1] = by_label.T @ labels.codes
    to_hidden[:, -1] = by_label.sum(axis=0)
    gradient /= n
    gradient += l2 * weights
    return value / n + 0.5 * l2 * float(weights @ weights), gradient


#: The cross entropy, and the sums of e t (h,), over labels of e (1 - t^2) (h, n), over rows (c, h).
Sums = tuple[float, FloatArray, FloatArray, FloatArray]


def _sums_by_rows(
    row: FloatArray,
    label: FloatArray,
    log_prior: FloatArray | float,
    out: FloatArray,
    D: FloatArray,
    work: FloatArray,
) -> Sums:
    """Return what `cpnn_loss` sums over labels and rows, for few labels."""
    half_out = 0.5 * out
    by_row, by_label = np.empty_like(row), np.zeros_like(label[:, :, 0])
    total = D.sum(axis=1)
    value, to_out = 0.0, np.zeros_like(out)
    for rows in row_blocks(*D.shape):
        d = D[rows].T
        T = _tanh_of_sums(row[:, rows], label, work[:, :, : d.shape[1]])
        f = half_out @ T
        f += log_prior
        f -= f.max(axis=0)
        E = np.exp(f)
        sums = E.sum(axis=0)
        value += float(total[rows] @ np.log(sums)) - float(np.vdot(d, f))
        E *= total[rows] / sums
        E -= d
        to_out += np.matmul(T, E[:, :, None])[:, :, 0].sum(axis=0)
        np.multiply(T, T, out=T)
        np.subtract(1.0, T, out=T)
        by_label += np.matmul(T, E[:, :, None])[:, :, 0]
        np.einsum("jki,ji->ki", T, E, out=by_row[:, rows])
    return value, to_out, by_row, by_label


def _sums_by_labels(
    row: FloatArray,
    label: FloatArray,
    log_prior: FloatArray | float,
    out: FloatArray,
    D: FloatArray,
    work: FloatArray,
) -> Sums:
    """Return what `cpnn_loss` sums over labels and rows, for many labels."""
    half_out, prior = 0.5 * out, np.ravel(log_prior)
    by_unit = np.ascontiguousarray(label[:, :, 0].T)
    by_row, by_label = np.empty_like(row), np.zeros_like(by_unit)
    total = D.sum(axis=1)
    value, to_out = 0.0, np.zeros_like(out)
    h, c = by_unit.shape
    for rows in row_blocks(*D.shape):
        d = D[rows]
        T = _tanh_by_labels(row[:, rows], by_unit, work[:, : len(d)])
        flat = T.reshape(h, -1)
        f = (half_out @ flat).reshape(-1, c)
        f += prior
        f -= f.max(axis=1, keepdims=True)
        E = np.exp(f)
        sums = E.sum(axis=1)
        value += float(total[rows] @ np.log(sums)) - float(np.vdot(d, f))
        E *= (total[rows] / sums)[:, None]
        E -= d
        to_out += flat @ E.ravel()
        np.multiply(T, T, out=T)
        np.subtract(1.0, T, out=T)
        T *= E
        by_label += T.sum(axis=1)
        T.sum(axis=2, out=by_row[:, rows])
    return value, to_out, by_row, by_label.T.copy()
