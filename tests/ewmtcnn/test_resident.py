"""Rows that stay on the device give the training that is done step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.networks import backend

backend.start(threads=1)

import small_training as small  # noqa: E402

from baselines.base import Monitor  # noqa: E402
from ewmtcnn import resident, training  # noqa: E402
from ewmtcnn.augmentation import Augmentation  # noqa: E402
from ewmtcnn.network import NetworkSettings  # noqa: E402
from ewmtcnn.resident import Resident, change, fits  # noqa: E402
from ewmtcnn.trainer import get_trainer  # noqa: E402
from ewmtcnn.training import Course, train  # noqa: E402

HEAD = NetworkSettings(3, "", 5, "", dropout=0.5, wheel=True)


@pytest.fixture
def series(monkeypatch):
    """Note the numbers of steps that are done in one call; rows stay on the device if asked."""
    done, place = [], Resident.place

    def placed(*given):
        made = place(*given)
        losses = made.losses

        def noted(*given):
            for found in losses(*given):
                done.append(made.length)
                yield found

        made.losses = noted
        return made

    monkeypatch.setattr(Resident, "place", placed)
    return done


def test_images_are_changed_on_the_device_as_they_are_in_memory():
    X, _ = small.problem()
    rows = np.array([3, 1, 1, 20, 7, 11])
    for kind in ("flip", "crop"):
        drawn = Augmentation.draw(kind, len(X), np.random.default_rng(0))
        assert set(drawn.mirrored[rows]) == {False, True}
        found = change(backend_tensor(X[rows]), backend_tensor(drawn.changes(rows, 16)))
        np.testing.assert_array_equal(np.asarray(found), drawn.apply(X[rows], rows))


def backend_tensor(array):
    from keras import ops

    return ops.convert_to_tensor(array)


def test_a_network_trains_to_the_same_bits_in_a_loop_on_the_device(monkeypatch, series):
    one_by_one = small.fit()
    assert not series  # convolutions are slower in a loop on a CPU
    monkeypatch.setattr(training, "fits", lambda *_: True)
    assert small.same(small.fit(), one_by_one)
    assert len(series) == 12
    assert max(series) > 1


def test_a_new_layer_is_trained_in_a_loop_to_the_same_bits(monkeypatch, series):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(21, 5)), rng.dirichlet(np.ones(3), 21)
    settings = replace(small.SETTINGS, augmentation="none")

    def fit():
        trainer = get_trainer(HEAD, settings)
        trainer.reset(small.START, small.W)
        history, _ = train(trainer, Course(X, D, settings, small.ORDER), Monitor())
        return history, trainer.weights()

    looped = fit()
    assert len(series) == 12
    monkeypatch.setattr(training, "fits", lambda *_: False)
    assert small.same(fit(), looped)
    assert len(series) == 12


def test_what_is_too_large_stays_where_it_is(monkeypatch):
    X = np.empty((1000, 8), np.float64)  # 32,000 bytes as the device has them
    monkeypatch.setattr(resident, "CPU_BYTES", 32_000)
    images = np.empty((1000, 32), np.uint8)
    assert fits(X)
    assert not fits(X[:, [0, *range(8)]])
    assert not fits(images)
    monkeypatch.setattr(backend, "has_accelerator", lambda: True)
    for free, answer in ((4 * 32_000, True), (4 * 32_000 - 1, False), (None, True)):
        monkeypatch.setattr(backend, "free_memory", lambda free=free: free)
        assert fits(images) is fits(X) is answer


def test_rows_that_find_no_memory_on_the_device_are_read_batch_by_batch(monkeypatch):
    one_by_one = small.fit()
    monkeypatch.setattr(training, "fits", lambda *_: True)

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(Resident, "place", full)
    assert small.same(small.fit(), one_by_one)
