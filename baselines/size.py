"""What a fit needs of memory, said before it begins where that is more than it may take."""

from __future__ import annotations

import os

from features.arrays import FloatArray

#: Numbers in a matrix of some new rows and all training rows, see `parts`: 256 MiB.
BLOCK = 2**25

#: Most bytes that a fit may need, see `allowed`.
MAX_MEMORY = 8e9

#: The environment variable with another limit, in GB, for machines that have more.
VARIABLE = "LDL_MEMORY_GB"


def allowed() -> float:
    """Return how many bytes a fit may take: `MAX_MEMORY`, or what the environment says.

    Raises
    ------
    ValueError
        The variable holds no number above 0.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return MAX_MEMORY
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0.0 < limit < float("inf"):
        raise ValueError(f"the environment variable {VARIABLE} must be in GB, not {text!r}")
    return 1e9 * limit


def check_memory(
    name: str, needed: float, shape: tuple[int, int], n_labels: int, advice: str
) -> None:
    """Raise ValueError where a fit needs more bytes than `allowed`, with its cost and what to do.

    Parameters
    ----------
    name : str
        Of the method, as in tables.
    needed : float
        Bytes that the fit takes at most, a little above what was measured.
    shape : tuple of int
        Training rows and features.
    n_labels : int
    advice : str
        What to do, as ``train on a subset of the rows``.
    """
    limit = allowed()
    if needed > limit:
        n, q = shape
        raise ValueError(
            f"{name} needs {needed / 1e9:,.1f} GB for {n:,} training rows with {q:,} features and "
            f"{n_labels:,} labels, its limit is {limit / 1e9:g} GB: {advice}; or, with more "
            f"memory, set the environment variable {VARIABLE}"
        )


def parts(X: FloatArray, width: int) -> list[FloatArray]:
    """Cut rows into parts, so that so many numbers for each row take `BLOCK` at most.

    Parameters
    ----------
    X : ndarray of shape (n, q)
    width : int
        Numbers that a row takes at a time, such as a distance to every training row.
    """
    rows = max(1, BLOCK // max(width, 1))
    return [X[start : start + rows] for start in range(0, len(X), rows)]
