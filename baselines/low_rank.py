"""Kernel matrices as products F F' of features, for kernels too large to be written down."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from sklearn.kernel_approximation import Nystroem, RBFSampler

from baselines.size import parts
from features.arrays import FloatArray

#: The approximations of a kernel by name, besides ``"none"``.
APPROXIMATIONS = {"nystroem": Nystroem, "fourier": RBFSampler}

Numbers = NDArray[np.floating[Any]]


class Gram:
    """The matrix F F', or I - F F', of which only products with rows are taken: ``rows @ matrix``.

    Parameters
    ----------
    factor : ndarray of shape (n, m)
        F.
    complement : bool
        Whether it is I - F F'.
    """

    __array_ufunc__ = None  # so that an array on the left leaves the product to this class

    def __init__(self, factor: Numbers, complement: bool = False):
        self.factor, self.complement = factor, complement
        self.dtype = factor.dtype

    def __rmatmul__(self, rows: Numbers) -> Any:
        """Return the product of rows (a, n) with the matrix, in their precision."""
        product = (rows @ self.factor) @ self.factor.T
        return np.subtract(rows, product, out=product) if self.complement else product


def shrunk_inverse(F: FloatArray, r: float, dtype: Any) -> Gram:
    """Return r (F F' + r I)^-1 = I - G G', by G = F (F'F + r I)^-1/2 (Woodbury).

    Parameters
    ----------
    F : ndarray of shape (n, m)
    r : float
        Above 0.
    dtype : dtype
        Of the result.
    """
    small = F.T @ F
    small.flat[:: len(small) + 1] += r
    lower = cholesky(small, lower=True, overwrite_a=True, check_finite=False)
    G = np.empty(F.shape, dtype)
    start = 0
    for part in parts(F, F.shape[1]):
        end = start + len(part)
        G[start:end] = solve_triangular(lower, part.T, lower=True, check_finite=False).T
        start = end
    return Gram(G, complement=True)


def fit_features(
    X: FloatArray, kind: str, gamma: float, components: int, random_state: int | None
) -> Any:
    """Choose features z with ``z(x) . z(y)`` near ``exp(-gamma |x - y|^2)``, as scikit-learn does.

    Parameters
    ----------
    X : ndarray of shape (n, q)
        Training rows.
    kind : {"nystroem", "fourier"}
        ``"nystroem"``: the kernel between a row and some training rows drawn without repetition,
        times the root of the inverse of that between these: exact where all rows are drawn.
        ``"fourier"``: cosines of random projections.
    gamma : float
    components : int
        How many features; of Nystroem's as many as there are rows at most.
    random_state : int or None
        Seed of what is drawn.

    Returns
    -------
    Nystroem or RBFSampler
        Fitted.
    """
    if kind == "nystroem":
        components = min(components, len(X))
    make = APPROXIMATIONS[kind]
    return make(gamma=gamma, n_components=components, random_state=random_state).fit(X)


def transformed(fitted: Any, X: FloatArray) -> FloatArray:
    """Return the features of rows, of shape (n, m)."""
    made = [np.asarray(fitted.transform(part)) for part in parts(X, 3 * fitted.n_components)]
    return made[0] if len(made) == 1 else np.concatenate(made)
