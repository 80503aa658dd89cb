"""MATLAB files up to version 7: what is read, what is refused, and checksums that are verified."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat
from scipy.io.matlab import MatlabObject
from scipy.sparse import csc_array, csc_matrix

from benchmark.errors import UsageError
from benchmark.files.matlab import read_matlab

X, D = np.arange(12.0).reshape(4, 3) ** 2, np.full((4, 2), 0.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "d.mat"


def refused(path, **content):
    if content:
        savemat(path, {"features": X, "labels": D, **content})
    with pytest.raises(UsageError) as caught:
        read_matlab(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("how", [{"format": "4"}, {"format": "5"}, {"do_compression": True}])
@pytest.mark.parametrize("make", [np.asarray, csc_matrix, csc_array], ids=["dense", "old", "new"])
def test_every_version_dense_or_sparse(path, how, make):
    savemat(path, {"other": "text", "features": make(X), "labels": make(D)}, **how)
    found = read_matlab(path)
    assert np.array_equal(found.X, X)
    assert np.array_equal(found.D, D)
    assert (found.label_names, found.ids) == (None, None)


@pytest.mark.parametrize("kind", ["u1", "i2", "u4", "i8", "f4", "?"])
def test_other_types_of_numbers(path, kind):
    savemat(path, {"features": X.astype(kind), "labels": D})
    assert np.array_equal(read_matlab(path).X, X.astype(kind))


@pytest.mark.parametrize(
    "names",
    [
        np.array(["joy", "héé"], dtype=object),
        np.array([["joy"], ["héé"]], dtype=object),
        np.array(["joy", "héé"]),
    ],
)
def test_names_of_labels(path, names):
    savemat(path, {"features": X, "labels": D, "label_names": names})
    assert read_matlab(path).label_names == ("joy", "héé")


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"a": X}, "features is a struct, not a matrix of real numbers"),
        (np.array([X, 1], dtype=object), "features is a cell array"),
        ("text", "features is text"),
        (X + 1j, "features is complex"),
        (MatlabObject(np.array([(1,)], dtype=[("a", "O")]), "thing"), "features is a struct"),
    ],
)
def test_what_is_no_matrix_is_told(path, value, what):
    assert what in refused(path, features=value)


def test_names_that_are_no_texts_and_matrices_that_are_absent(path):
    assert "must be a cell array with a text for each label" in refused(path, label_names=[1, 2])
    savemat(path, {"Features": X, "labels": D})
    assert "no matrix named 'features' (it holds: Features, labels)" in refused(path)
    savemat(path, {f"x{k}": 1 for k in range(20)})
    assert "x8, x9, ...)" in refused(path)


def test_a_sparse_index_beyond_the_matrix_and_one_that_is_too_large(path):
    sparse = csc_matrix(X)
    sparse.indices[2] = 100
    assert "features is a damaged sparse matrix" in refused(path, features=sparse)
    huge = csc_matrix(([1.0], ([5], [5])), shape=(2**30, 2**20))
    assert "GiB of memory; this machine has" in refused(path, features=huge)


def test_every_byte_of_a_compressed_file_is_under_a_checksum(path):
    savemat(path, {"features": X, "labels": D}, do_compression=True)
    content = path.read_bytes()
    for place in range(128, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        refused(path)


def test_a_file_that_is_cut_off(path):
    savemat(path, {"features": X, "labels": D})
    content = path.read_bytes()
    for length in (127, 130, 300, len(content) - 1):
        path.write_bytes(content[:length])
        refused(path)
