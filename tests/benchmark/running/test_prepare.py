"""Preparing inputs in a process of its own: what arrives, what is told, and how it fails."""

from __future__ import annotations

import os

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

import benchmark
from benchmark.errors import BenchmarkError, UsageError
from benchmark.planning.inputs import Activations, Matrix, Pixels
from benchmark.planning.needs import BackboneActivations, NetworkImages, OwnFeatures
from benchmark.planning.without_networks import in_cache
from benchmark.progress import Console
from benchmark.running.prepare import find_device, helper, prepare_inputs
from features.extract import Extraction

IMAGES = ImagesInMemory(np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
SMALL = Extraction("small", "random", 16, "float32")


@pytest.fixture(scope="module")
def process():
    """A process for several tests, since Keras takes seconds to load."""
    with helper() as process:
        yield process


@pytest.mark.slow
def test_each_need_is_prepared_once_where_it_belongs(process, tmp_path, monkeypatch):
    own, images = OwnFeatures(np.eye(6)), NetworkImages(IMAGES, "i", SMALL)
    activations = BackboneActivations(IMAGES, "a", SMALL)
    found = prepare_inputs(
        process, {"d": {own, images, activations}, "none": set()}, tmp_path, Console()
    )
    said = find_device(process)
    monkeypatch.setattr("benchmark.running.prepare.has_only_cpu", lambda: False)
    asked = find_device(process)
    assert said == asked  # Keras finds what was said without it
    assert said.backend in ("tensorflow", "jax", "torch")
    kinds = {need: type(given) for (_, need), given in found.items()}
    assert kinds == {own: Matrix, images: Pixels, activations: Activations}
    assert {name for name, _ in found} == {"d"}
    assert found["d", own].X is own.X  # this process keeps what is there already


def test_a_variable_that_is_wrong_is_told_before_any_task(monkeypatch):
    monkeypatch.setenv("LDL_DETERMINISTIC", "yes")
    with helper() as process, pytest.raises(BenchmarkError, match="is 'yes'; set it to 1, or to"):
        find_device(process)


@pytest.mark.slow
def test_what_is_told_there_is_told_here(process, tmp_path):
    class Tells(NetworkImages):
        def prepare(self, cache, title, console):
            console.tell(f"{title} elsewhere: {os.getpid() != here}")
            return Matrix(np.eye(2))

    here, told = os.getpid(), []
    needs = {"d": {Tells(IMAGES, "k", SMALL)}}
    prepare_inputs(process, needs, tmp_path, Console(told.append))
    assert told == ["reading the images of d elsewhere: True"]


@pytest.mark.slow
def test_weights_that_cannot_be_had_end_a_run_first(process, tmp_path):
    lost = Extraction("small", str(tmp_path / "none.h5"), 16, "float32")
    with pytest.raises(BenchmarkError, match="getting the weights of small: "):
        prepare_inputs(
            process, {"d": {NetworkImages(IMAGES, "k", lost)}}, tmp_path / "cache", Console()
        )
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_features_that_the_cache_has_need_no_weights(process, tmp_path, monkeypatch):
    need = BackboneActivations(IMAGES, "a", SMALL)
    asked = []
    call = process.call
    monkeypatch.setattr(process, "call", lambda *given: (asked.append(given[0]), call(*given))[1])
    prepare_inputs(process, {"d": {need}}, tmp_path, Console())
    assert in_cache(need, tmp_path)
    prepare_inputs(process, {"d": {need}}, tmp_path, Console())
    extracting = "extracting small features of d"
    assert asked == ["getting the weights of small", extracting, extracting]


@pytest.mark.slow
def test_a_full_disk_is_named(process, tmp_path):
    class Fills(NetworkImages):
        def prepare(self, cache, title, console):
            raise OSError(28, "No space left on device", str(cache / "images" / ".partial-1"))

    with pytest.raises(BenchmarkError) as caught:
        prepare_inputs(process, {"d": {Fills(IMAGES, "k", SMALL)}}, tmp_path, Console())
    assert f"cannot write to {tmp_path}: No space left on device; what was" in str(caught.value)
    assert "--cache-dir" in str(caught.value)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (int, ("x",), "counting: invalid literal"),
        (os._exit, (3,), "the process that was counting died"),
    ],
)
def test_failures_say_what_was_being_done(function, arguments, message):
    with helper() as process, pytest.raises(BenchmarkError, match=message):
        process.call("counting", function, *arguments)


@pytest.mark.slow
def test_features_can_be_extracted_before_a_run(keras_once, tmp_path, problem):
    data = benchmark.make_dataset("pictures", None, problem[1][:6], images=IMAGES)
    options = {"cache_dir": tmp_path, "backbone": "small", "weights": "random", "size": 16}
    (sentence,) = benchmark.extract_features(data, **options)
    assert sentence.startswith("pictures: 6 x ")
    assert str(tmp_path / "activations") in sentence
    table = benchmark.make_dataset("table", *problem)
    with pytest.raises(UsageError, match="dataset table has no images to extract features from"):
        benchmark.extract_features(table, cache_dir=tmp_path)
