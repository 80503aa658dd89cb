import io

import numpy as np
import pytest

from features.storage.plain_archive import parse_archive

ARRAYS = {
    "predictions": np.arange(6.0).reshape(2, 3) / 7,
    "record": np.array('{"key": "é"}'),
    "rows": np.array([3, 1, 2]),
    "names": np.array(["a", "bc"]),
    "none": np.empty((0, 4)),
    "bytes": np.frombuffer(b"abc", np.uint8),
    "flag": np.array(True),
}


def archive(arrays, save=np.savez):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def content():
    return archive(ARRAYS)


def same(found, wanted):
    return list(found) == list(wanted) and all(
        found[name].dtype == array.dtype and np.array_equal(found[name], array)
        for name, array in wanted.items()
    )


def test_reads_what_numpy_writes_into_arrays_of_their_own(content):
    found = parse_archive(content)
    assert same(found, ARRAYS)
    assert all(array.flags.writeable and array.flags.aligned for array in found.values())


@pytest.mark.parametrize(
    ("arrays", "save"),
    [
        (ARRAYS, np.savez_compressed),
        ({"a": np.asfortranarray(np.eye(3)[:2])}, np.savez),
        ({"a": np.zeros(2, dtype=[("b", "f8")])}, np.savez),
        ({"a": np.array([1, "b"], dtype=object)}, np.savez),
        ({"é": np.zeros(2)}, np.savez),
        ({"a": np.zeros(2, dtype="M8[s]")}, np.savez),
    ],
    ids=["compressed", "Fortran order", "structured", "objects", "other name", "dates"],
)
def test_leaves_other_layouts_to_numpy(arrays, save):
    assert parse_archive(archive(arrays, save)) is None


def test_what_is_cut_off_or_goes_on_is_not_read(content):
    assert all(parse_archive(content[:end]) is None for end in range(len(content)))
    assert parse_archive(content + b"\0") is None
    assert parse_archive(content + content) is None


def test_a_flipped_bit_gives_nothing_or_the_same_arrays(content):
    unread = 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        found = parse_archive(bytes(damaged))
        # Times of the entries and the like mean nothing.
        assert found is None or same(found, ARRAYS), place
        unread += found is None
    assert unread > 0.8 * len(content)
