"""Training: repeatable, compiled once, able to go on after a kill, clear when it cannot."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from baselines.base import Monitor
from features.networks import backend

backend.start(threads=1)

from ewmtcnn import training  # noqa: E402
from ewmtcnn.network import NetworkSettings  # noqa: E402
from ewmtcnn.training import CHECKPOINT, TrainingSettings, get_trainer, train  # noqa: E402

NETWORK = NetworkSettings(3, "small", 16, "random", dropout=0.5, wheel=True)
SETTINGS = TrainingSettings(epochs=4, batch_size=8, augmentation="crop")
W = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
START, ORDER = np.random.SeedSequence(5).spawn(2)


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write a checkpoint after every epoch, however little time one takes."""
    monkeypatch.setattr(training, "_CHECKPOINT_SHARE", np.inf)


def problem(n=21):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
    return X, rng.dirichlet(np.ones(3), size=n)


def fit(settings=SETTINGS, monitor=None, network=NETWORK):
    trainer = get_trainer(network, settings)
    trainer.reset(START, W if network.wheel else None)
    history = train(trainer, *problem(), settings, ORDER, monitor or Monitor())
    return history, trainer.weights()


def same(one, other):
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


@pytest.mark.slow
def test_a_second_fold_repeats_the_first_and_compiles_nothing(monkeypatch):
    first = fit()
    assert len(first[0]) == 4
    # What is traced where there is no compiled step for these shapes.
    monkeypatch.setattr(training, "cross_entropy", lambda *_: pytest.fail("compiled again"))
    again = fit()
    assert same(first, again)
    assert get_trainer(NETWORK, replace(SETTINGS, epochs=9)) is get_trainer(NETWORK, SETTINGS)


@pytest.mark.slow
def test_every_setting_of_the_step_matters():
    base = fit(replace(SETTINGS, epochs=2))
    for change in (
        {"backbone_rate": 0.01}, {"head_rate": 0.02}, {"momentum": 0.0}, {"weight_decay": 0.1},
        {"augmentation": "none"}, {"batch_size": 7},
    ):  # fmt: skip
        assert not same(fit(replace(SETTINGS, epochs=2, **change)), base), change


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


def test_a_checkpoint_of_another_backend_is_left_aside(tmp_path, monkeypatch):
    whole = fit()
    stopped(tmp_path, 1)
    monkeypatch.setattr(training.backend, "backend_name", lambda: "another")
    with pytest.warns(UserWarning, match="is of another network or backend"):
        assert same(fit(monitor=Monitor(tmp_path)), whole)


def test_a_full_disk_costs_checkpoints_and_not_the_training(tmp_path, monkeypatch):
    whole = fit()

    def write(path, _arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training, "write_arrays", write)
    with pytest.warns(UserWarning, match="no checkpoints are kept.*No space left") as told:
        assert same(fit(monitor=Monitor(tmp_path)), whole)
    assert len(told) == 1


@pytest.mark.slow
def test_checkpoints_that_cannot_be_used_are_told_and_left_aside(tmp_path):
    whole = fit()
    (tmp_path / CHECKPOINT).write_bytes(b"nothing")
    with pytest.warns(UserWarning, match=r"is damaged.*the fold starts anew"):
        assert same(fit(monitor=Monitor(tmp_path)), whole)
    (tmp_path / CHECKPOINT).unlink()
    stopped(tmp_path, 1, network=replace(NETWORK, wheel=False))
    with pytest.warns(UserWarning, match="is of another network"):
        assert same(fit(monitor=Monitor(tmp_path)), whole)


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


class Short:
    """Has memory for so many images."""

    state_bytes = 0

    def __init__(self, room):
        self.room = room

    def clear(self):
        pass

    def step(self, batch):
        if len(batch[0]) > self.room:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")
        return 1.0

    @contextmanager
    def steps(self):
        yield lambda *batch: self.step(batch)


def train_with(trainer, batch_size=32):
    X, D = problem(n=40)
    settings = replace(SETTINGS, batch_size=batch_size)
    return train(trainer, X, D, settings, ORDER, Monitor())


@pytest.mark.parametrize(
    ("room", "advice"), [(9, "one of 8 fits: set batch_size = 8"), (0, "none fits")]
)
def test_short_memory_is_answered_with_a_batch_that_fits(room, advice):
    with pytest.raises(MemoryError, match=f"a batch of 32 does not fit the memory; {advice}"):
        train_with(Short(room))


def test_other_errors_pass():
    class Broken(Short):
        def step(self, batch):
            raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        train_with(Broken(0))


@pytest.mark.slow
def test_after_short_memory_the_trainer_starts_anew(monkeypatch):
    """Looking for a batch that fits spoils every variable; the next fold must not notice."""
    whole = fit()
    trainer = get_trainer(NETWORK, SETTINGS)
    step = trainer.step
    monkeypatch.setattr(trainer, "steps", Short(0).steps)
    monkeypatch.setattr(trainer, "step", lambda batch: step(batch))
    with pytest.raises(MemoryError):
        train_with(trainer)
    monkeypatch.undo()
    assert same(fit(), whole)


def test_a_step_can_be_measured():
    cost = training.measure_step(NETWORK, SETTINGS)
    assert cost.seconds > 0
    assert cost.peak_mib > 50


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
    history = train(trainer, lazy, D, SETTINGS, ORDER, Monitor())
    assert history == fit()[0]
    assert set(lazy.asked) == {8}
