"""Checkpoints: all that the rest of a training depends on, written between two epochs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ewmtcnn.trainer import Trainer
from features.networks import backend
from features.networks.compiled import copy_out
from features.storage.files import DamagedFileError, read_arrays, write_arrays

#: Names of the files in the folder that a training may use: its checkpoint; that of a search for
#: the number of epochs, which comes first; and what a search found, which replaces the latter.
CHECKPOINT, SEARCH, FOUND = "checkpoint.npz", "search.npz", "found.npz"

#: Losses of the epochs so far, and divergences of the held-out rows: before the first epoch, and
#: after each. The latter are empty where no rows are held out.
Courses = tuple[list[float], list[float]]


def write_checkpoint(
    trainer: Trainer, path: Path, history: Sequence[float], curve: Sequence[float] = ()
) -> None:
    """Write every variable in the trainer's order, the losses so far, and the backend's name.

    Parameters
    ----------
    trainer : Trainer
        Between two epochs.
    path : Path
        The file.
    history, curve
        See `Courses`.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    arrays = {f"v{i:05d}": copy_out(v) for i, v in enumerate(trainer.state)}
    more = {"history": np.array(history), "backend": np.array(backend.backend_name())}
    if len(curve):
        more["curve"] = np.array(curve)
    write_arrays(path, {**arrays, **more})


def resume(trainer: Trainer, path: Path, watched: bool = False) -> Courses:
    """Put a trainer where its checkpoint was taken, and return the courses up to there.

    No checkpoint, or one that cannot be used, which is told as a warning, gives empty ones.

    Parameters
    ----------
    trainer : Trainer
        Set to its start.
    path : Path
        The file.
    watched : bool
        Whether rows are held out.
    """
    arrays = _read(path)
    if not arrays:
        return [], []
    values = [arrays.get(f"v{i:05d}") for i in range(len(trainer.state))]
    if (
        not _has_courses(arrays, watched)
        or len(arrays) != len(values) + 2 + watched
        or any(
            value is None or value.dtype.kind in "USO" or value.shape != tuple(variable.shape)
            for value, variable in zip(values, trainer.state, strict=True)
        )
    ):
        warnings.warn(
            f"{path} is of another network or backend; the fold starts anew", stacklevel=2
        )
        return [], []
    for variable, value in zip(trainer.state, values, strict=True):
        variable.assign(value)
    return _courses(arrays)


def write_found(folder: Path, history: Sequence[float], curve: Sequence[float]) -> None:
    """Keep what a search found, and remove its checkpoint, which is large.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    arrays = {"history": np.array(history), "curve": np.array(curve)}
    write_arrays(folder / FOUND, {**arrays, "backend": np.array(backend.backend_name())})
    (folder / SEARCH).unlink(missing_ok=True)


def read_found(folder: Path, epochs: int) -> Courses | None:
    """Return what a search of so many epochs found; None if it is not done, or cannot be read."""
    arrays = _read(folder / FOUND)
    if not arrays or not _has_courses(arrays, True) or len(arrays["history"]) != epochs:
        return None
    return _courses(arrays)


def _read(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        return read_arrays(path)
    except FileNotFoundError:
        return {}
    except (OSError, DamagedFileError) as error:
        warnings.warn(f"{error}; the fold starts anew", stacklevel=3)
        return {}


def _has_courses(arrays: dict[str, NDArray[np.float64]], watched: bool) -> bool:
    names = ("history", "curve") if watched else ("history",)
    return (
        str(arrays.get("backend")) == backend.backend_name()
        and all(
            name in arrays and arrays[name].ndim == 1 and arrays[name].dtype.kind == "f"
            for name in names
        )
        and (not watched or len(arrays["curve"]) == len(arrays["history"]) + 1)
    )


def _courses(arrays: dict[str, NDArray[np.float64]]) -> Courses:
    history, curve = arrays["history"], arrays.get("curve", np.zeros(0))
    return [float(loss) for loss in history], [float(value) for value in curve]
