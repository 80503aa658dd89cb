"""The training of every network: SGD with two rates, repeatable, and able to go on after a kill."""

from __future__ import annotations

import resource
import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from baselines.base import Monitor
from ewmtcnn.augmentation import Augmentation
from ewmtcnn.losses import cross_entropy
from ewmtcnn.network import NetworkSettings, build_network, reset_network
from features.arrays import FloatArray
from features.networks import backend
from features.networks.compiled import compile_forward, compile_training, to_numpy
from features.storage.files import DamagedFileError, read_arrays, write_arrays
from features.threads import ahead

CHECKPOINT = "checkpoint.npz"

# A checkpoint after every epoch, unless writing them would take more than this share of the time;
# before the first one the time is guessed from its size.
_CHECKPOINT_SHARE, _BYTES_PER_SECOND = 0.1, 2.5e8

# Seconds between two reports within an epoch.
_REPORT_SECONDS = 1.0

# After so long no further step is measured.
_MEASURING_SECONDS = 5.0

# Batches that wait prepared for the device, and steps that it has been given.
_AHEAD, _UNDER_WAY = 2, 4

_Batch = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Attributes
    ----------
    backbone_rate, head_rate : float
        Learning rates of the backbone, and of the new layer and the wheel.
    momentum : float
        Of SGD, from 0 to below 1.
    weight_decay : float
        Factor of the L2 penalty (its half times the squared norm) on kernels; biases, scales and
        the wheel have none.
    augmentation : {"none", "flip", "crop"}
        See `ewmtcnn.augmentation`.
    epochs, batch_size : int
        Passes over the training rows, and images in a step.
    """

    backbone_rate: float = 0.001
    head_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0
    augmentation: str = "none"
    epochs: int = 20
    batch_size: int = 32


@dataclass(frozen=True)
class StepCost:
    """What one step of a training takes: seconds, and the peak of the process's memory in MiB."""

    seconds: float
    peak_mib: float


def _mean_loss(targets: Any, log_p: Any, weights: Any) -> Any:
    """Average over the rows of a batch; those that fill the last one have weight 0."""
    return keras.ops.sum(weights * cross_entropy(targets, log_p)) / keras.ops.sum(weights)


class TwoRateSGD(keras.optimizers.SGD):  # type: ignore[misc]  # Keras is untyped
    """SGD whose rate depends on the variable.

    With velocity m: m = momentum m - rate (gradient + decay w), w = w + m.

    Parameters
    ----------
    rates, decays : list of float
        Learning rate of each trainable variable, and its factor of the L2 penalty, in the order
        in which the optimizer is built.
    momentum : float
        From 0 to below 1.
    """

    def __init__(self, rates: list[float], decays: list[float], momentum: float):
        super().__init__(learning_rate=1.0, momentum=momentum)
        self.rates, self.decays = rates, decays

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        place = self._get_variable_index(variable)
        if self.decays[place]:
            gradient = gradient + self.decays[place] * keras.ops.convert_to_tensor(variable)
        super().update_step(gradient, variable, learning_rate * self.rates[place])


class Trainer:
    """A compiled network; every fold starts it anew, and none compiles it again.

    Parameters
    ----------
    network_settings : NetworkSettings
        What is trained.
    settings : TrainingSettings
        How; epochs do not matter here.

    Attributes
    ----------
    steps : callable
        Opens a series of steps, see `features.networks.compiled.compile_training`.
    """

    def __init__(self, network_settings: NetworkSettings, settings: TrainingSettings):
        self.network_settings = network_settings
        self.network = build_network(network_settings)
        self.model = self.network.model
        self.optimizer = TwoRateSGD(*self._rates(settings), settings.momentum)
        self.optimizer.build(self.model.trainable_variables)
        self.steps = compile_training(self.model, self.optimizer, _mean_loss)
        self._forward = compile_forward(self.model)
        self.owner: object = None

    def _rates(self, settings: TrainingSettings) -> tuple[list[float], list[float]]:
        body = self.network.backbone
        slow = {id(variable) for variable in body.trainable_variables} if body else set()
        variables = self.model.trainable_variables
        rates = [
            settings.backbone_rate if id(variable) in slow else settings.head_rate
            for variable in variables
        ]
        kernels = [variable.path.rpartition("/")[2] == "kernel" for variable in variables]
        return rates, [settings.weight_decay if kernel else 0.0 for kernel in kernels]

    def reset(self, seed: np.random.SeedSequence, W: ArrayLike | None) -> None:
        """Start anew: weights, dropout masks, velocities, counters."""
        self.owner = None
        reset_network(self.network, self.network_settings, seed, W)
        for variable in self.optimizer.variables:
            start = float(variable.path.endswith("learning_rate"))  # 1, the rest 0
            variable.assign(np.full(variable.shape, start, variable.dtype))

    def clear(self) -> None:
        """Set everything to zero: a series of steps that broke off leaves no usable variables."""
        for variable in self.state:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    @property
    def state(self) -> list[Any]:
        """Every variable on which the rest of a training depends."""
        return [*self.model.variables, *self.optimizer.variables]

    @property
    def state_bytes(self) -> int:
        """Size of `state`."""
        return sum(4 * int(np.prod(variable.shape)) for variable in self.state)

    def step(self, batch: _Batch) -> float:
        """Do one step alone, and return the mean loss of the batch before it."""
        with self.steps() as step:
            return float(step(*batch))

    def weights(self) -> list[NDArray[Any]]:
        """Copy the weights of the network out."""
        return [np.array(array) for array in self.model.get_weights()]

    def predict(self, X: Any, batch_size: int) -> FloatArray:
        """Predict distributions (n, c) for images or activations (n, ...)."""
        parts = []
        batch_size = min(batch_size, len(X))
        for start in range(0, len(X), batch_size):
            rows = np.arange(start, min(start + batch_size, len(X)))
            filled = np.concatenate([rows, np.full(batch_size - len(rows), rows[0])])
            parts.append(to_numpy(self._forward(_take(X, filled)))[: len(rows)])
        p = np.exp(np.concatenate(parts).astype(np.float64))
        return np.asarray(p / p.sum(axis=1, keepdims=True))


# The trainer of the last training: one at most, since two may not fit the memory.
_last: dict[tuple[NetworkSettings, TrainingSettings], Trainer] = {}


def get_trainer(network: NetworkSettings, settings: TrainingSettings) -> Trainer:
    """Return the process's trainer for these settings, compiled when first used."""
    # What the compiled step does not depend on makes no other trainer.
    rates = replace(settings, augmentation="none", epochs=1, batch_size=1)
    if (network, rates) not in _last:
        _last.clear()
        keras.utils.clear_session(free_memory=True)
        _last[network, rates] = Trainer(network, rates)
    return _last[network, rates]


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
    history = _resume(trainer, path)
    written, cost = time.monotonic(), trainer.state_bytes / _BYTES_PER_SECOND
    for epoch in range(len(history), settings.epochs):
        where = f"epoch {epoch + 1}/{settings.epochs}"
        with _memory_advice(trainer, X, targets, settings.batch_size):
            loss = _train_epoch(trainer, X, targets, settings, seed, epoch, where, monitor)
        history.append(loss)
        now = time.monotonic()
        if path and cost <= _CHECKPOINT_SHARE * (now - written):
            try:
                _write_checkpoint(trainer, path, history)
            except OSError as error:  # the training is worth more than its checkpoint
                warnings.warn(
                    f"no checkpoints are kept, since {path} cannot be written: {error.strerror}",
                    stacklevel=2,
                )
                path = None
            written = time.monotonic()
            cost = written - now
        monitor.tell(f"{where}, loss {loss:.4f}")
    return history


def _train_epoch(
    trainer: Trainer, X: Any, targets: FloatArray, settings: TrainingSettings,
    seed: np.random.SeedSequence, epoch: int, where: str, monitor: Monitor,
) -> float:  # fmt: skip
    """Return the mean loss of an epoch; waits for a step's loss when others are on their way."""
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
        for batch in ahead(_batches(X, targets, settings, seed, epoch), _AHEAD):
            sent.append((step(*batch), int(batch[2].sum())))
            if len(sent) > _UNDER_WAY:
                receive()
            if time.monotonic() - told > _REPORT_SECONDS and 0 < done < len(X):
                told = time.monotonic()
                monitor.tell(f"{where}, {100 * done // len(X)} %, loss {total / done:.4f}")
        while sent:
            receive()
    return total / len(X)


def _batches(
    X: Any, targets: FloatArray, settings: TrainingSettings, seed: np.random.SeedSequence,
    epoch: int,
) -> Iterator[_Batch]:  # fmt: skip
    """Shuffle, augment and cut into batches of one size; what fills the last has weight 0."""
    n = len(X)
    batch_size = min(settings.batch_size, n)
    rng = np.random.default_rng(
        np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, epoch))
    )
    order = rng.permutation(n)
    augmentation = Augmentation.draw(settings.augmentation, n, rng)
    for start in range(0, n, batch_size):
        rows = order[start : start + batch_size]
        weights = np.zeros(batch_size, np.float32)
        weights[: len(rows)] = 1.0
        rows = np.concatenate([rows, np.full(batch_size - len(rows), rows[0])])
        x = augmentation.apply(_take(X, rows), rows)
        yield x, targets[rows].astype(np.float32), weights


def _take(X: Any, rows: NDArray[np.int64]) -> NDArray[Any]:
    x = np.asarray(X[rows])
    return x if x.dtype == np.uint8 else x.astype(np.float32)


@contextmanager
def _memory_advice(trainer: Trainer, X: Any, targets: FloatArray, size: int) -> Iterator[None]:
    """Answer memory that runs out in the block by the size of a batch that fits."""
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
        batch = (_take(X, rows), targets[rows].astype(np.float32), np.ones(size, np.float32))
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


def _write_checkpoint(trainer: Trainer, path: Path, history: list[float]) -> None:
    arrays = {f"v{i:05d}": np.asarray(v.numpy() if hasattr(v, "numpy") else v)
              for i, v in enumerate(trainer.state)}  # fmt: skip
    more = {"history": np.array(history), "backend": np.array(backend.backend_name())}
    write_arrays(path, {**arrays, **more})


def _resume(trainer: Trainer, path: Path | None) -> list[float]:
    """Put a trainer where its checkpoint was taken; one that cannot be used is left aside."""
    if path is None:
        return []
    try:
        arrays = read_arrays(path)
    except FileNotFoundError:
        return []
    except DamagedFileError as error:
        warnings.warn(f"{error}; the fold starts anew", stacklevel=2)
        return []
    values = [arrays.get(f"v{i:05d}") for i in range(len(trainer.state))]
    if (
        "history" not in arrays
        or str(arrays.get("backend")) != backend.backend_name()
        or len(arrays) != len(values) + 2
        or any(
            value is None or value.shape != tuple(variable.shape)
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
    with _memory_advice(trainer, X, targets, n), trainer.steps() as step:
        float(step(*batch))
        start, done = time.perf_counter(), 0
        while done < n_steps and time.perf_counter() - start < _MEASURING_SECONDS:
            float(step(*batch))
            done += 1
        seconds = (time.perf_counter() - start) / done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # A checkpoint copies the state, twice while it is written.
    return StepCost(seconds, peak + 2 * trainer.state_bytes / 2**20)
