"""Training: repeatable, able to go on after a kill, clear when it cannot."""

from __future__ import annotations

import errno
from dataclasses import replace

import numpy as np
import pytest

from baselines.base import Monitor
from features.networks import backend

backend.start(threads=1)

from small_training import (  # noqa: E402
    NETWORK,
    ORDER,
    SETTINGS,
    START,
    W,
    fit,
    problem,
    same,
    stopped,
)

from ewmtcnn import checkpoints, training  # noqa: E402
from ewmtcnn.trainer import get_trainer  # noqa: E402
from ewmtcnn.training import Course, train  # noqa: E402


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write a checkpoint after every epoch, however little time one takes."""
    monkeypatch.setattr(training, "_CHECKPOINT_SHARE", np.inf)


@pytest.mark.slow
def test_every_setting_of_the_step_matters():
    base = fit(replace(SETTINGS, epochs=2))
    for change in (
        {"backbone_rate": 0.01}, {"head_rate": 0.02}, {"momentum": 0.0}, {"weight_decay": 0.1},
        {"augmentation": "none"}, {"batch_size": 7},
    ):  # fmt: skip
        assert not same(fit(replace(SETTINGS, epochs=2, **change)), base), change


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_killed_training_goes_on_with_the_same_result(tmp_path, epoch):
    whole = fit()
    stopped(tmp_path, epoch)
    told = []
    resumed = fit(monitor=Monitor(tmp_path, told.append))
    assert same(resumed, whole)
    assert 0 < len(told) < 4  # the first epoch at least was not done again


def test_a_finished_training_is_not_done_again(tmp_path):
    """Its process may be killed before the result is stored."""
    whole = fit(monitor=Monitor(tmp_path))
    told = []
    assert same(fit(monitor=Monitor(tmp_path, told.append)), whole)
    assert told == []


def test_a_full_disk_costs_checkpoints_and_not_the_training(tmp_path, monkeypatch):
    whole = fit()

    def write(path, _arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_arrays", write)
    with pytest.warns(UserWarning, match="no checkpoints are kept.*No space left") as told:
        assert same(fit(monitor=Monitor(tmp_path)), whole)
    assert len(told) == 1


def test_checkpoints_take_a_tenth_of_the_time_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_CHECKPOINT_SHARE", 0.1)
    monkeypatch.setattr(training, "_BYTES_PER_SECOND", 1.0)  # writing would take weeks
    fit(monitor=Monitor(tmp_path))
    assert not list(tmp_path.iterdir())


def test_it_says_how_far_it_is():
    told = []
    history, _ = fit(monitor=Monitor(None, told.append))
    assert told == [f"epoch {k}/4, loss {loss:.4f}" for k, loss in enumerate(history, start=1)]


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_told():
    settings = replace(SETTINGS, backbone_rate=1e30, head_rate=1e30)
    with pytest.raises(ValueError, match=r"the loss became .* in epoch 1; lower backbone_rate"):
        fit(settings)


@pytest.mark.slow
def test_images_are_read_batch_by_batch():
    X, D = problem()

    class Lazy:
        shape, dtype = X.shape, X.dtype
        asked: list[int] = []  # noqa: RUF012

        def __len__(self):
            return len(X)

        def __getitem__(self, rows):
            self.asked.append(len(rows))
            return X[rows]

    trainer = get_trainer(NETWORK, SETTINGS)
    trainer.reset(START, W)
    lazy = Lazy()
    history, curve = train(trainer, Course(lazy, D, SETTINGS, ORDER), Monitor())
    assert curve == []
    assert history == fit()[0]
    assert set(lazy.asked) == {8}
