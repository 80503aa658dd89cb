"""Coordinates in which SA-BFGS searches the weights and intercepts of the maximum entropy model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.arrays import FloatArray

#: A penalty of this share of the features' sum of squares hides what the decomposition of X' X,
#: several times faster than that of X, loses: singular values below 1e-8 of the greatest.
HIDING = 1e-9


class Spectrum(NamedTuple):
    """A singular value decomposition ``X = U S V'`` without the directions that X does not see.

    Attributes
    ----------
    scores : ndarray of shape (n, r)
        ``U S = X V``, r the numerical rank of X (at least 1).
    s : ndarray of shape (r,)
        Singular values.
    basis : ndarray of shape (q, r)
        ``V``.
    """

    scores: FloatArray
    s: FloatArray
    basis: FloatArray


@dataclass(frozen=True)
class Coordinates:
    """Features in coordinates of their own, and the way to and from them.

    Attributes
    ----------
    features : ndarray of shape (n, r)
        The features there.
    penalty : ndarray of shape (r,)
        Weight of the squared weights of each.
    constant : float
        Value of the column whose weights times it are the intercepts; 0 without intercepts.
    mean : ndarray of shape (q,)
        What is taken off the features first.
    basis : ndarray of shape (q, r), optional
        ``V`` of ``X - mean = features diag(1 / lengths) V'``; None for the coordinates given.
    lengths : ndarray of shape (r,)
        See `basis`.
    """

    features: FloatArray
    penalty: FloatArray
    constant: float
    mean: FloatArray
    basis: FloatArray | None
    lengths: FloatArray

    def enter(self, weights: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return weights (q, c) and intercepts (c,) in these coordinates, the intercepts last."""
        own = weights
        if self.basis is not None:
            own = (self.basis.T @ weights) / self.lengths[:, None]
        if not self.constant:
            return own
        return np.vstack((own, (intercept + self.mean @ weights) / self.constant))

    def leave(
        self, found: FloatArray, start: FloatArray, penalised: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return weights (q, c) and intercepts (c,) for what was found from these weights."""
        weights = found[: len(self.lengths)]
        if self.basis is not None:
            # What no training row sees keeps its start, unless the penalty shrinks it to zero.
            unseen = 0.0 if penalised else start - self.basis @ (self.basis.T @ start)
            weights = self.basis @ (self.lengths[:, None] * weights) + unseen
        if not self.constant:
            return weights, np.zeros(weights.shape[1])
        return weights, self.constant * found[-1] - self.mean @ weights


def plain(X: FloatArray, l2: float, intercept: bool, _: dict[str, Spectrum]) -> Coordinates:
    """Return the coordinates given, with a constant as large as the root mean square of X.

    A constant of that size makes the search independent of the unit of the features.
    """
    q = X.shape[1]
    constant = float(np.sqrt(np.mean(X**2))) or 1.0
    return Coordinates(
        X, np.full(q, l2), constant if intercept else 0.0, np.zeros(q), None, np.ones(q)
    )


def whitened(X: FloatArray, l2: float, intercept: bool, known: dict[str, Spectrum]) -> Coordinates:
    """Return coordinates in which the Hessian of the objective is about the same everywhere.

    With ``X - mean = U S V'``, weights ``W = V diag(t) A`` and ``t = sqrt(n / (s^2 + l2))``, the
    scores are ``(U diag(s t)) A`` and the penalty is ``l2/2 sum_k t_k^2 ||a_k||^2``. Only with
    intercepts is the mean taken off.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Features.
    l2 : float
        Weight of the penalty.
    intercept : bool
        Whether there are intercepts.
    known : dict
        Decompositions of these features made before, by their kind; what is made here is added.

    Returns
    -------
    Coordinates
    """
    mean, centered = np.zeros(X.shape[1]), X
    if intercept:
        mean = X.mean(axis=0)
        centered = np.where(np.ptp(X, axis=0) > 0.0, X - mean, 0.0)
    gram = len(X) > 2 * X.shape[1] and l2 > HIDING * float(np.vdot(centered, centered))
    kind = f"{'gram' if gram else 'svd'}, {intercept}"
    if kind not in known:
        known[kind] = decompose_gram(centered) if gram else decompose(centered)
    scores, s, basis = known[kind]
    square = s**2 + l2
    lengths = np.sqrt(len(X) / np.where(square > 0, square, 1.0))
    return Coordinates(
        scores * lengths, l2 * lengths**2, 1.0 if intercept else 0.0, mean, basis, lengths
    )


def decompose(X: FloatArray) -> Spectrum:
    """Decompose X to full accuracy."""
    left, s, right = np.linalg.svd(X, full_matrices=False)
    rank = max(1, int((s > s[0] * max(X.shape) * np.finfo(float).eps).sum()))
    return Spectrum(left[:, :rank] * s[:rank], s[:rank], right[:rank].T)


def decompose_gram(X: FloatArray) -> Spectrum:
    """Decompose X through X' X, which tells singular values above 1e-8 of the greatest."""
    square, basis = np.linalg.eigh(X.T @ X)
    seen = square > max(square[-1], 0.0) * len(square) * np.finfo(float).eps
    seen[-1] = True
    return Spectrum(X @ basis[:, seen], np.sqrt(np.maximum(square[seen], 0.0)), basis[:, seen])
