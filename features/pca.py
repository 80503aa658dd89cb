"""Principal components of the training rows: features of a backbone made short enough to learn.

``sklearn.decomposition.PCA`` (1.9) was tried beside it, 280 components on one thread. What it
chooses by default for such matrices is a randomised approximation, whose components can be off in
the first decimal. Its exact solvers agree with ours to 1e-13, but took far longer where rows are as
long as those of VGG16, and were faster only for many rows of few values. They need all rows in
memory as float64, give other bits with two threads than with one, and other last bits than the
components in the caches of earlier runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, qr, svd

from features.arrays import FloatArray
from features.one_thread import one_thread
from features.storage.files import (
    DamagedFileError,
    array_key,
    content_key,
    read_arrays,
    remove_partial_files,
    write_arrays,
)
from features.storage.locking import forbids_writing, locked
from features.storage.sharded_array import RowArray, ShardedArray

RowNumbers = NDArray[np.integer[Any]]

#: Components whose deviation is below this share of the first one's are dropped: they are the
#: rounding of float32 activations, or exact dependences between the features.
RANK_TOLERANCE = 1e-6

#: Part of cache keys: raise it when the same rows give other components.
VERSION = 1
# Squaring the data loses components below about 1e-8 of the first; far above that it is exact.
_SAFE_TO_SQUARE = 1e-3
_CHUNK = 1024


def reduce(
    features: RowArray,
    train: ArrayLike,
    test: ArrayLike,
    n_components: int = 280,
    scope: str = "fold",
    cache: Path | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Project training and test rows on the leading principal components.

    With the mean m of the fitted rows and the right singular vectors v_1, v_2, ... of those rows
    less m, component j of a row x is (x - m) . v_j. The sign of v_j makes its largest entry
    positive. Exact, and the same bits on one machine whoever computes it and however many cores
    there are. Rows are read in chunks, so a tall array is never in memory as a whole.

    Parameters
    ----------
    features : ndarray or ShardedArray of shape (n, q)
        Activations of a backbone.
    train, test : array-like of int
        Row numbers.
    n_components : int
        Components wanted. There are fewer where the fitted rows span fewer dimensions (see
        `RANK_TOLERANCE`).
    scope : {"fold", "dataset"}
        Fit on the training rows, or on all n rows. The latter lets the test rows shape what the
        model learns from: it leaks.
    cache : Path, optional
        Folder that keeps results; of several processes one computes, and the others wait.

    Returns
    -------
    tuple of ndarray
        (n_train, k) and (n_test, k), float64, k <= `n_components`.

    Raises
    ------
    ValueError
        `scope` is unknown, `n_components` is below 1, `features` is no matrix, the fitted rows are
        fewer than two or all equal, or rows are not finite (names them).
    OSError
        The disk of the cache is full. Nothing is kept in one that is read-only.
    """
    if scope not in ("fold", "dataset"):
        raise ValueError(f"the scope of PCA must be 'fold' or 'dataset', not {scope!r}")
    if n_components < 1:
        raise ValueError(f"PCA needs at least 1 component, not {n_components}")
    if len(features.shape) != 2:
        raise ValueError(f"PCA needs a matrix (n, q), not an array of shape {features.shape}")
    train, test = _row_numbers(train), _row_numbers(test)

    def compute() -> dict[str, FloatArray]:
        fitted = train if scope == "fold" else np.arange(features.shape[0])
        with one_thread():
            mean, directions = principal_directions(features, fitted, n_components)
            return {
                "train": _project(features, train, mean, directions),
                "test": _project(features, test, mean, directions),
            }

    if cache is None:
        result = compute()
    else:
        settings = {
            "version": VERSION,
            "features": features.key
            if isinstance(features, ShardedArray)
            else array_key(np.asarray(features)),
            "rows": array_key(train, test),
            "n_components": n_components,
            "scope": scope,
        }
        result = _cached(cache / f"pca-{content_key(settings)[:32]}.npz", compute)
    return result["train"], result["test"]


def principal_directions(
    features: RowArray, rows: RowNumbers, n_components: int
) -> tuple[FloatArray, FloatArray]:
    """Return the mean of some rows and the leading right singular vectors about it.

    The eigenvectors of the smaller of the two product matrices are taken, as long as squaring the
    data does no harm, else its singular value decomposition.

    Parameters
    ----------
    features : array of shape (n, q)
        The data.
    rows : ndarray of int
        The n' row numbers to fit.
    n_components : int
        At most so many vectors; never more than n' - 1 or q.

    Returns
    -------
    mean : ndarray of shape (q,)
    directions : ndarray of shape (q, k)
        Orthonormal columns, by falling singular value.

    Raises
    ------
    ValueError
        Fewer than two rows, all of them equal, or not finite.
    """
    n, q = len(rows), features.shape[1]
    if n < 2:
        raise ValueError(f"PCA needs at least 2 rows to fit, not {n}")
    count = min(n_components, n - 1, q)
    # About the first row, so that equal rows have exactly their own mean.
    first = next(_chunks(features, rows[:1]))[0]
    mean = first + sum((chunk - first).sum(axis=0) for chunk in _chunks(features, rows)) / n
    if n <= q:
        centred = np.concatenate(list(_chunks(features, rows))) - mean
        product = centred @ centred.T
    else:
        product = np.zeros((q, q))
        for chunk in _chunks(features, rows):
            chunk -= mean
            product += chunk.T @ chunk
    size = len(product)
    squares, vectors = eigh(
        product, subset_by_index=[size - count, size - 1], overwrite_a=True, check_finite=False
    )
    deviations, vectors = np.sqrt(np.maximum(squares[::-1], 0.0)), vectors[:, ::-1]
    if deviations[-1] <= _SAFE_TO_SQUARE * deviations[0]:
        matrix = centred if n <= q else _triangle(features, rows, mean)
        _, deviations, transposed = svd(matrix, full_matrices=False, check_finite=False)
        deviations, directions = deviations[:count], transposed[:count].T
    elif n <= q:
        directions = centred.T @ (vectors / deviations)
    else:
        directions = vectors
    kept = deviations > RANK_TOLERANCE * deviations[0]
    if not kept.any():
        raise ValueError("the rows to fit are all equal, so PCA finds no component")
    directions = directions[:, kept]
    largest = np.abs(directions).argmax(axis=0)
    return mean, directions * np.sign(directions[largest, np.arange(len(largest))])


def _cached(path: Path, compute: Callable[[], dict[str, FloatArray]]) -> dict[str, FloatArray]:
    if (found := _read(path)) is not None:
        return found
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path.with_suffix(".lock")))
        except OSError as error:
            if not forbids_writing(error):
                raise
            return compute()  # the activations are all that a read-only cache must have
        found = _read(path)  # another process may have just written it
        if found is None:
            remove_partial_files(path.parent, below=False)  # of processes that were killed
            found = compute()
            write_arrays(path, found)
        return found


def _read(path: Path) -> dict[str, FloatArray] | None:
    """Read stored components; None where they are missing or damaged."""
    try:
        arrays = read_arrays(path)
    except (FileNotFoundError, DamagedFileError):
        return None
    sound = arrays.keys() == {"train", "test"} and all(
        matrix.ndim == 2 and matrix.dtype == np.float64 for matrix in arrays.values()
    )
    return arrays if sound else None


def _row_numbers(rows: ArrayLike) -> RowNumbers:
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ValueError("rows are given as a list of whole numbers")
    return numbers.astype(np.int64)


def _chunks(features: RowArray, rows: RowNumbers) -> Iterator[FloatArray]:
    for start in range(0, len(rows), _CHUNK):
        numbers = rows[start : start + _CHUNK]
        chunk = np.array(features[numbers], dtype=np.float64)
        bad = numbers[~np.isfinite(chunk).all(axis=1)]
        if len(bad):
            more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
            named = ", ".join(map(str, bad[:5]))
            raise ValueError(f"features are NaN or infinite in rows {named}{more} (from 0)")
        yield chunk


def _project(
    features: RowArray, rows: RowNumbers, mean: FloatArray, directions: FloatArray
) -> FloatArray:
    out = np.empty((len(rows), directions.shape[1]))
    done = 0
    for chunk in _chunks(features, rows):
        out[done : done + len(chunk)] = (chunk - mean) @ directions
        done += len(chunk)
    return out


def _triangle(features: RowArray, rows: RowNumbers, mean: FloatArray) -> FloatArray:
    """Return R of the QR decomposition of the centred rows, which has their singular values."""
    triangle = np.empty((0, features.shape[1]))
    for chunk in _chunks(features, rows):
        (stacked,) = qr(np.vstack([triangle, chunk - mean]), mode="r", check_finite=False)
        triangle = np.asarray(stacked[: features.shape[1]], dtype=np.float64)
    return triangle
