"""The training of every network: repeatable, and able to go on after a kill."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from ewmtcnn.resident import Resident, fits
from ewmtcnn.trainer import Batch, Trainer, TrainingSettings, take
from features.arrays import FloatArray, IntArray
from features.networks import backend
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

    def plan(self, epoch: int) -> tuple[IntArray, NDArray[np.float32], Augmentation]:
        """Shuffle, cut into batches of one size, and draw what happens to each image.

        Returns
        -------
        rows, weights : ndarray of shape (steps, batch)
            What fills the last batch has weight 0.
        augmentation : Augmentation
            Of all images.
        """
        n = len(self.X)
        batch_size = min(self.settings.batch_size, n)
        rng = np.random.default_rng(
            np.random.SeedSequence(self.seed.entropy, spawn_key=(*self.seed.spawn_key, epoch))
        )
        order = rng.permutation(n)
        augmentation = Augmentation.draw(self.settings.augmentation, n, rng)
        spare = -n % batch_size
        rows = np.concatenate([order, np.full(spare, order[n + spare - batch_size])])
        weights = np.ones(n + spare, np.float32)
        weights[n:] = 0.0
        shape = (-1, batch_size)
        return rows.reshape(shape), weights.reshape(shape), augmentation

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Read the batches of an epoch, augmented."""
        every_rows, every_weights, augmentation = self.plan(epoch)
        for rows, weights in zip(every_rows, every_weights, strict=True):
            x = augmentation.apply(take(self.X, rows), rows)
            yield x, self.targets[rows].astype(np.float32), weights

    def steps(self, epoch: int) -> list[NDArray[Any]]:
        """Return the plan of an epoch for rows that are on the device."""
        rows, weights, augmentation = self.plan(epoch)
        changes = augmentation.changes(rows, self.X.shape[1])
        found: list[NDArray[Any]] = [rows.astype(np.int32), weights]
        return found if changes is None else [*found, changes]


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
    resident = _place(course) if len(history) < settings.epochs else None
    written, cost = time.monotonic(), trainer.state_bytes / _BYTES_PER_SECOND
    for epoch in range(len(history), settings.epochs):
        where = f"{'search: ' if validation else ''}epoch {epoch + 1}/{settings.epochs}"
        with memory_advice(trainer, course.X, course.targets, settings.batch_size):
            losses = (
                resident.losses(trainer, course.steps(epoch))
                if resident
                else _one_by_one(trainer, course.batches(epoch))
            )
            with closing(losses):
                loss = _train_epoch(losses, len(course.X), epoch, where, monitor)
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


def _place(course: Course) -> Resident | None:
    """Copy the training rows to the device, if that helps and they fit."""
    if not fits(course.X):
        return None
    batch_size = min(course.settings.batch_size, len(course.X))
    try:
        return Resident.place(course.X, course.targets, batch_size)
    except Exception as error:  # every backend has its own
        if not backend.is_out_of_memory(error):
            raise
        return None


def _one_by_one(
    trainer: Trainer, batches: Iterator[Batch]
) -> Generator[tuple[float, int], None, None]:
    """Do an epoch step by step, some of which are on their way; yield each loss and its rows."""
    sent: deque[tuple[Any, int]] = deque()
    with trainer.steps() as step, closing(ahead(batches, _AHEAD)) as ready:
        for batch in ready:
            sent.append((step(*batch), int(batch[2].sum())))
            if len(sent) > _UNDER_WAY:
                loss, count = sent.popleft()
                yield float(loss), count
        for loss, count in sent:
            yield float(loss), count


def _train_epoch(
    losses: Iterator[tuple[float, int]], n: int, epoch: int, where: str, monitor: Monitor
) -> float:
    """Return the mean loss of an epoch over its n rows, as the steps' losses come."""
    total, done, told = 0.0, 0, np.inf
    for loss, count in losses:
        told = min(told, time.monotonic())  # the first step may compile
        total += loss * count
        done += count
        if not np.isfinite(total):
            raise ValueError(
                f"the loss became {total} in epoch {epoch + 1}; lower backbone_rate and head_rate"
            )
        if time.monotonic() - told > _REPORT_SECONDS and done < n:
            told = time.monotonic()
            monitor.tell(f"{where}, {100 * done // n} %, loss {total / done:.4f}")
    return total / n
