"""The training of every network: repeatable, and able to go on after a kill."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines.base import Monitor
from baselines.early_stopping import kl_divergence
from ewmtcnn.augmentation import Augmentation
from ewmtcnn.checkpoints import (
    CHECKPOINT,
    SEARCH,
    Courses,
    read_found,
    resume,
    write_checkpoint,
    write_found,
)
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


@dataclass(frozen=True)
class Course:
    """What the batches of every epoch are made of.

    Attributes
    ----------
    X : array of shape (n, h, w, 3) uint8, or (n, q) float
        Anything with a length that an array of row numbers indexes; read batch by batch.
    targets : ndarray of shape (n, c)
        What `ewmtcnn.losses.mixed_targets` returned.
    settings : TrainingSettings
        How; no epochs leave the network as it is.
    seed : SeedSequence
        Of order and augmentation; epoch k depends on it and k only.
    """

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


@dataclass(frozen=True)
class Validation:
    """Rows that are held out of a training, and looked at after every epoch.

    Attributes
    ----------
    X, targets
        As in `Course`.
    """

    X: Any
    targets: FloatArray

    def divergence(self, trainer: Trainer, batch_size: int) -> float:
        """Return the mean KL divergence: the loss, less the least that it can be."""
        return kl_divergence(self.targets, trainer.predict(self.X, batch_size))


def train(
    trainer: Trainer, course: Course, monitor: Monitor, validation: Validation | None = None
) -> Courses:
    """Train a network that has been reset; goes on from a checkpoint if there is one.

    The last checkpoint stays: whoever stores the result removes it.

    Parameters
    ----------
    trainer : Trainer
        The network.
    course : Course
        The training rows, and how.
    monitor : Monitor
        Where checkpoints go and reports are taken.
    validation : Validation, optional
        Held-out rows; then this is a search for the number of epochs, see `find_epochs`.

    Returns
    -------
    history : list of float
        Mean loss of every epoch, each batch's taken before its step.
    curve : list of float
        Divergences of the held-out rows: before the first epoch, and after each.

    Raises
    ------
    ValueError
        The loss became NaN or infinite.
    MemoryError
        A batch does not fit the memory; says which size does.
    """
    settings = course.settings
    path = monitor.folder / (SEARCH if validation else CHECKPOINT) if monitor.folder else None
    history, curve = resume(trainer, path, validation is not None) if path else ([], [])
    if validation and not curve:
        curve.append(validation.divergence(trainer, settings.batch_size))
    written, cost = time.monotonic(), trainer.state_bytes / _BYTES_PER_SECOND
    for epoch in range(len(history), settings.epochs):
        where = f"{'search: ' if validation else ''}epoch {epoch + 1}/{settings.epochs}"
        with memory_advice(trainer, course.X, course.targets, settings.batch_size):
            loss = _train_epoch(trainer, course, epoch, where, monitor)
        history.append(loss)
        said = f", loss {loss:.4f}"
        if validation:
            curve.append(validation.divergence(trainer, settings.batch_size))
            said += f", KLdiv {curve[-1]:.4f} of held-out rows"
        now = time.monotonic()
        if path and cost <= _CHECKPOINT_SHARE * (now - written):
            try:
                write_checkpoint(trainer, path, history, curve)
            except OSError as error:  # goes on without checkpoints
                warnings.warn(
                    f"no checkpoints are kept, since {path} cannot be written: {error.strerror}",
                    stacklevel=2,
                )
                path = None
            written = time.monotonic()
            cost = written - now
        monitor.tell(f"{where}{said}")
    return history, curve


def find_epochs(
    trainer: Trainer, course: Course, monitor: Monitor, validation: Validation
) -> Courses:
    """Train a network that has been reset, and see after which epoch to stop.

    What is found is kept in the monitor's folder, so that it is searched for once.

    Parameters
    ----------
    trainer, course, monitor, validation
        As in `train`.

    Returns
    -------
    history, curve : list of float
        As `train` returns them; `baselines.early_stopping.best_epoch` of the curve is the answer.
    """
    folder = monitor.folder
    found = read_found(folder, course.settings.epochs) if folder else None
    if found:
        return found
    history, curve = train(trainer, course, monitor, validation)
    if folder:
        with suppress(OSError):  # told already, where checkpoints could not be written
            write_found(folder, history, curve)
    return history, curve


def _train_epoch(
    trainer: Trainer, course: Course, epoch: int, where: str, monitor: Monitor
) -> float:
    """Return the mean loss of an epoch; waits for a step's loss when others are on their way."""
    n = len(course.X)
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
