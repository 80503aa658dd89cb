"""What a step of a training takes: its time, its memory, and the largest batch that fits."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ewmtcnn.network import NetworkSettings
from ewmtcnn.trainer import Trainer, TrainingSettings, get_trainer, take
from features.arrays import FloatArray
from features.networks import backend

# No further step is timed after so many seconds.
_MEASURING_SECONDS = 5.0


@dataclass(frozen=True)
class StepCost:
    """What one step of a training takes: seconds, and the peak of the process's memory in MiB."""

    seconds: float
    peak_mib: float


@contextmanager
def memory_advice(trainer: Trainer, X: Any, targets: FloatArray, size: int) -> Iterator[None]:
    """If memory runs out in the block, find a batch that fits and raise an error that names it."""
    try:
        yield
        return
    except Exception as error:  # every backend has its own
        if not backend.is_out_of_memory(error):
            raise
        cause = error
    fits = largest_batch(trainer, X, targets, min(size, len(X)) // 2)
    advice = (
        f"one of {fits} fits: set batch_size = {fits} (--batch-size {fits})"
        if fits
        else "none fits"
    )
    raise MemoryError(f"a batch of {size} does not fit the memory; {advice}") from cause


def largest_batch(trainer: Trainer, X: Any, targets: FloatArray, size: int) -> int:
    """Halve the batch until a step of it fits; 0 if none does. Leaves the trainer changed."""
    while size:
        rows = np.arange(size)
        batch = (take(X, rows), targets[rows].astype(np.float32), np.ones(size, np.float32))
        try:
            trainer.clear()
            trainer.step(batch)
        except Exception as error:  # every backend has its own
            if not backend.is_out_of_memory(error):
                raise
            size //= 2
        else:
            return size
    return 0


def measure_step(
    network: NetworkSettings, settings: TrainingSettings, n_steps: int = 3
) -> StepCost:
    """Time a few steps on noise, after one that compiles; slow ones fewer times.

    Parameters
    ----------
    network, settings
        Of the training to come.
    n_steps : int
        How many steps.

    Raises
    ------
    ValueError
        The network cannot be built.
    MemoryError
        A batch does not fit the memory; says which size does.
    """
    trainer = get_trainer(network, settings)
    rng = np.random.default_rng(0)
    n, c = settings.batch_size, network.n_labels
    trainer.reset(np.random.SeedSequence(0), np.full((c, c), 1 / c) if network.wheel else None)
    if network.backbone:
        X: NDArray[Any] = rng.integers(0, 256, (n, network.size, network.size, 3), dtype=np.uint8)
    else:
        X = rng.normal(size=(n, network.size)).astype(np.float32)
    targets = np.full((n, c), 1 / c)
    batch = (X, targets.astype(np.float32), np.ones(n, np.float32))
    with memory_advice(trainer, X, targets, n), trainer.steps() as step:
        float(step(*batch))
        start, done = time.perf_counter(), 0
        while done < n_steps and time.perf_counter() - start < _MEASURING_SECONDS:
            float(step(*batch))
            done += 1
        seconds = (time.perf_counter() - start) / done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # A checkpoint copies the state, twice while it is written.
    return StepCost(seconds, peak + 2 * trainer.state_bytes / 2**20)
