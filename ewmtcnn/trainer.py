"""A network compiled for training: started anew for every fold, and compiled once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ewmtcnn.losses import cross_entropy
from ewmtcnn.network import NetworkSettings, build_network, reset_network
from ewmtcnn.optimizer import TwoRateSGD
from ewmtcnn.resident import read_batch
from features.arrays import FloatArray
from features.networks.compiled import compile_forward, compile_training, copy_out, to_numpy
from features.networks.looped import compile_loop

#: Inputs, targets and the weights of the rows.
Batch = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]


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


def mean_loss(targets: Any, log_p: Any, weights: Any) -> Any:
    """Average over the rows of a batch; those that fill the last one have weight 0."""
    return keras.ops.sum(weights * cross_entropy(targets, log_p)) / keras.ops.sum(weights)


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
    loop : callable
        Opens one on rows that are on the device, see `features.networks.looped.compile_loop`.
    """

    def __init__(self, network_settings: NetworkSettings, settings: TrainingSettings):
        self.network_settings = network_settings
        self.network = build_network(network_settings)
        self.model = self.network.model
        self.optimizer = TwoRateSGD(*self._rates(settings), settings.momentum)
        self.optimizer.build(self.model.trainable_variables)
        self.steps = compile_training(self.model, self.optimizer, mean_loss)
        self.loop = compile_loop(self.model, self.optimizer, mean_loss, read_batch)
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

    def reset(
        self, seed: np.random.SeedSequence, W: ArrayLike | None, scores: ArrayLike | None = None
    ) -> None:
        """Start anew: weights (see `reset_network`), dropout masks, velocities, counters."""
        self.owner = None
        reset_network(self.network, self.network_settings, seed, W, scores)
        for variable in self.optimizer.variables:
            start = float(variable.path.endswith("learning_rate"))  # this is 1, all others are 0
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

    def step(self, batch: Batch) -> float:
        """Do one step alone, and return the mean loss of the batch before it."""
        with self.steps() as step:
            return float(step(*batch))

    def weights(self) -> list[NDArray[Any]]:
        """Copy the weights of the network out."""
        return [copy_out(variable) for variable in self.model.weights]

    def predict(self, X: Any, batch_size: int) -> FloatArray:
        """Predict distributions (n, c) for images or activations (n, ...)."""
        parts = []
        batch_size = min(batch_size, len(X))
        for start in range(0, len(X), batch_size):
            rows = np.arange(start, min(start + batch_size, len(X)))
            filled = np.concatenate([rows, np.full(batch_size - len(rows), rows[0])])
            parts.append(to_numpy(self._forward(take(X, filled)))[: len(rows)])
        p = np.exp(np.concatenate(parts).astype(np.float64))
        return np.asarray(p / p.sum(axis=1, keepdims=True))


# The trainer that was used last, and no other, since two might not fit into memory.
_last: dict[tuple[NetworkSettings, TrainingSettings], Trainer] = {}


def get_trainer(network: NetworkSettings, settings: TrainingSettings) -> Trainer:
    """Return the process's trainer for these settings, compiled when first used."""
    # Settings on which the compiled step does not depend are made equal: they need no new trainer.
    rates = replace(settings, augmentation="none", epochs=1, batch_size=1)
    if (network, rates) not in _last:
        _last.clear()
        keras.utils.clear_session(free_memory=True)
        _last[network, rates] = Trainer(network, rates)
    return _last[network, rates]


def take(X: Any, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Read some rows: images as they are, activations as float32."""
    x = np.asarray(X[rows])
    return x if x.dtype == np.uint8 else x.astype(np.float32)
