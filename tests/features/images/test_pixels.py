"""The cache of decoded images: the right pixels, once per setting, all bad images at once."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from images_in_memory import ImagesInMemory
from PIL import Image

from features.images.decoding import ImageError
from features.images.pixels import decoded_batches, pixels
from features.images.sources import ImageFiles

BAD = (47, 71, 99)


def encoded(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def test_pixels_are_the_decoded_images_and_cached(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    images = ImagesInMemory(rng.integers(0, 256, (70, 12, 10, 3), dtype=np.uint8))
    counts = []
    array = pixels(images, 8, tmp_path, counts.append)
    expected = np.stack([images.load(row, 8) for row in range(70)])
    assert array.shape == (70, 8, 8, 3)
    assert np.array_equal(array[:], expected)
    assert sum(counts) == 70
    loads = []
    monkeypatch.setattr(ImagesInMemory, "load", lambda *arguments: loads.append(arguments))
    again = pixels(ImagesInMemory(images.images.copy()), 8, tmp_path)
    assert (again, loads) == (array, [])


def test_each_setting_of_pixels_has_its_own_cache(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 3), dtype=np.uint8)
    keys = [
        pixels(ImagesInMemory(images), 8, tmp_path).key,
        pixels(ImagesInMemory(images), 7, tmp_path).key,
        pixels(ImagesInMemory(images[::-1]), 8, tmp_path).key,
        pixels(ImagesInMemory(images[:3]), 8, tmp_path).key,
    ]
    monkeypatch.setattr("features.images.pixels.RESIZING", "another rule")
    keys.append(pixels(ImagesInMemory(images), 8, tmp_path).key)
    assert len(set(keys)) == 5
    assert len(list(tmp_path.iterdir())) == 5


@pytest.fixture
def with_bad_ones(tmp_path):
    """100 files: images, and three that are none."""
    good = np.random.default_rng(0).integers(0, 256, (100, 6, 6, 3), dtype=np.uint8)
    paths = tuple(tmp_path / f"{row}.png" for row in range(100))
    for row, path in enumerate(paths):
        path.write_bytes(b"" if row in BAD else encoded(good[row]))
    return paths


def test_all_bad_images_are_named_in_one_error(with_bad_ones, tmp_path, monkeypatch):
    """Those of later shards too; what came before the first stays."""
    monkeypatch.setattr("features.storage.build_shards.SHARD_BYTES", 5 * 4 * 4 * 3)
    cache = tmp_path / "cache"
    with pytest.raises(ImageError) as caught:
        pixels(ImageFiles(with_bad_ones), 4, cache)
    assert list(caught.value.problems) == [str(with_bad_ones[row]) for row in BAD]
    (folder,) = cache.iterdir()
    assert len(list(folder.glob("*.npy"))) == 6  # 32 rows, the first batch


def test_batches_are_rows_in_order_until_the_first_bad_one(with_bad_ones):
    images = ImageFiles(with_bad_ones)
    batches = list(decoded_batches(images, 4, range(3, 20), 8))
    assert [len(batch) for batch in batches] == [8, 8, 1]
    expected = [images.load(row, 4) for row in range(3, 20)]
    assert np.array_equal(np.concatenate(batches), expected)
    batches = decoded_batches(images, 4, range(BAD[0] - 11, 60), 8)
    assert np.array_equal(next(batches), [images.load(row, 4) for row in range(36, 44)])
    with pytest.raises(ImageError) as caught:
        next(batches)
    assert len(caught.value.problems) == 3


DECODE_MANY = """
import resource, sys
from pathlib import Path
import numpy as np
import features.storage.build_shards
from features.images.pixels import pixels
features.storage.build_shards.SHARD_BYTES = 2**20

def peak():
    # What getrusage says on Linux includes the parent process.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

class Drawn:
    '''Images that are drawn when asked for.'''
    def __init__(self, n):
        self.names = self.keys = tuple(map(str, range(n)))
    def __len__(self):
        return len(self.names)
    def load(self, row, size):
        return np.full((size, size, 3), row % 256, np.uint8)

pixels(Drawn(10), 32, Path(sys.argv[1]))
before = peak()
array = pixels(Drawn(int(sys.argv[2])), 32, Path(sys.argv[1]))
print(len(array) * 32 * 32 * 3, peak() - before)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    grown = {}
    for n in (5_000, 20_000):
        command = [sys.executable, "-c", DECODE_MANY, str(tmp_path), str(n)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        size, grown[n] = map(int, output.split())
    assert size > 60e6
    assert grown[20_000] < grown[5_000] + 12e6
