"""What a fit needs of memory, said before it begins where that is more than it may take."""

from __future__ import annotations

import os

from features.arrays import FloatArray
from features.memory import free_bytes

#: Numbers in a matrix of some new rows and all training rows, see `parts`: 256 MiB.
BLOCK = 2**25

#: Most bytes that a fit may need, see `allowed`.
MAX_MEMORY = 8e9

#: A fit that needs less than this is tried whatever the system says is free.
NOTICEABLE = 1e9

#: Operations of matrix products that a processor core does in a second, about.
SPEED = 2e10

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
        raise ValueError(
            f"the environment variable {VARIABLE} must be a number of GB above 0, not {text!r}"
        )
    return 1e9 * limit


def check_memory(
    name: str, needed: float, shape: tuple[int, int], n_labels: int, advice: str
) -> None:
    """Raise ValueError where a fit needs more bytes than `allowed`, with its cost and what to do.

    What needs `NOTICEABLE` memory is refused also where less is free.

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
    if needed > NOTICEABLE and needed > (free := free_bytes()):
        n, q = shape
        raise ValueError(
            f"{name} needs {needed / 1e9:,.1f} GB for {n:,} training rows with {q:,} features and "
            f"{n_labels:,} labels, and {free / 1e9:,.1f} GB are free: {advice}; or run fewer "
            f"tasks at a time"
        )


def cost(needed: float, operations: float) -> str:
    """Say what a fit needs of memory in bytes, and roughly of time on one processor core."""
    minutes = operations / SPEED / 60
    time = f"{minutes / 60:,.2g} hours" if minutes > 90 else f"{minutes:.0f} minutes"
    return f"{max(needed / 1e9, 0.1):,.1f} GB and roughly {time if minutes > 1.5 else 'a minute'}"


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
