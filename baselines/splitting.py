"""The matrices that `baselines.weighted_svm` iterates with, made once for many machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, lapack

from baselines.anderson import Rows
from baselines.low_rank import Gram, shrunk_inverse
from features.arrays import FloatArray

#: Penalty of the splitting, see `prepare`.
PENALTY = 4.0

#: From this tolerance on, single precision is enough for the iteration.
SINGLE_PRECISION_TOL = 1e-3


@dataclass(frozen=True)
class Splitting:
    """A kernel matrix with the penalty r of the splitting and r (K + r I)^-1.

    The inverse may have single precision, and so has then a second kernel: see `prepare`. Of a
    kernel made of features F these are kept (n, m), and the matrices are known by their products.
    """

    kernel: FloatArray | Gram
    rounded: Rows | Gram
    penalty: float
    inverse: NDArray[np.floating[Any]] | Gram
    factor: FloatArray | None = None

    def coefficients(self, beta: FloatArray) -> FloatArray:
        """Return what the kernel's columns, or the features, of new rows are multiplied with."""
        return beta if self.factor is None else beta @ self.factor


def prepare(K: FloatArray, tol: float) -> Splitting:
    """Invert K + r I once, in n^3 operations.

    r is 4. It depends on the kernel alone, whose diagonal is 1: beta and the bounds may be scaled
    together. For C from 0.01 to 10, 150 to 4,000 rows and 4 to 18 labels, 2 to 8 take the fewest
    iterations, so one inverse serves every C.

    Iterating with a rounded inverse costs half and takes as many iterations at the usual
    tolerances; that a machine is solved is always found in double precision.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel matrix.
    tol : float
        The tolerance that `solve_machines` will get; from `SINGLE_PRECISION_TOL` on the inverse
        is rounded to single precision.
    """
    inverse = _shrunk_inverse(K, PENALTY)
    if tol < SINGLE_PRECISION_TOL:
        return Splitting(K, K, PENALTY, inverse)
    rounded = inverse.astype(np.float32)
    del inverse
    return Splitting(K, K.astype(np.float32), PENALTY, rounded)


def prepare_features(F: FloatArray, tol: float) -> Splitting:
    """Do what `prepare` does for the kernel F F', in n m^2 operations and without that matrix.

    Parameters
    ----------
    F : ndarray of shape (n, m)
        Features, see `baselines.low_rank`.
    tol : float
        As in `prepare`.
    """
    precision = np.dtype(np.float64 if tol < SINGLE_PRECISION_TOL else np.float32)
    inverse = shrunk_inverse(F, PENALTY, precision)
    rounded = Gram(F.astype(precision, copy=False))
    return Splitting(Gram(F), rounded, PENALTY, inverse, F)


def _shrunk_inverse(K: FloatArray, r: float) -> FloatArray:
    """Return r (K + r I)^-1."""
    shifted = K / r
    shifted.flat[:: len(K) + 1] += 1.0
    factor, _ = cho_factor(shifted.T, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    _mirror_lower(inverse)
    return inverse


def _mirror_lower(matrix: FloatArray, block: int = 256) -> None:
    """Copy the lower triangle onto the upper one, without a second matrix."""
    for start in range(0, len(matrix), block):
        own, rest = slice(start, start + block), slice(start + block, None)
        corner = np.tril(matrix[own, own])
        matrix[own, own] = corner + np.tril(corner, -1).T
        matrix[own, rest] = matrix[rest, own].T
