"""Arrays in shards: read like arrays, computed once, never wrong after damage or a kill.

Also tests `features.storage.sharded_array`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from read_only_disk import read_only

from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import DamagedFileError, write_json
from features.storage.sharded_array import Rows, ShardedArray

N = 23


def content(n=N, item_shape=(3, 2), dtype=np.float32):
    return np.random.default_rng(4).normal(size=(n, *item_shape)).astype(dtype)


class Computing:
    """Yields rows of an array in batches, and remembers what it was asked for."""

    def __init__(self, array, batch=4, fail_at=None):
        self.array, self.batch, self.fail_at, self.asked = array, batch, fail_at, []

    def __call__(self, rows):
        self.asked.append((rows.start, rows.stop))
        for start in range(rows.start, rows.stop, self.batch):
            stop = min(start + self.batch, rows.stop)
            if self.fail_at is not None and stop > self.fail_at:
                raise KeyboardInterrupt
            yield self.array[start:stop]


def build(folder, compute, per_shard=5, key=None, **options):
    array = compute.array
    plan = ArrayPlan(key or {"a": 1}, len(array), array.shape[1:], array.dtype, per_shard)
    return build_shards(folder, plan, compute, **options)


def shards(folder):
    return sorted(folder.glob("*.npy"))


def hashes(folder):
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in shards(folder)]


def unpickled(data):
    return pickle.loads(data)  # noqa: S301  # just written here


indices = st.one_of(
    st.integers(-N, N - 1),
    st.slices(N),
    st.lists(st.integers(-N, N - 1), max_size=40).map(lambda x: np.array(x, dtype=np.int64)),
    st.lists(st.booleans(), min_size=N, max_size=N).map(np.array),
    st.lists(st.integers(0, N - 1), min_size=6, max_size=6).map(lambda x: np.reshape(x, (2, 3))),
    st.lists(st.integers(0, N - 1), max_size=5),
)


@pytest.mark.slow
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(indices, st.integers(1, 30))
def test_rows_are_read_like_those_of_an_array(tmp_path, index, per_shard):
    whole = content()
    array = build(tmp_path / str(per_shard), Computing(whole), per_shard)
    got = array[index]
    expected = whole[index]
    assert type(got) is np.ndarray
    assert got.dtype == expected.dtype
    assert np.array_equal(got, expected)
    assert got.shape == expected.shape
    assert got.flags.writeable


def test_the_array_describes_itself_and_is_pickled_as_its_folder(tmp_path, monkeypatch):
    whole = content()
    monkeypatch.chdir(tmp_path)
    array = build(tmp_path.relative_to(tmp_path) / "x", Computing(whole))
    assert (array.shape, array.dtype, array.ndim, len(array)) == (whole.shape, np.float32, 3, N)
    assert np.array_equal(np.asarray(array), whole)
    assert np.asarray(array, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(array, copy=False)
    assert len(pickle.dumps(array)) < 400
    monkeypatch.chdir("/")  # a worker may be anywhere
    for again in (unpickled(pickle.dumps(array)), ShardedArray.open(tmp_path / "x")):
        assert again == array
        assert np.array_equal(again[:], whole)


def test_shards_are_files_that_numpy_reads(tmp_path):
    whole = content()
    build(tmp_path, Computing(whole))
    parts = [np.load(path, allow_pickle=False) for path in shards(tmp_path)]
    assert [len(part) for part in parts] == [5, 5, 5, 5, 3]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("index", [N, -N - 1, [0, N], [-N - 1]])
def test_rows_out_of_range_are_refused(tmp_path, index):
    array = build(tmp_path, Computing(content()))
    with pytest.raises(IndexError, match=f"is not among {N}"):
        array[index]


@pytest.mark.parametrize("index", [1.5, "a", [True], (0, 1), None, np.ones((N, 2), bool)])
def test_what_is_no_row_number_is_refused(tmp_path, index):
    array = build(tmp_path, Computing(content()))
    with pytest.raises(IndexError):
        array[index]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_small_arrays(tmp_path, n):
    whole = content(n)
    array = build(tmp_path, Computing(whole))
    assert np.array_equal(array[:], whole)
    assert array[[]].shape == (0, 3, 2)
    assert len(shards(tmp_path)) == (n > 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.int64, bool, ">f4"])
def test_types(tmp_path, dtype):
    whole = (content() > 0).astype(dtype)
    array = build(tmp_path, Computing(whole))
    assert array.dtype == whole.dtype
    assert np.array_equal(array[:], whole)


def test_shards_have_about_32_mebibytes(tmp_path):
    array = build_shards(tmp_path, ArrayPlan({}, 0, (224, 224, 3), np.uint8), lambda _rows: [])
    assert array.rows_per_shard == 32 * 2**20 // (224 * 224 * 3)
    large = ArrayPlan({}, 0, (2**26,), "u1")
    assert build_shards(tmp_path / "x", large, lambda _rows: []).rows_per_shard == 1


class Unreadable:
    """An array that must not be read."""

    shape, dtype = (9, 4), np.dtype(np.uint8)

    def __getitem__(self, index):
        raise AssertionError("read too early")


def test_rows_are_a_view_that_reads_nothing_until_indexed(tmp_path):
    lazy = Rows(Unreadable(), np.array([3, 1, 7]))
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy)) == ((3, 4), np.uint8, 2, 3)
    whole = content()
    chosen = np.array([20, 3, 3, 8])
    for array in (whole, build(tmp_path, Computing(whole))):
        rows = unpickled(pickle.dumps(Rows(array, chosen)))
        for index in (1, -1, slice(1, 3), np.array([3, 0]), [True, False, True, False]):
            assert np.array_equal(rows[index], whole[chosen][index])
        assert np.array_equal(np.asarray(rows), whole[chosen])
        assert np.array_equal(Rows(rows, np.array([3, 0]))[:], whole[[8, 20]])
        assert np.asarray(rows, dtype=float).dtype == float


def test_a_complete_array_is_not_computed_again(tmp_path):
    whole = content()
    first, second = Computing(whole), Computing(whole)
    counts = []
    build(tmp_path, first, progress=counts.append)
    assert first.asked == [(0, N)]
    assert counts == [4, 4, 4, 4, 4, 3]
    counts.clear()
    assert np.array_equal(build(tmp_path, second, progress=counts.append)[:], whole)
    assert second.asked == []
    assert counts == [N]


@pytest.mark.parametrize("fail_at", [0, 4, 8, 11, 20, 22])
def test_an_interrupted_array_goes_on(tmp_path, fail_at):
    whole = content()
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Computing(whole, fail_at=fail_at))
    with pytest.raises(ValueError, match="holds no complete array; run the command"):
        ShardedArray.open(tmp_path)
    kept = 5 * len(shards(tmp_path))
    assert kept == 5 * (4 * (fail_at // 4) // 5)
    rest, counts = Computing(whole), []
    assert np.array_equal(build(tmp_path, rest, progress=counts.append)[:], whole)
    assert rest.asked == [(kept, N)]
    assert sum(counts) == N


def test_an_array_goes_on_with_the_shards_it_was_begun_with(tmp_path):
    whole = content()
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Computing(whole, fail_at=12), per_shard=5)
    rest = Computing(whole)
    assert np.array_equal(build(tmp_path, rest, per_shard=7)[:], whole)
    assert rest.asked == [(10, N)]


def cut(path):
    os.truncate(path, path.stat().st_size - 7)


def cut_to_nothing(path):
    os.truncate(path, 0)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def spoil_header(path):
    path.write_bytes(path.read_bytes().replace(b"<f4", b"<i4"))


def extend(path):
    path.write_bytes(path.read_bytes() + b"x")


def swap(path):
    path.write_bytes(path.with_name("000000.npy").read_bytes())


@pytest.mark.parametrize("damage", [cut, cut_to_nothing, flip, spoil_header, extend, swap])
def test_damaged_shards_are_found_and_repaired_to_the_same_bytes(tmp_path, damage):
    whole = content()
    build(tmp_path, Computing(whole))
    before = hashes(tmp_path)
    for number in (1, 3):
        damage(shards(tmp_path)[number])
    again, told = Computing(whole), []
    assert np.array_equal(build(tmp_path, again, tell=told.append)[:], whole)
    assert again.asked == [(5, 10), (15, 20)]
    assert told == [f"2 of 5 shards in {tmp_path} are damaged and are computed again"]
    assert hashes(tmp_path) == before


def test_a_shard_that_cannot_be_read_is_computed_again(tmp_path):
    whole = content()
    build(tmp_path, Computing(whole))
    path = shards(tmp_path)[2]
    path.unlink()
    path.symlink_to(path)  # opening this fails
    again = Computing(whole)
    assert np.array_equal(build(tmp_path, again)[:], whole)
    assert again.asked == [(10, 15)]


def test_missing_and_surplus_shards(tmp_path):
    whole = content()
    build(tmp_path, Computing(whole))
    before = hashes(tmp_path)
    surplus = shards(tmp_path)[0].rename(tmp_path / "000017.npy")
    shards(tmp_path)[0].unlink()
    (tmp_path / "notes.npy").write_text("somebody else's")
    (tmp_path / ".partial-abc").write_text("left by a killed writer")
    again, told = Computing(whole), []
    assert np.array_equal(build(tmp_path, again, tell=told.append)[:], whole)
    assert again.asked == [(0, 10)]
    assert told == []
    assert not surplus.exists()
    assert not (tmp_path / ".partial-abc").exists()
    assert (tmp_path / "notes.npy").exists()
    (tmp_path / "notes.npy").unlink()
    assert hashes(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{}", "damaged", None])
def test_a_damaged_manifest_costs_no_shard(tmp_path, text):
    whole = content()
    build(tmp_path, Computing(whole))
    manifest = tmp_path / "manifest.json"
    manifest.unlink() if text is None else manifest.write_text(text)
    with pytest.raises(ValueError, match="no complete array"):
        ShardedArray.open(tmp_path)
    again = Computing(whole)
    assert np.array_equal(build(tmp_path, again)[:], whole)
    assert again.asked == []


def test_a_manifest_of_another_version_is_replaced(tmp_path):
    whole = content()
    build(tmp_path, Computing(whole))
    write_json(tmp_path / "manifest.json", {"version": 0, "complete": True})
    with pytest.raises(ValueError, match="no complete array"):
        ShardedArray.open(tmp_path)
    assert np.array_equal(build(tmp_path, Computing(whole))[:], whole)


def test_another_array_in_the_folder_is_replaced(tmp_path):
    """Not one of its rows is taken over, whatever differs."""
    whole = content()
    others = [
        ({"a": 2}, whole + 1),
        ({"a": 1, "b": None}, whole + 2),
        ({"a": 1}, whole[:-1] + 3),
        ({"a": 1}, whole.reshape(N, 2, 3) + 4),
        ({"a": 1}, (whole + 5).view(np.int32)),
    ]
    keys = {build(tmp_path, Computing(whole)).key}
    for key, other in others:
        computing, told = Computing(other), []
        array = build(tmp_path, computing, key=key, tell=told.append)
        assert np.array_equal(array[:], other)
        assert computing.asked == [(0, len(other))]
        assert told == [f"{tmp_path} holds another array, which is replaced"]
        keys.add(array.key)
    assert len(keys) == 1 + len(others)


def test_shards_of_another_array_are_not_taken_for_ours(tmp_path):
    whole = content()
    build(tmp_path / "ours", Computing(whole))
    build(tmp_path / "other", Computing(whole + 1), key={"a": 2})
    stray = shards(tmp_path / "other")[2]
    stray.rename(tmp_path / "ours" / stray.name)
    again = Computing(whole)
    assert np.array_equal(build(tmp_path / "ours", again)[:], whole)
    assert again.asked == [(10, 15)]


def test_damage_after_opening_is_an_error_that_says_what_to_do(tmp_path):
    array = build(tmp_path, Computing(content()))
    cut_to_nothing(shards(tmp_path)[1])
    shards(tmp_path)[2].unlink()
    assert array[[0, 22]].shape == (2, 3, 2)
    for row in (6, 11):
        with pytest.raises(DamagedFileError, match=r"npy is missing or cut off; run the same"):
            array[row]


def test_a_full_disk_passes_and_keeps_what_is_whole(tmp_path, monkeypatch):
    whole = content()
    written, sync = [], os.fsync

    def full(handle):
        written.append(handle)
        if len(written) > 8:  # each file is one call for its bytes and one for its folder
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            build(tmp_path, Computing(whole))
    assert len(shards(tmp_path)) == 3
    assert not list(tmp_path.glob(".partial-*"))
    rest = Computing(whole)
    assert np.array_equal(build(tmp_path, rest)[:], whole)
    assert rest.asked == [(15, N)]


def test_the_generator_is_closed_when_writing_fails(tmp_path, monkeypatch):
    closed = []

    def compute(rows):
        try:
            for row in rows:
                yield content()[row : row + 1]
        finally:
            closed.append(rows)

    def fail(*_arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("features.storage.build_shards.write_shard", fail)
    with pytest.raises(OSError, match="Input/output") as caught:
        build_shards(tmp_path, ArrayPlan({}, N, (3, 2), np.float32, 5), compute)
    assert closed, caught


@pytest.mark.parametrize(
    ("yielded", "message"),
    [
        ([np.zeros((N - 1, 3, 2), np.float32)], f"yielded {N - 1} of the {N} rows"),
        ([np.zeros((N, 3, 2), np.float32)] * 2, f"more than the {N} rows"),
        ([np.zeros((N, 2, 3), np.float32)], r"not \(3, 2\) float32"),
        ([np.zeros((N, 3, 2))], r"float64, not \(3, 2\) float32"),
        ([], f"yielded 0 of the {N} rows"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, yielded, message):
    with pytest.raises(ValueError, match=message):
        build_shards(tmp_path, ArrayPlan({}, N, (3, 2), np.float32, 5), lambda _rows: yielded)
    with pytest.raises(ValueError, match="no complete array"):
        ShardedArray.open(tmp_path)


def test_shards_without_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="rows_per_shard must be at least 1, not 0"):
        build(tmp_path, Computing(content()), per_shard=0)


def test_a_complete_array_is_read_from_a_read_only_disk(tmp_path):
    whole, done = content(), []
    build(tmp_path / "x", Computing(whole))
    (tmp_path / "x" / ".lock").unlink(missing_ok=True)
    with read_only(tmp_path / "x"):
        compute = Computing(whole)
        assert np.array_equal(build(tmp_path / "x", compute, progress=done.append)[:], whole)
    assert (compute.asked, done) == ([], [N])
    shards(tmp_path / "x")[1].unlink()
    with (
        read_only(tmp_path / "x"),
        pytest.raises(OSError, match="lacks some of what is needed and cannot be written"),
    ):
        build(tmp_path / "x", Computing(whole))
