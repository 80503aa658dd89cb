"""Sets of images: keys of content, loading by row, and checks that report all there is at once."""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import time

import numpy as np
import pytest
from PIL import Image

from features.images import sources
from features.images.decoding import ImageError, decode
from features.images.sources import ArrayImages, ImageFiles, check_image_files, in_threads
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
        monkeypatch.setattr(sources, name, counting(getattr(sources, name)))
    return names


def unpickled(data):
    return pickle.loads(data)  # noqa: S301  # just written here


def sha256(paths):
    return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def spoil(paths):
    """Damage four of the twelve; return what has to be reported."""
    paths[1].write_bytes(paths[1].read_bytes()[:500])
    paths[4].write_bytes(b"")
    paths[5].write_bytes(b"<html>")
    paths[9].unlink()
    return {1: "damaged or cut off", 4: "empty", 5: "not a JPEG", 9: "no such file"}


def test_image_files(folder):
    images = ImageFiles(folder)
    assert len(images) == 12
    assert images.keys == sha256(folder)
    assert images.names == tuple(map(str, folder))
    assert np.array_equal(images.load(3, 8), decode(folder[3], 8))
    assert ImageFiles(()).keys == ()


def test_image_files_are_pickled_small(folder, reads):
    images = ImageFiles(folder * 1000)
    before = pickle.dumps(images)
    assert len(before) < 1.1 * sum(len(name) + 1 for name in images.names)
    assert unpickled(before) == images
    keys = images.keys
    assert len(reads) == 12
    assert unpickled(pickle.dumps(images)).keys == keys
    assert len(reads) == 12
    assert unpickled(pickle.dumps(ImageFiles(()))) == ImageFiles(())


def test_keys_of_files_that_cannot_be_read(folder):
    spoil(folder)
    folder[2].unlink()
    with pytest.raises(ImageError, match=r"2 images cannot be decoded: .*2\.png.*9\.png"):
        _ = ImageFiles(folder).keys


def test_array_images():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, 9, 3), dtype=np.uint8)
    pixels[4] = pixels[0]
    images = ArrayImages(pixels)
    assert (len(images), len(images.names)) == (5, 5)
    assert np.array_equal(images.load(2, 9), pixels[2])
    assert np.array_equal(images.load(2, 4), np.array(Image.fromarray(pixels[2]).resize((4, 4), 2)))
    assert images.keys[0] == images.keys[4]
    assert len(set(images.keys)) == 4
    assert np.array_equal(unpickled(pickle.dumps(images)).images, pixels)
    for wrong in (pixels[0], pixels.astype(float), pixels[..., :2]):
        with pytest.raises(ValueError, match=r"must be \(n, h, w, 3\) uint8"):
            ArrayImages(wrong)


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
    assert ImageFiles(folder, index).keys == sha256(folder)
    assert len(reads) == 12
    assert done == [12]


def test_a_changed_file_is_read_again(folder, tmp_path, reads):
    index = tmp_path / "index.json"
    check_image_files(folder, index)
    reads.clear()
    folder[3].write_bytes(folder[4].read_bytes())
    os.utime(folder[6], ns=(0, 0))
    folder[7].write_bytes(b"spoilt")
    assert ImageFiles(folder, index).keys == sha256(folder)
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
        sources,
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
    images = unpickled(pickle.dumps(ImageFiles((path,), index)))
    assert images.keys == sha256([path])
    assert reads == []


def test_threads_keep_the_order_and_run_a_bounded_way_ahead():
    started, most = [], 0
    for taken, result in enumerate(in_threads(lambda i: (started.append(i), i)[1], range(200), 3)):
        assert result == taken
        time.sleep(0.0005)
        most = max(most, len(started) - taken)
    assert len(started) == 200
    assert most <= 12


def test_threads_stop_after_an_error():
    started = []
    before, go = threading.active_count(), threading.Event()

    def work(i):
        started.append(i)
        if i == 1:
            raise ZeroDivisionError
        go.wait(0.01)

    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, range(1000), 2))
    assert len(started) <= 10
    assert threading.active_count() == before
