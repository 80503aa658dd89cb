"""A small training that several tests do, whole or stopped in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.base import Monitor
from ewmtcnn.checkpoints import CHECKPOINT
from ewmtcnn.network import NetworkSettings
from ewmtcnn.trainer import TrainingSettings, get_trainer
from ewmtcnn.training import Course, train

NETWORK = NetworkSettings(3, "small", 16, "random", dropout=0.5, wheel=True)
SETTINGS = TrainingSettings(epochs=4, batch_size=8, augmentation="crop")
W = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
START, ORDER = np.random.SeedSequence(5).spawn(2)


def problem(n=21):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
    return X, rng.dirichlet(np.ones(3), size=n)


def course(settings=SETTINGS):
    return Course(*problem(), settings, ORDER)


def fit(settings=SETTINGS, monitor=None, network=NETWORK):
    trainer = get_trainer(network, settings)
    trainer.reset(START, W if network.wheel else None)
    history, _ = train(trainer, course(settings), monitor or Monitor())
    return history, trainer.weights()


def same(one, other):
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


class KilledError(Exception):
    pass


def stopped(folder, epoch, **more):
    """Leave a training with its checkpoint when it tells the end of an epoch."""

    def stop(line):
        if line.startswith(f"epoch {epoch + 1}/4"):
            raise KilledError

    with pytest.raises(KilledError):
        fit(monitor=Monitor(folder, stop), **more)
    assert (folder / CHECKPOINT).exists()
