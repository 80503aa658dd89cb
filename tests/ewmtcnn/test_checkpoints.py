"""Checkpoints: what is in them, and which are left aside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from baselines.base import Monitor
from features.networks import backend
from features.storage.files import read_arrays, write_arrays

backend.start(threads=1)

from small_training import NETWORK, SETTINGS, fit, same, stopped  # noqa: E402

from ewmtcnn import checkpoints, training  # noqa: E402
from ewmtcnn.checkpoints import CHECKPOINT, resume, write_checkpoint  # noqa: E402
from ewmtcnn.trainer import get_trainer  # noqa: E402


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write a checkpoint after every epoch, however little time one takes."""
    monkeypatch.setattr(training, "_CHECKPOINT_SHARE", np.inf)


def test_a_checkpoint_has_the_arrays_that_it_has_had_since_version_0_1_0(tmp_path):
    """Another number or order, and runs that are under way would start anew."""
    trainer = get_trainer(NETWORK, SETTINGS)
    fit(replace(SETTINGS, epochs=1))
    path = tmp_path / CHECKPOINT
    write_checkpoint(trainer, path, [0.5, 0.25])
    arrays = read_arrays(path)
    model, trained = trainer.model.variables, trainer.model.trainable_variables
    shapes = [tuple(v.shape) for v in model] + [(), ()] + [tuple(v.shape) for v in trained]
    names = [f"v{number:05d}" for number in range(len(shapes))]
    assert set(arrays) == {*names, "history", "backend"}
    assert [arrays[name].shape for name in names] == shapes
    for variable, name in zip(model, names, strict=False):
        np.testing.assert_array_equal(arrays[name], np.asarray(variable.numpy()))
    steps, rate = (arrays[name] for name in names[len(model) : len(model) + 2])
    assert (int(steps), float(rate)) == (3, 1.0)  # 21 images in batches of 8
    before = [np.array(variable.numpy()) for variable in trainer.state]
    trainer.clear()
    assert resume(trainer, path) == ([0.5, 0.25], [])
    for variable, values in zip(trainer.state, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), values)


def test_arrays_of_another_kind_are_left_aside(tmp_path):
    """A checksum says nothing about what a hand has put into a checkpoint."""
    trainer = get_trainer(NETWORK, SETTINGS)
    fit(replace(SETTINGS, epochs=1))
    path = tmp_path / CHECKPOINT
    write_checkpoint(trainer, path, [0.5])
    arrays = read_arrays(path)
    for change in (
        {"history": np.array(["x"])},
        {"history": np.array([[0.5]])},
        {"history": np.array(0.5)},
        {"v00000": arrays["v00000"].astype(str)},
        {"v00000": arrays["v00000"][1:]},
        {"more": np.zeros(1)},
    ):
        write_arrays(path, {**arrays, **change})
        with pytest.warns(UserWarning, match="is of another network or backend"):
            assert resume(trainer, path) == ([], [])
    path.unlink()
    path.mkdir()
    with pytest.warns(UserWarning, match="is a folder; the fold starts anew"):
        assert resume(trainer, path) == ([], [])


def test_a_checkpoint_of_another_backend_is_left_aside(tmp_path, monkeypatch):
    whole = fit()
    stopped(tmp_path, 1)
    monkeypatch.setattr(checkpoints.backend, "backend_name", lambda: "another")
    monkeypatch.setattr(training, "fits", lambda _: False)  # it asks for the backend's device
    with pytest.warns(UserWarning, match="is of another network or backend"):
        assert same(fit(monitor=Monitor(tmp_path)), whole)


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
