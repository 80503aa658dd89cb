"""The training of every network: repeatable, and able to go on after a kill."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines.base import Monitor
from ewmtcnn.augmentation import Augmentation
from ewmtcnn.checkpoints import CHECKPOINT, resume, write_checkpoint
from ewmtcnn.measuring import memory_advice
from ewmtcnn.trainer import Batch, Trainer, TrainingSettings, take
from features.arrays import FloatArray
from features.threads import ahead

# There is a checkpoint after every epoch, unless writing them takes more than this share of the
# time. How long the first one will take is estimated from its size.
_CHECKPOINT_SHARE, _BYTES_PER_SECOND = 0.1, 2.5e8

# Seconds between two reports within an epoch.
_REPORT_SECONDS = 1.0

# How many prepared batches may wait for the device, and how many steps it is given in advance.
_AHEAD, _UNDER_WAY = 2, 4


def train(
    trainer: Trainer,
    X: Any,
    targets: FloatArray,
    settings: TrainingSettings,
    seed: np.random.SeedSequence,
    monitor: Monitor,
) -> list[float]:
    """Train a network that has been reset; goes on from a checkpoint if there is one.

    The last checkpoint stays: whoever stores the result removes it.

    Parameters
    ----------
    trainer : Trainer
        The network.
    X : array of shape (n, h, w, 3) uint8, or (n, q) float
        Anything with a length that an array of row numbers indexes; read batch by batch.
    targets : ndarray of shape (n, c)
        What `ewmtcnn.losses.mixed_targets` returned.
    settings : TrainingSettings
        How.
    seed : SeedSequence
        Of order and augmentation; epoch k depends on it and k only.
    monitor : Monitor
        Where checkpoints go and reports are taken.

    Returns
    -------
    list of float
        Mean loss of every epoch, each batch's taken before its step.

    Raises
    ------
    ValueError
        The loss became NaN or infinite.
    MemoryError
        A batch does not fit the memory; says which size does.
    """
    path = monitor.folder / CHECKPOINT if monitor.folder else None
    history = resume(trainer, path) if path else []
    course = _Course(X, targets, settings, seed)
    written, cost = time.monotonic(), trainer.state_bytes / _BYTES_PER_SECOND
    for epoch in range(len(history), settings.epochs):
        with memory_advice(trainer, X, targets, settings.batch_size):
            loss = _train_epoch(trainer, course, epoch, monitor)
        history.append(loss)
        now = time.monotonic()
        if path and cost <= _CHECKPOINT_SHARE * (now - written):
            try:
                write_checkpoint(trainer, path, history)
            except OSError as error:  # goes on without checkpoints
                warnings.warn(
                    f"no checkpoints are kept, since {path} cannot be written: {error.strerror}",
                    stacklevel=2,
                )
                path = None
            written = time.monotonic()
            cost = written - now
        monitor.tell(f"{_name(epoch, settings)}, loss {loss:.4f}")
    return history


@dataclass(frozen=True)
class _Course:
    """What the batches of every epoch are made of; see `train`."""

    X: Any
    targets: FloatArray
    settings: TrainingSettings
    seed: np.random.SeedSequence

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Shuffle, augment and cut into batches of one size; what fills the last has weight 0."""
        n = len(self.X)
        batch_size = min(self.settings.batch_size, n)
        rng = np.random.default_rng(
            np.random.SeedSequence(self.seed.entropy, spawn_key=(*self.seed.spawn_key, epoch))
        )
        order = rng.permutation(n)
        augmentation = Augmentation.draw(self.settings.augmentation, n, rng)
        for start in range(0, n, batch_size):
            rows = order[start : start + batch_size]
            weights = np.zeros(batch_size, np.float32)
            weights[: len(rows)] = 1.0
            rows = np.concatenate([rows, np.full(batch_size - len(rows), rows[0])])
            x = augmentation.apply(take(self.X, rows), rows)
            yield x, self.targets[rows].astype(np.float32), weights


def _train_epoch(trainer: Trainer, course: _Course, epoch: int, monitor: Monitor) -> float:
    """Return the mean loss of an epoch; waits for a step's loss when others are on their way."""
    n, where = len(course.X), _name(epoch, course.settings)
    total, done, told = 0.0, 0, time.monotonic()
    sent: deque[tuple[Any, int]] = deque()

    def receive() -> None:
        nonlocal total, done
        loss, count = sent.popleft()
        total += float(loss) * count
        done += count
        if not np.isfinite(total):
            raise ValueError(
                f"the loss became {total} in epoch {epoch + 1}; lower backbone_rate and head_rate"
            )

    with trainer.steps() as step:
        for batch in ahead(course.batches(epoch), _AHEAD):
            sent.append((step(*batch), int(batch[2].sum())))
            if len(sent) > _UNDER_WAY:
                receive()
            if time.monotonic() - told > _REPORT_SECONDS and 0 < done < n:
                told = time.monotonic()
                monitor.tell(f"{where}, {100 * done // n} %, loss {total / done:.4f}")
        while sent:
            receive()
    return total / n


def _name(epoch: int, settings: TrainingSettings) -> str:
    return f"epoch {epoch + 1}/{settings.epochs}"
