"""Batches through a network of which the device holds few images at a time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

import features.extract
from features.extract import BATCHES, Extraction, extract, measure_pace, missing_images
from features.networks import backend
from features.networks.forward import Forward

backend.start(threads=1)

import tensorflow as tf  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 256, (23, 4, 4, 3), dtype=np.uint8)
SMALL = Extraction("small", "random", 16)


class OutOfMemoryError(RuntimeError):
    """As PyTorch names its own."""


#: How memory runs out in each backend: TensorFlow, JAX and PyTorch.
ERRORS = {
    "tensorflow": lambda: tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"),
    "jax": lambda: RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),
    "torch": lambda: OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
}


class Device:
    """A network that sums pixels and holds few images; fails when it is called, or waited for."""

    def __init__(self, holds, error=ERRORS["jax"], late=False, width=1):
        self.holds, self.error, self.late, self.width, self.seen = holds, error, late, width, []

    def __call__(self, batch):
        self.seen.append(len(batch))
        if len(batch) > self.holds and not self.late:
            raise self.error()
        return lambda: self.compute(batch)

    def compute(self, batch):
        if len(batch) > self.holds:
            raise self.error()
        sums = batch.reshape(len(batch), -1).sum(axis=1, keepdims=True).astype("f4")
        return np.repeat(sums, self.width, axis=1)


@pytest.fixture
def waited_for(monkeypatch):
    monkeypatch.setattr("features.networks.forward.to_numpy", lambda tensor: tensor())
    monkeypatch.setattr(backend, "release_memory", lambda: None)  # it takes its time


def in_batches(size):
    return [PIXELS[start : start + size] for start in range(0, len(PIXELS), size)]


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("size", "holds", "fits"), [(8, 8, 8), (8, 5, 4), (8, 1, 1), (7, 3, 2)])
@pytest.mark.usefixtures("waited_for")
def test_batches_are_halved_until_they_fit(name, late, size, holds, fits):
    device, told = Device(holds, ERRORS[name], late), []
    forward = Forward(device, size)
    found = list(forward.run(in_batches(size), told.append))
    assert [len(part) for part in found] == [len(batch) for batch in in_batches(size)]
    np.testing.assert_array_equal(np.concatenate(found)[:, 0], PIXELS.sum(axis=(1, 2, 3)))
    assert (forward.asked, forward.size) == (size, fits)
    # Nothing larger is tried again but what was on its way: at most two batches.
    assert [n for n in device.seen if n > fits].count(size) <= (0 if fits == size else 2)
    expected = [
        f"A batch of {size} images does not fit the memory; one of {fits} does, and the rest goes "
        f"in such batches (on a GPU the last digits may differ)."
    ]
    assert told == ([] if fits == size else expected)


@pytest.mark.usefixtures("waited_for")
def test_not_even_one_image_fits():
    with pytest.raises(MemoryError, match="not even one image at a time fits the memory"):
        list(Forward(Device(0), 8).run(in_batches(8)))


@pytest.mark.usefixtures("waited_for")
def test_other_errors_are_raised():
    def fail():
        return ValueError("odd")

    for late in (False, True):
        with pytest.raises(ValueError, match="odd"):
            list(Forward(Device(0, fail, late), 8).run(in_batches(8)))


@pytest.mark.usefixtures("waited_for")
def test_an_extraction_goes_on_in_batches_that_fit_and_keeps_it(tmp_path, monkeypatch):
    images = ImagesInMemory(PIXELS)
    monkeypatch.setattr(features.extract, "_ROWS_PER_SHARD", 4)
    device, told = Device(3, width=128), []

    def forward(_extraction, _weights, size):
        return Forward(device, size)

    forward.cache_clear = lambda: None
    monkeypatch.setattr(features.extract, "_forward", forward)
    found = extract(images, SMALL, tmp_path, 16, tell=told.append)
    expected = [images.load(row, 16).sum() for row in range(23)]
    np.testing.assert_array_equal(found[:][:, 5], expected)
    kept = json.loads((found.folder / BATCHES).read_text())
    assert (kept["asked"], kept["fitted"]) == (16, 2)
    assert len(told) == 1
    assert missing_images(images, SMALL, tmp_path) == 0


def test_the_pace_counts_no_compilation_and_what_is_missing(tmp_path, monkeypatch):
    images = ImagesInMemory(np.resize(PIXELS, (40, 4, 4, 3)))
    clock = iter(range(10**6))
    monkeypatch.setattr(features.extract.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(features.extract, "_ROWS_PER_SHARD", 4)
    pace = measure_pace(images, SMALL, tmp_path, batch_size=8)
    assert pace.images == 40
    assert pace.decoding == 1 / 32  # a tick of the clock for four batches
    assert pace.network == 4 / 24  # three batches and a tick each, and one to begin
    assert pace.seconds == pytest.approx(40 * 4 / 24)
    assert missing_images(images, SMALL, tmp_path) == 40
    first = iter(range(3))

    def interrupt(_count):
        if next(first) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(images, SMALL, tmp_path, 8, interrupt)
    assert missing_images(images, SMALL, tmp_path) == 16
