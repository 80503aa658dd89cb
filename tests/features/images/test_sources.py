"""Image files by row: their keys, their pixels, and little to send to another process."""

from __future__ import annotations

import hashlib
import os
import pickle

import numpy as np
import pytest
from PIL import Image

from features.images import checking
from features.images.checking import check_image_files
from features.images.decoding import decode
from features.images.sources import ImageFiles


@pytest.fixture
def folder(tmp_path):
    """Twelve sound images in a folder: their paths."""
    rng = np.random.default_rng(0)
    paths = tuple(tmp_path / f"{i}.png" for i in range(12))
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return paths


def unpickled(data):
    return pickle.loads(data)  # noqa: S301  # just written here


def sha256(paths):
    return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def test_image_files(folder):
    images = ImageFiles(folder)
    assert len(images) == 12
    assert images.keys == sha256(folder)
    assert images.names == tuple(map(str, folder))
    assert np.array_equal(images.load(3, 8), decode(folder[3], 8))
    assert ImageFiles(()).keys == ()


def test_image_files_are_pickled_small(folder, monkeypatch):
    reads, plain = [], checking._hash
    monkeypatch.setattr(checking, "_hash", lambda path: (reads.append(path), plain(path))[1])
    images = ImageFiles(folder * 1000)
    before = pickle.dumps(images)
    assert len(before) < 1.1 * sum(len(name) + 1 for name in images.names)
    assert unpickled(before) == images
    keys = images.keys
    assert len(reads) == 12
    assert unpickled(pickle.dumps(images)).keys == keys
    assert len(reads) == 12
    assert unpickled(pickle.dumps(ImageFiles(()))) == ImageFiles(())


def test_paths_that_are_no_text_and_the_index_can_be_pickled(tmp_path, monkeypatch):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.png")
    Image.new("RGB", (3, 3)).save(path)
    index = tmp_path / "index.json"
    check_image_files([path], index)
    monkeypatch.setattr(checking, "_hash", lambda _path: pytest.fail("read again"))
    images = unpickled(pickle.dumps(ImageFiles((path,), index)))
    assert images.keys == sha256([path])
