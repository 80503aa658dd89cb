"""Checks of image files: all problems at once, each file read once, keys of what is in them."""

from __future__ import annotations

import hashlib
import os
import time

import numpy as np
import pytest
from PIL import Image
from read_only_disk import read_only

from features.images import checking
from features.images.checking import check_image_files, file_keys
from features.images.decoding import ImageError
from features.storage.files import read_json


@pytest.fixture
def folder(tmp_path):
    """Twelve sound images in a folder: their paths."""
    rng = np.random.default_rng(0)
    paths = tuple(tmp_path / f"{i}.png" for i in range(12))
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def reads(monkeypatch):
    """The names of the files read since, for checking or for hashing."""
    names = []

    def counting(function):
        def read(path):
            names.append(path.name)
            return function(path)

        return read

    for name in ("read_image", "_hash"):
        monkeypatch.setattr(checking, name, counting(getattr(checking, name)))
    return names


def sha256(paths):
    return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def spoil(paths):
    """Damage four of the twelve; return what has to be reported."""
    paths[1].write_bytes(paths[1].read_bytes()[:500])
    paths[4].write_bytes(b"")
    paths[5].write_bytes(b"<html>")
    paths[9].unlink()
    return {1: "damaged or cut off", 4: "empty", 5: "not a JPEG", 9: "no such file"}


def test_keys_of_files_that_cannot_be_read(folder):
    spoil(folder)
    folder[2].unlink()
    with pytest.raises(ImageError, match=r"2 images cannot be decoded: .*2\.png.*9\.png"):
        file_keys(folder)


def test_all_problems_are_reported_at_once(folder, tmp_path):
    wrong = spoil(folder)
    done = []
    for index in (None, tmp_path / "index.json"):
        problems = check_image_files(folder, index, done.append)
        assert list(problems) == [folder[row] for row in wrong]
        for row, reason in wrong.items():
            assert reason in problems[folder[row]]
    assert sum(done) == 24


def test_a_file_is_read_once_ever(folder, tmp_path, reads):
    index = tmp_path / "cache" / "index.json"
    assert check_image_files(folder, index) == {}
    assert len(reads) == 12
    done = []
    assert check_image_files(folder, index, done.append) == {}
    assert file_keys(folder, index) == sha256(folder)
    assert len(reads) == 12
    assert done == [12]


def test_a_changed_file_is_read_again(folder, tmp_path, reads):
    index = tmp_path / "index.json"
    check_image_files(folder, index)
    reads.clear()
    folder[3].write_bytes(folder[4].read_bytes())
    os.utime(folder[6], ns=(0, 0))
    folder[7].write_bytes(b"spoilt")
    assert file_keys(folder, index) == sha256(folder)
    assert sorted(reads) == ["3.png", "6.png", "7.png"]
    reads.clear()
    assert list(check_image_files(folder, index)) == [folder[7]]
    assert sorted(reads) == ["3.png", "6.png", "7.png"]
    reads.clear()
    assert list(check_image_files(folder, index)) == [folder[7]]
    assert reads == ["7.png"]  # problems are looked at anew each time


@pytest.mark.parametrize("content", [b"", b"{", b'{"files": {}}', b'{"files": 3, "sha256": ""}'])
def test_a_damaged_index_is_made_anew(folder, tmp_path, reads, content):
    index = tmp_path / "index.json"
    index.write_bytes(content)
    assert check_image_files(folder, index) == {}
    assert len(reads) == 12
    assert len(read_json(index)["files"]) == 12


def test_an_interrupted_check_goes_on(folder, tmp_path, reads):
    index = tmp_path / "index.json"
    done = []

    def interrupt(count):
        done.append(count)
        if len(done) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_image_files(folder, index, interrupt)
    reads.clear()
    assert check_image_files(folder, index) == {}
    assert len(reads) == 7


def test_the_index_is_written_during_a_long_check(folder, tmp_path, monkeypatch):
    """A killed process finds what was saved; nothing but the clock decides when."""
    index = tmp_path / "index.json"
    clock = iter(range(0, 1000, 8))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    saved = []
    monkeypatch.setattr(
        checking,
        "write_json",
        lambda _, value: saved.append(len(value["files"])),
    )
    check_image_files(folder, index)
    assert saved[-1] == 12
    assert len(saved) > 2
    assert saved == sorted(saved)


def test_indexes_serve_several_folders(folder, tmp_path, reads):
    index = tmp_path / "index.json"
    check_image_files(folder[:6], index)
    check_image_files(folder[6:], index)
    reads.clear()
    check_image_files(folder, index)
    assert reads == []


def test_paths_that_are_no_text_can_be_indexed(tmp_path, reads):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.png")
    Image.new("RGB", (3, 3)).save(path)
    index = tmp_path / "index.json"
    check_image_files([path], index)
    reads.clear()
    assert file_keys([path], index) == sha256([path])
    assert reads == []


def test_an_index_on_a_read_only_disk_is_read_and_not_missed(folder, tmp_path, reads):
    index = tmp_path / "cache" / "index.json"
    check_image_files(folder[:6], index)
    before, _ = index.read_bytes(), reads.clear()
    with read_only(index.parent):
        assert check_image_files(folder, index) == {}
    assert len(reads) == len(folder) - 6
    assert index.read_bytes() == before
