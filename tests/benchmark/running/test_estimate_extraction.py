"""What is said before a long extraction starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.planning.needs import BackboneActivations, BackboneFeatures, OwnFeatures
from benchmark.progress import Console
from benchmark.running import estimate_extraction, prepare
from benchmark.running.estimate_extraction import describe_extraction, is_long_extraction
from features.extract import Extraction, Pace

IMAGES = ImagesInMemory(np.zeros((6, 16, 16, 3), np.uint8))
SMALL = BackboneActivations(IMAGES, "a", Extraction("small", "random", 16))


class Many(ImagesInMemory):
    def __len__(self):
        return 118_000


def test_many_images_or_a_large_network_are_worth_measuring(tmp_path):
    assert not is_long_extraction(SMALL, tmp_path)
    assert not is_long_extraction(OwnFeatures(np.eye(2)), tmp_path)
    many = replace(SMALL, images=Many(np.zeros((6, 16, 16, 3), np.uint8)))
    assert is_long_extraction(many, tmp_path)
    assert is_long_extraction(BackboneFeatures(many, "b", 280, "fold"), tmp_path)


@pytest.mark.parametrize(
    ("pace", "device", "sentence"),
    [
        (Pace(118_000, 1 / 80, 0.001), "CPU",
         "Extracting small features of d will take about 25 min: 118,000 images, 80 a second "
         "on CPU; a GPU or a smaller --backbone is faster. What is finished is kept if it is "
         "interrupted."),
        (Pace(118_000, 0.5, 0.001), "H100",
         "about 16 h 23 min: 118,000 images, 2.0 a second on H100; a smaller --backbone is fast"),
        (Pace(118_000, 0.001, 0.01), "H100", "most of it for decoding images, which more proc"),
        (Pace(100, 0.5, 0.5), "CPU", None),
        (None, "CPU", None),
    ],
)  # fmt: skip
def test_the_estimate(tmp_path, monkeypatch, pace, device, sentence):
    monkeypatch.setattr(estimate_extraction, "measure_pace", lambda *_, **__: pace)
    monkeypatch.setattr(estimate_extraction.backend, "device_name", lambda: device)
    monkeypatch.setattr(estimate_extraction.backend, "start", lambda: None)
    told = describe_extraction(SMALL, tmp_path, "extracting small features of d")
    if sentence is None:
        assert told == []
    else:
        (text,) = told
        assert sentence in text


def test_it_is_told_before_anything_is_computed(tmp_path, monkeypatch):
    class Here:
        def call(self, what, function, *given):
            events.append(function.__name__)
            return {"_estimate_there": ["So long."], "_prepare_there": (None, [])}.get(
                function.__name__
            )

    events = []
    monkeypatch.setattr(prepare, "is_long_extraction", lambda *_: True)
    prepare.prepare_inputs(Here(), {"d": {SMALL}}, tmp_path, Console(events.append))
    assert events == ["_fetch_there", "_estimate_there", "So long.", "_prepare_there"]
