"""The checks that features, images and distributions pass before anything is computed on them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.arrays import FloatArray

#: How far the sum of a distribution may be from 1, in data and in predictions.
SUM_TOLERANCE = 1e-4

#: A value this little below 0 is rounding, as of 1 minus the other shares, and stands for 0. A
#: hundredth of `SUM_TOLERANCE`, and ten times what single precision makes of such a difference.
NEGATIVE_TOLERANCE = 1e-6

#: A sparse matrix is made an ordinary one if that has no more numbers than this, 1 GiB of them.
DENSE_LIMIT = 2**27


def describe_rows(rows: NDArray[np.integer[Any]], limit: int = 5) -> str:
    """Name the first few of the given row numbers: ``rows 3, 17, 20 and 4 more``."""
    shown = ", ".join(str(row) for row in rows[:limit])
    more = f" and {len(rows) - limit} more" if len(rows) > limit else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{more} (counted from 0)"


def check_features(X: ArrayLike, name: str = "X", largest: float = np.inf) -> FloatArray:
    """Return X as a float64 matrix, or say what is wrong with it.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n, q)
        Feature matrix. A sparse one is made an ordinary one, since nothing here computes on sparse
        ones: up to `DENSE_LIMIT` numbers, zeros included.
    name : str
        What to call the matrix in an error message.
    largest : float
        Largest value that is allowed, told with what to do about it.

    Returns
    -------
    ndarray of shape (n, q), float64, C order
        ``X`` itself where it already has this form, else a copy.

    Raises
    ------
    ValueError
        Not two-dimensional, no rows or columns, values not finite (names the rows) or too large;
        or sparse and too large to be made an ordinary matrix.
    """
    matrix = _as_matrix(
        X, name, ". Reshape your data: .reshape(1, -1) if it is one row, .reshape(-1, 1) one column"
    )
    with np.errstate(over="ignore", invalid="ignore"):
        # The fastest number that NaN, infinity and size show in; it may overflow, and is no proof.
        squares = float(np.vdot(matrix, matrix))
    if not np.isfinite(squares):
        _refuse(~np.isfinite(matrix), matrix, f"{name} has NaN or infinite values")
    if not squares < largest**2 and (found := float(np.abs(matrix).max())) > largest:
        raise ValueError(
            f"{name} has values up to {found:.3g}, whose squares overflow; "
            f"rescale the features below {largest:g}"
        )
    return matrix


def check_distributions(D: ArrayLike, name: str = "D", labels: Sequence[str] = ()) -> FloatArray:
    """Return D as a float64 matrix of distributions, or say what is wrong with it.

    Parameters
    ----------
    D : array-like of shape (n, c)
        One distribution over the c labels per row.
    name : str
        What to call the matrix in an error message.
    labels : sequence of str, optional
        Names of the labels, for error messages.

    Returns
    -------
    ndarray of shape (n, c), float64, C order
        ``D`` itself where it already has this form, else a copy. Values within
        `NEGATIVE_TOLERANCE` below 0 become 0, and their rows are not rescaled: no other value
        changes, and the sum of a row is far within `SUM_TOLERANCE` of what it was.

    Raises
    ------
    ValueError
        Not two-dimensional, fewer than two labels, or rows that are not finite, negative or do
        not sum to 1 within `SUM_TOLERANCE`; names the rows, and the first value that is wrong.
    """
    matrix = _as_matrix(D, name, "; a row is a distribution, and has a share of each label")
    if matrix.shape[1] < 2:
        raise ValueError(f"{name} has one label only; a distribution needs at least two")
    ones = np.ones(matrix.shape[1])
    if matrix.min() >= 0 and np.abs(matrix @ ones - 1.0).max() <= SUM_TOLERANCE:
        return matrix  # the usual case, told by two passes
    _refuse(~np.isfinite(matrix), matrix, f"{name} has NaN or infinite values", labels)
    negative = matrix < 0
    if negative.any():
        _refuse(matrix < -NEGATIVE_TOLERANCE, matrix, f"{name} has negative values", labels)
        matrix = np.where(negative, 0.0, matrix)
    sums = matrix.sum(axis=1)
    rows = np.flatnonzero(np.abs(sums - 1.0) > SUM_TOLERANCE)
    if rows.size:
        turned = len(matrix) > 1 and np.abs(matrix.sum(axis=0) - 1.0).max() <= SUM_TOLERANCE
        raise ValueError(
            f"{name} does not sum to 1 in {describe_rows(rows)} (the first sums to "
            f"{sums[rows[0]]:.6g}{'; the columns do: transpose it' if turned else ''})"
        )
    return matrix


def _refuse(
    bad: NDArray[np.bool_], matrix: FloatArray, what: str, columns: Sequence[str] = ()
) -> None:
    """Raise a ValueError that names the rows with bad values, if any, and shows the first one."""
    if not bad.any():
        return
    rows = np.flatnonzero(bad.any(axis=1))
    column = int(bad[rows[0]].argmax())
    where = repr(columns[column]) if len(columns) == matrix.shape[1] else str(column)
    raise ValueError(
        f"{what} in {describe_rows(rows)} (the first is {matrix[rows[0], column]:.6g}, in column "
        f"{where})"
    )


def check_images(X: Any, name: str = "X") -> Any:
    """Return X if it holds images, or say what is wrong with it.

    Parameters
    ----------
    X : array of shape (n, h, w, 3), uint8
        RGB images, as an array or as something that has its shape and dtype and is indexed like one
        (a memory map, `features.storage.sharded_array.Rows`); such a thing is not read here.
    name : str
        What to call it in an error message.

    Raises
    ------
    ValueError
        Another shape or type, or no image at all.
    """
    shape, dtype = getattr(X, "shape", None), getattr(X, "dtype", None)
    if shape is None or len(shape) != 4 or shape[3] != 3 or 0 in shape or dtype != np.uint8:
        raise ValueError(
            f"{name} must be images, an array of shape (n, h, w, 3) and type uint8, "
            f"not of shape {shape} and type {dtype}"
        )
    return X


def _is_sparse(values: Any) -> bool:
    if "scipy.sparse" not in sys.modules:  # then nobody has made such a matrix
        return False
    from scipy.sparse import issparse

    return bool(issparse(values))


def _as_matrix(values: Any, name: str, if_flat: str) -> FloatArray:
    """Return a matrix of numbers, or refuse it; `if_flat` is told of values in one dimension."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked values")
    if _is_sparse(values):
        values = _dense(values, name)
    try:
        array = np.asarray(values)
        for kinds, what in (
            ("c", "complex numbers. Complex data not supported"),
            ("mM", "times, which are not numbers"),
        ):
            if array.dtype.kind in kinds:
                raise ValueError(f"it has {what}")
        matrix = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is not a matrix of numbers: {error}") from error
    if array.ndim != 2 or 0 in matrix.shape:
        advice = if_flat if array.ndim == 1 else ""
        if array.ndim == 2 and array.shape[1] == 0:  # in scikit-learn's own words
            advice = f": 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        raise ValueError(
            f"{name} must be a matrix with at least one row and one column, "
            f"its shape is {array.shape}{advice}"
        )
    return matrix


def _dense(values: Any, name: str) -> Any:
    """Return a sparse matrix as an ordinary one, unless that fills the memory."""
    size = math.prod(values.shape)
    if size > DENSE_LIMIT:
        gib = 8 / 2**30
        raise ValueError(
            f"{name} is sparse, and as an ordinary matrix its {' x '.join(map(str, values.shape))} "
            f"numbers take {size * gib:.3g} GiB, of which {DENSE_LIMIT * gib:.3g} are allowed; "
            f"reduce it first, as with sklearn.decomposition.TruncatedSVD in a Pipeline"
        )
    return values.toarray()
