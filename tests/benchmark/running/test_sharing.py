"""Large arrays go through a file, small ones as they are; rows are the same in both."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest

from benchmark.running import sharing
from benchmark.running.sharing import SMALLEST, FileArray, share


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_a_large_array_come_from_its_file(tmp_path, order):
    array = np.asarray(np.random.default_rng(0).normal(size=(SMALLEST // 80 + 1, 10)), order=order)
    shared = share(array, tmp_path / "array.npy")
    assert np.array_equal(np.load(tmp_path / "array.npy"), array)
    sent = pickle.dumps(shared)
    assert len(sent) < 1000
    there = pickle.loads(sent)  # noqa: S301
    assert (there.shape, there.dtype) == (array.shape, array.dtype)
    for rows in (np.array([5, 0, 5]), slice(2, 4), np.arange(len(array)) % 2 == 0):
        found = there[rows]
        assert type(found) is np.ndarray
        assert np.array_equal(found, array[rows])
        found[...] = 0  # a copy, which may be changed


def test_tasks_of_a_large_fold_share_its_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "SMALLEST_FOLD", 2**20)
    array = np.random.default_rng(0).normal(size=(4096, 50))
    shared = share(array, tmp_path / "array.npy")
    assert isinstance(shared, FileArray)
    rows = np.random.default_rng(1).permutation(4096)[:3000]
    tracemalloc.start()
    try:
        shared[rows]
        writing = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        first, second = shared[rows], shared[rows.astype(np.int32)]
        assert tracemalloc.get_traced_memory()[1] < 0.1 * array.nbytes < writing
    finally:
        tracemalloc.stop()
    assert type(first) is np.ndarray
    assert first.flags.c_contiguous
    assert first.flags.writeable
    first[7] = 0.0  # a model may change what it gets, and no other task sees it
    assert np.array_equal(second, array[rows])
    assert np.array_equal(shared[rows], array[rows])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_fold_without_room_on_the_disk_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "SMALLEST_FOLD", 0)
    array = np.random.default_rng(0).normal(size=(SMALLEST // 8, 2))
    shared, rows = share(array, tmp_path / "array.npy"), np.array([3, 1])
    monkeypatch.setattr(sharing, "ROOM", 2**60)
    assert np.array_equal(shared[rows], array[rows])

    def fail(*_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(sharing, "ROOM", 0)
    monkeypatch.setattr(sharing, "_write", fail)
    assert np.array_equal(shared[rows], array[rows])
    assert len(list(tmp_path.iterdir())) == 1


def test_an_array_without_room_on_the_disk_stays_as_it_is(tmp_path):
    import resource

    array = np.ones(SMALLEST)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLEST, former[1]))
    try:
        assert share(array, tmp_path / "array.npy") is array
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert not list(tmp_path.iterdir())


def test_a_small_array_and_what_is_no_array_stay_as_they_are(tmp_path):
    array = np.eye(3)
    assert share(array, tmp_path / "array.npy") is array
    assert not list(tmp_path.iterdir())
