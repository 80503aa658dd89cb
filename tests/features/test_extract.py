"""Features of a network: the right ones, computed once, whatever interrupts or damages them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from images_in_memory import ImagesInMemory
from PIL import Image

import features.extract
from features.extract import Extraction, extract, extraction_key, is_extracted
from features.images.decoding import ImageError, decode
from features.images.sources import ImageFiles
from features.networks import backend, weights
from features.networks.backbones import BACKBONES
from features.networks.building import build_backbone
from features.storage.sharded_array import ShardedArray

backend.start(threads=1)

SIZE = 16
SMALL = Extraction("small", "random", SIZE)


def pixels(n=23, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 18, 20, 3), dtype=np.uint8)


class Watched(ImagesInMemory):
    """Images in memory that remember what was decoded, and fail where told to."""

    def __init__(self, images, bad=(), interrupt_at=None, seen=lambda: None):
        super().__init__(images)
        vars(self).update(bad=bad, interrupt_at=interrupt_at, seen=seen, loaded=[])

    def load(self, row, size):
        self.loaded.append(row)
        self.seen()
        if row == self.interrupt_at:
            raise KeyboardInterrupt
        if row in self.bad:
            raise ImageError({self.names[row]: "it is damaged"})
        return super().load(row, size)


@pytest.fixture(autouse=True)
def short_shards(monkeypatch):
    """Shards of 4 rows, in which an interruption and damage show."""
    monkeypatch.setattr(features.extract, "_ROWS_PER_SHARD", 4)


@pytest.fixture
def folder(tmp_path):
    """Seven image files: their paths."""
    paths = tuple(tmp_path / "images" / f"{i}.png" for i in range(7))
    paths[0].parent.mkdir()
    for path, image in zip(paths, pixels(7), strict=True):
        Image.fromarray(image).save(path)
    return paths


def plain(images, size=SIZE, **settings):
    """The output of the network itself, all images in one batch."""
    model = build_backbone("small", size, **{"weights": "random", **settings})
    return model.predict_on_batch(np.stack([images.load(row, size) for row in range(len(images))]))


def shards(cache):
    return {path.name: path.read_bytes() for path in sorted(cache.glob("*/*.npy"))}


def threads():
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("ahead", "images"))]


# --- The numbers ---------------------------------------------------------------------------------


def test_features_are_the_output_of_the_network_on_decoded_files(folder, tmp_path):
    found = extract(ImageFiles(folder), SMALL, tmp_path / "cache")
    model = build_backbone("small", SIZE, weights="random", seed=0)
    expected = model.predict_on_batch(np.stack([decode(path, SIZE) for path in folder]))
    assert expected.std() > 0.01
    np.testing.assert_allclose(found[:], expected, rtol=1e-5, atol=1e-5)


def test_features_are_an_array_on_disk(tmp_path):
    done = []
    found = extract(ImagesInMemory(pixels()), SMALL, tmp_path, progress=done.append)
    assert isinstance(found, ShardedArray)
    assert (found.shape, found.dtype) == ((23, 128), np.float32)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("small-")
    assert [np.load(shard).shape for shard in sorted(path.glob("*.npy"))] == [(4, 128)] * 5 + [
        (3, 128)
    ]
    assert sum(done) == 23
    assert ShardedArray.open(path) == found
    assert extract(ImagesInMemory(pixels(0)), SMALL, tmp_path).shape == (0, 128)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 23, 32])
def test_the_batch_and_what_fills_the_last_change_nothing(tmp_path, batch_size):
    images = ImagesInMemory(pixels())
    found = extract(images, SMALL, tmp_path, batch_size)
    np.testing.assert_allclose(found[:], plain(images), rtol=1e-5, atol=1e-5)


def test_weights_size_and_precision_are_those_asked_for(tmp_path):
    images = ImagesInMemory(pixels(5))
    for extraction, expected in (
        (replace(SMALL, size=32), plain(images, 32)),
        (Extraction("small", "bundled"), plain(images, 64, weights="bundled")),
    ):
        found = extract(images, extraction, tmp_path)[:]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    exact = extract(images, SMALL, tmp_path)
    rounded = extract(images, replace(SMALL, precision="bfloat16"), tmp_path)
    assert rounded.dtype == np.float32
    assert not np.array_equal(rounded[:], exact[:])
    np.testing.assert_allclose(rounded[:], exact[:], rtol=0.1, atol=0.05 * np.abs(exact[:]).max())


@pytest.mark.parametrize(
    ("extraction", "message"),
    [
        (Extraction("smal"), r"no backbone 'smal'.*did you mean 'small'\?"),
        (Extraction("small", "imagenet"), "small has no weights 'imagenet'"),
        (Extraction("small", "none.npz"), "there is no file of weights none.npz"),
        (replace(SMALL, size=15), "needs images of at least 16 pixels per side, not 15"),
        (replace(SMALL, precision="float16"), "must be 'float32' or 'bfloat16', not 'float16'"),
        (Extraction("small", "bundled", SIZE), "fc1/kernel has shape"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_an_image_is_decoded(
    tmp_path, extraction, message
):
    images = Watched(pixels(5), bad=[1])
    with pytest.raises(ValueError, match=message):
        extract(images, extraction, tmp_path)
    assert images.loaded == []


# --- The key -------------------------------------------------------------------------------------


def test_the_key_changes_with_whatever_changes_the_features(folder, tmp_path, monkeypatch):
    images = ImageFiles(folder)
    keys = [extraction_key(images, SMALL)]
    for changed in (
        Extraction("vgg16", "random", SIZE),
        replace(SMALL, weights="bundled"),
        replace(SMALL, size=32),
        replace(SMALL, size=None),
        replace(SMALL, precision="bfloat16"),
    ):
        keys.append(extraction_key(images, changed))
    for order in (folder[::-1], folder[:6], (*folder, folder[0])):
        keys.append(extraction_key(ImageFiles(order), SMALL))
    for fact in ({"preprocessing": "torch"}, {"layer": "fc1"}):
        with monkeypatch.context() as patch:
            patch.setitem(BACKBONES, "small", replace(BACKBONES["small"], **fact))
            keys.append(extraction_key(images, SMALL))
    for name in ("_VERSION", "RESIZING"):
        with monkeypatch.context() as patch:
            patch.setattr(features.extract, name, "another")
            keys.append(extraction_key(images, SMALL))
    file = tmp_path / "x.npz"
    for value in (1.0, 2.0):
        np.savez(file, a=np.array(value))
        keys.append(extraction_key(images, replace(SMALL, weights=str(file))))
    folder[3].write_bytes(folder[3].read_bytes() + b"more")
    keys.append(extraction_key(ImageFiles(folder), SMALL))
    assert len(set(keys)) == len(keys)


def test_the_key_does_not_change_with_names(folder, tmp_path):
    images = ImageFiles(folder)
    other = tuple(tmp_path / f"other name {i}.png" for i in range(7))
    for path, copy in zip(folder, other, strict=True):
        copy.write_bytes(path.read_bytes())
    assert extraction_key(ImageFiles(other), SMALL) == extraction_key(images, SMALL)
    explicit = Extraction("small", "bundled", 64)
    assert extraction_key(images, explicit) == extraction_key(images, replace(explicit, size=None))
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    for file in (first, second):
        file.write_bytes(weights.BUNDLED.read_bytes())
    keys = {
        extraction_key(images, Extraction("small", str(file)))
        for file in (first, second, weights.BUNDLED)
    }
    assert keys == {extraction_key(images, explicit)}


def test_the_same_images_under_other_names_are_not_computed_again(folder, tmp_path):
    first = extract(ImageFiles(folder), SMALL, tmp_path)
    moved = tuple(path.rename(path.with_name(f"new {path.name}")) for path in folder)
    done, before = [], shards(tmp_path)
    second = extract(ImageFiles(moved), SMALL, tmp_path, progress=done.append)
    assert done == [7]
    assert second == first
    assert shards(tmp_path) == before


# --- Interruption, damage, other processes -------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("interrupt_at", [1, 13, 22])
def test_an_interrupted_extraction_goes_on_with_what_is_missing(tmp_path, interrupt_at):
    images = Watched(pixels())
    extract(images, SMALL, tmp_path / "uninterrupted", 2)
    with pytest.raises(KeyboardInterrupt) as caught:
        extract(Watched(pixels(), interrupt_at=interrupt_at), SMALL, tmp_path / "cache", 2)
    assert threads() == [], caught
    kept = 4 * len(shards(tmp_path / "cache"))
    assert interrupt_at - 8 < kept <= interrupt_at  # what was under way is lost, nothing else
    rest, done = Watched(pixels()), []
    extract(rest, SMALL, tmp_path / "cache", 2, done.append)
    assert sorted(rest.loaded) == list(range(kept, 23))
    assert sum(done) == 23
    assert shards(tmp_path / "cache") == shards(tmp_path / "uninterrupted")


def test_a_damaged_shard_is_found_and_repaired(tmp_path):
    extract(Watched(pixels()), SMALL, tmp_path)
    before, told = shards(tmp_path), []
    (path,) = tmp_path.glob("*/000002.npy")
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    images = Watched(pixels())
    extract(images, SMALL, tmp_path, tell=told.append)
    assert sorted(images.loaded) == [8, 9, 10, 11]
    assert told == [f"1 of 6 shards in {path.parent} are damaged and are computed again"]
    assert shards(tmp_path) == before


PROCESS = """
import os, sys, time
from pathlib import Path
import numpy as np
from PIL import Image
import features.extract
from features.images.decoding import squash

class Slow:
    def __init__(self, images):
        self.images = images
        self.names = self.keys = tuple(map(str, range(len(images))))

    def __len__(self):
        return len(self.images)

    def load(self, row, size):
        with (folder / "loaded").open("ab") as file:
            file.write(b".")
        late = time.monotonic() + 30
        while row > 5 and not (folder / "go").exists() and time.monotonic() < late:
            time.sleep(0.01)
        return squash(Image.fromarray(self.images[row]), size)

folder = Path(sys.argv[1])
features.extract._ROWS_PER_SHARD = 4
images = Slow(np.random.default_rng(0).integers(0, 256, (23, 18, 20, 3), dtype=np.uint8))
small = features.extract.Extraction("small", "random", 16)
say = lambda text: print(text, flush=True)
features.extract.extract(images, small, folder / "cache", tell=say)
say("keras" in sys.modules)
"""


@pytest.mark.slow
def test_of_two_processes_one_computes_and_the_other_does_without_keras(tmp_path):
    def start():
        command = [sys.executable, "-c", PROCESS, str(tmp_path)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with start() as first:
        while not (tmp_path / "loaded").exists() and first.poll() is None:
            time.sleep(0.01)
        with start() as second:
            said = second.stdout.readline()
            (tmp_path / "go").touch()
            assert said.startswith("waiting for another process")
            assert second.communicate()[0] == "False\n"
        assert first.communicate()[0] == "True\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert len((tmp_path / "loaded").read_bytes()) == 23
    (path,) = (tmp_path / "cache").iterdir()
    expected = plain(ImagesInMemory(pixels()))
    np.testing.assert_allclose(ShardedArray.open(path)[:], expected, rtol=1e-5, atol=1e-5)


# --- Images that cannot be decoded ---------------------------------------------------------------


def test_images_that_cannot_be_decoded_are_all_named_at_once(tmp_path):
    bad = (0, 3, 9, 22)
    with pytest.raises(ImageError) as caught:
        extract(Watched(pixels(), bad=bad), SMALL, tmp_path, 2)
    assert sorted(caught.value.problems) == sorted(f"image {row}" for row in bad)
    assert threads() == []


def test_all_are_named_where_only_some_shards_are_missing(tmp_path):
    extract(Watched(pixels()), SMALL, tmp_path)
    for number in (1, 4):
        next(tmp_path.glob(f"*/00000{number}.npy")).unlink()
    images = Watched(pixels(), bad=(6, 17, 18))
    with pytest.raises(ImageError) as caught:
        extract(images, SMALL, tmp_path)
    assert sorted(caught.value.problems) == ["image 17", "image 18", "image 6"]
    sound = Watched(pixels())
    extract(sound, SMALL, tmp_path)
    assert sorted(sound.loaded) == [4, 5, 6, 7, 16, 17, 18, 19]


# --- Memory and threads --------------------------------------------------------------------------


def test_few_images_are_decoded_ahead_of_the_network(tmp_path):
    batch_size, cores = 4, os.cpu_count() or 1
    n = 200 + 20 * cores
    done, most = 0, 0

    def seen():
        nonlocal most
        most = max(most, len(images.loaded) - done)

    def progress(count):
        nonlocal done
        done += count
        time.sleep(0.001)  # a slow network

    images = Watched(pixels(n), seen=seen)
    extract(images, SMALL, tmp_path, batch_size, progress)
    assert done == n
    # Waiting: 2; being put there, under way on the device, sent, being filled: 1 each. Of each
    # thread: one part, here a whole batch, under way and one waiting.
    assert most <= (7 + 2 * cores) * batch_size


def test_a_callers_error_ends_the_threads(tmp_path):
    def fail(_count):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        extract(ImagesInMemory(pixels(200)), SMALL, tmp_path, 2, fail)
    assert threads() == [], caught


def test_what_the_cache_has_is_told_without_a_network(tmp_path):
    images = ImagesInMemory(pixels())
    assert not is_extracted(images, SMALL, tmp_path)
    extract(images, SMALL, tmp_path)
    assert is_extracted(images, SMALL, tmp_path)
    assert not is_extracted(images, replace(SMALL, size=32), tmp_path)
    assert not is_extracted(ImagesInMemory(pixels(seed=1)), SMALL, tmp_path)


def test_features_that_are_not_complete_are_not_there(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        extract(Watched(pixels(), interrupt_at=17), SMALL, tmp_path)
    assert not is_extracted(ImagesInMemory(pixels()), SMALL, tmp_path)
