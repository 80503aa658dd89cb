"""MATLAB files of version 7.3 and other HDF5: orientation, sparse matrices, texts, and links.

The files are written as MATLAB, Octave and h5py write them.
"""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from scipy.sparse import csc_array

from benchmark.errors import UsageError
from benchmark.files.matlab import read_matlab

X, D = np.arange(12.0).reshape(4, 3) ** 2, np.full((4, 2), 0.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "d.mat"


def put(file, name, value, kind="double"):
    """Store a matrix as MATLAB does: column by column, with its class beside it."""
    node = file.create_dataset(name, data=np.asarray(value).T)
    node.attrs["MATLAB_class"] = np.bytes_(kind)
    return node


def put_text(file, name, text):
    codes = np.frombuffer(text.encode("utf-16-le"), dtype="<u2")
    return put(file, name, codes[None], "char")


def put_cells(file, name, texts):
    nodes = [put_text(file, f"#refs#/{k}", text).ref for k, text in enumerate(texts)]
    node = file.create_dataset(name, data=np.array([nodes], dtype=h5py.ref_dtype).T)
    node.attrs["MATLAB_class"] = np.bytes_("cell")


def put_sparse(file, name, value):
    matrix = csc_array(value)
    group = file.create_group(name)
    group.attrs["MATLAB_class"] = np.bytes_("double")
    group.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0])
    group["jc"] = matrix.indptr.astype(np.uint64)
    if matrix.nnz:  # MATLAB stores no empty ones
        group["ir"], group["data"] = matrix.indices.astype(np.uint64), matrix.data


@pytest.fixture
def write(path):
    """Write the head that MATLAB writes before the HDF5, and what a function puts into it."""

    def make(put_all):
        with h5py.File(path, "w", userblock_size=512) as file:
            put_all(file)
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
        return path

    return make


def refused(path):
    with pytest.raises(UsageError) as caught:
        read_matlab(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_matlab_writes_matrices_column_by_column(write):
    def put_all(file):
        put(file, "features", X)
        put(file, "labels", D)
        put_cells(file, "label_names", ["joy", "Ärger 😠"])

    found = read_matlab(write(put_all))
    assert np.array_equal(found.X, X)
    assert np.array_equal(found.D, D)
    assert found.label_names == ("joy", "Ärger 😠")


def test_sparse_matrices_and_char_matrices(write):
    def put_all(file):
        put_sparse(file, "features", X)
        put_sparse(file, "labels", D)
        put(file, "label_names", np.array([list(b"joy "), list(b"fear")], dtype="u2"), "char")

    found = read_matlab(write(put_all))
    assert np.array_equal(found.X, X)
    assert np.array_equal(found.D, D)
    assert found.label_names == ("joy ", "fear")
    empty = read_matlab(write(lambda file: (put_sparse(file, "features", X * 0),
                                            put(file, "labels", D))))  # fmt: skip
    assert np.array_equal(empty.X, X * 0)


@pytest.mark.parametrize("kind", ["single", "uint8", "int16", "logical"])
def test_other_types_of_numbers(write, kind):
    values = X.astype({"single": "f4", "logical": "u1"}.get(kind, kind))
    found = read_matlab(write(lambda file: (put(file, "features", values, kind),
                                            put(file, "labels", D))))  # fmt: skip
    assert np.array_equal(found.X, values)


def test_plain_hdf5_is_taken_as_it_stands(path):
    with h5py.File(path, "w") as file:
        file["features"], file["labels"], file["label_names"] = X, D, ["joy", "fear"]
    found = read_matlab(path)
    assert np.array_equal(found.X, X)
    assert found.label_names == ("joy", "fear")


def test_octave_puts_each_value_into_a_group(path):
    with h5py.File(path, "w") as file:
        for name, value in (("features", X), ("labels", D)):
            group = file.create_group(name)
            group.attrs["OCTAVE_NEW_FORMAT"] = np.uint8(1)
            group["type"], group["value"] = np.bytes_("matrix"), value.T
    found = read_matlab(path)
    assert np.array_equal(found.X, X)
    assert np.array_equal(found.D, D)


@pytest.mark.parametrize(
    ("put_features", "what"),
    [
        (lambda file: file.create_group("features"), "features is a struct or group"),
        (lambda file: put_text(file, "features", "abc"), "features is text"),
        (lambda file: put_cells(file, "features", ["a"]), "features is a cell array"),
        (lambda file: put(file, "features", X, "function_handle"), "is a function handle"),
        (lambda file: put(file, "features", X + 1j), "features is complex"),
        (lambda file: file.__setitem__("features", h5py.ExternalLink("/etc/passwd", "x")),
         "features lies in another file"),
        (lambda file: file.create_dataset("features", (4, 3), "f8", external=[("raw", 0, 96)]),
         "features lies in another file"),
        (lambda file: file.create_dataset("features", (2**40, 2**10), "f8", chunks=(64, 64)),
         "GiB of memory; this machine has"),
        (lambda file: put(file, "Features", X), "no matrix named 'features' (it holds: Features"),
    ],
)  # fmt: skip
def test_what_is_no_matrix_is_told(write, put_features, what):
    assert what in refused(write(lambda file: (put_features(file), put(file, "labels", D))))


def test_damage_is_told(write, path):
    def put_all(file):
        put_sparse(file, "features", X)
        file["features/ir"][0] = 77
        put(file, "labels", D)

    assert "is not a readable MATLAB 7.3 (HDF5) file" in refused(write(put_all))
    write(lambda file: (put(file, "features", X), put(file, "labels", D),
                        put(file, "label_names", [[1.0, 2.0]])))  # fmt: skip
    assert "must be a cell array with a text for each label" in refused(path)
    path.write_bytes(path.read_bytes()[:700])
    assert "is not a readable MATLAB 7.3 (HDF5) file" in refused(path)
