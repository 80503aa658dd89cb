"""Pictures of instances in the run folder: they come back whole, and of their rows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from images_in_memory import ImagesInMemory
from made import make_evidence, make_pictures
from PIL import Image

from benchmark.datasets import Dataset, make_dataset
from benchmark.store.pictures import SIDE, keep_pictures, read_pictures


def test_pictures_come_back_as_small_jpegs(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"faces": 30})
    make_pictures(evidence, "faces", [2, 5, 29])
    found = evidence.thumbnails("faces")
    assert list(found) == [2, 5, 29]
    pictures = [Image.open(io.BytesIO(content)) for content in found.values()]
    assert {(p.format, p.size) for p in pictures} == {("JPEG", (SIDE, SIDE))}


def test_pictures_are_those_of_their_rows(tmp_path):
    colours = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    colours[:, :, :, 0] = np.array([0, 80, 160, 240])[:, None, None]
    D = np.full((4, 2), 0.5)
    data = Dataset(
        name="reds", label_names=("a", "b"), ids=tuple("wxyz"), D=D, images=ImagesInMemory(colours)
    )
    folder = make_evidence(tmp_path, {"A": 0.2}, {"x": 30}).target
    keep_pictures(folder, data, [3, 1])
    found = read_pictures(folder, "reds", data.fingerprint)
    reds = {row: np.asarray(Image.open(io.BytesIO(p)))[..., 0].mean() for row, p in found.items()}
    assert reds == pytest.approx({1: 80, 3: 240}, abs=4)


def test_other_data_of_the_same_name_gives_no_pictures(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"faces": 30})
    make_pictures(evidence, "faces", [2])
    assert read_pictures(evidence.target, "faces", "another") == {}


def test_damaged_pictures_are_none_and_are_made_again(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"faces": 30})
    make_pictures(evidence, "faces", [2])
    (file,) = (tmp_path / "data").glob("*pictures*")
    file.write_bytes(file.read_bytes()[:-30])
    assert evidence.thumbnails("faces") == {}
    make_pictures(evidence, "faces", [2, 3])
    assert list(evidence.thumbnails("faces")) == [2, 3]


def test_what_is_there_is_not_decoded_again(tmp_path, monkeypatch):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"faces": 30})
    make_pictures(evidence, "faces", [2, 3])
    loaded = []
    load = ImagesInMemory.load

    def counting(self, row, size):
        loaded.append(row)
        return load(self, row, size)

    monkeypatch.setattr(ImagesInMemory, "load", counting)
    make_pictures(evidence, "faces", [3])
    make_pictures(evidence, "faces", [3, 4])
    assert loaded == [4]


def test_tabular_data_have_no_pictures(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"rows": 30})
    data = make_dataset("rows", np.eye(2), np.full((2, 2), 0.5))
    keep_pictures(evidence.target, data, [0])
    assert not (tmp_path / "data").exists()
