"""Checkpoints: all that the rest of a training depends on, written between two epochs."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ewmtcnn.trainer import Trainer
from features.networks import backend
from features.storage.files import DamagedFileError, read_arrays, write_arrays

#: Name of the file in the folder that a training may use.
CHECKPOINT = "checkpoint.npz"


def write_checkpoint(trainer: Trainer, path: Path, history: list[float]) -> None:
    """Write every variable in the trainer's order, the losses so far, and the backend's name.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    arrays = {f"v{i:05d}": np.asarray(v.numpy() if hasattr(v, "numpy") else v)
              for i, v in enumerate(trainer.state)}  # fmt: skip
    more = {"history": np.array(history), "backend": np.array(backend.backend_name())}
    write_arrays(path, {**arrays, **more})


def resume(trainer: Trainer, path: Path) -> list[float]:
    """Put a trainer where its checkpoint was taken, and return the losses up to there.

    No checkpoint, or one that cannot be used, which is told as a warning, gives no losses.
    """
    try:
        arrays = read_arrays(path)
    except FileNotFoundError:
        return []
    except (OSError, DamagedFileError) as error:
        warnings.warn(f"{error}; the fold starts anew", stacklevel=2)
        return []
    values = [arrays.get(f"v{i:05d}") for i in range(len(trainer.state))]
    if (
        "history" not in arrays
        or arrays["history"].ndim != 1
        or arrays["history"].dtype.kind != "f"
        or str(arrays.get("backend")) != backend.backend_name()
        or len(arrays) != len(values) + 2
        or any(
            value is None or value.dtype.kind in "USO" or value.shape != tuple(variable.shape)
            for value, variable in zip(values, trainer.state, strict=True)
        )
    ):
        warnings.warn(
            f"{path} is of another network or backend; the fold starts anew", stacklevel=2
        )
        return []
    for variable, value in zip(trainer.state, values, strict=True):
        variable.assign(value)
    return [float(loss) for loss in arrays["history"]]
