"""What a step takes, and the batch that fits where memory is short."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from baselines.base import Monitor
from features.networks import backend

backend.start(threads=1)

from small_training import NETWORK, ORDER, SETTINGS, fit, problem, same  # noqa: E402

from ewmtcnn.measuring import measure_step  # noqa: E402
from ewmtcnn.trainer import get_trainer  # noqa: E402
from ewmtcnn.training import Course, train  # noqa: E402


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
    return train(trainer, Course(X, D, settings, ORDER), Monitor())


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
    cost = measure_step(NETWORK, SETTINGS)
    assert cost.seconds > 0
    assert cost.peak_mib > 50
