"""Arrays that go to workers block by block are in their file as `numpy.save` writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.running.cluster.arrays import ToSend, append, begin, blocks, head
from benchmark.running.sharing import SMALLEST, FileArray


@pytest.mark.parametrize("shape", [(50, 7), (50,), (6, 5, 4)])
@pytest.mark.parametrize("order", ["C", "F", "neither"])
def test_the_file_is_that_of_numpy(tmp_path, shape, order):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    array = (
        np.repeat(array, 2, axis=0)[::2] if order == "neither" else np.asarray(array, order=order)
    )
    np.save(tmp_path / "wanted.npy", array)
    begin(tmp_path / "made.npy", head(array))
    parts = list(blocks(array, most=200))
    assert len(parts) > 2 or shape == (50,)
    for block in parts:
        append(tmp_path / "made.npy", block)
    assert (tmp_path / "made.npy").read_bytes() == (tmp_path / "wanted.npy").read_bytes()
    with pytest.raises(FileExistsError):  # nothing arrives twice
        begin(tmp_path / "made.npy", head(array))


def test_large_arrays_are_named_and_small_ones_sent_as_they_are():
    data, small, large = ToSend(), np.eye(3), np.zeros(SMALLEST, np.uint8)
    assert data.put("0.npy", small) is small
    assert data.put("1.npy", large) == FileArray(Path("1.npy"), large.shape, large.dtype)
    assert list(data) == ["1.npy"]
    assert data["1.npy"] is large
