"""NumPy archives: what is read, and that nothing in one is ever unpickled."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.files.numpy_archive import read_npz
from benchmark.files.reading import Reading

X, D = np.arange(12.0).reshape(4, 3) ** 2, np.full((4, 2), 0.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "d.npz"


def refused(path):
    with pytest.raises(UsageError) as caught:
        read_npz(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", [np.float32, np.int16, bool, ">f8"])
def test_matrices_of_every_kind_and_what_is_beside_them(path, save, kind):
    features = np.asfortranarray(X).astype(kind)
    save(path, features=features, labels=D, label_names=["joy", "héé"], fold=[0, 1, 0, 1],
         group=np.array([b"a", b"b", b"a", b"b"]), other=np.zeros((2, 2, 2)))  # fmt: skip
    found = read_npz(path)
    assert np.array_equal(found.X, features)
    assert np.array_equal(found.D, D)
    assert found.label_names == ("joy", "héé")
    assert found.facts == {"group": ("a", "b", "a", "b"), "fold": ("0", "1", "0", "1")}
    assert "fold" not in read_npz(path, Reading(ignore=("fold",))).facts


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize("name", ["features", "label_names", "split"])
def test_python_objects_are_not_read(path, name):
    arrays = {"features": X, "labels": D, name: np.array([Evil()], dtype=object)}
    np.savez(path, **arrays)
    assert f"{name} holds Python objects, which are never read" in refused(path)


def test_other_arrays_and_files_are_refused(path):
    np.savez(path, features=X + 1j, labels=D)
    assert "features has the type complex128, and is not a matrix of real numbers" in refused(path)
    np.savez(path, features=X, labels=D, fold=np.zeros((4, 2)))
    assert "fold has the shape (4, 2), but needs one value per row" in refused(path)
    path.write_bytes(b"features,labels\n" * 9)
    assert "it is text" in refused(path)
    np.savez(path, features=X, labels=D)
    path.write_bytes(path.read_bytes()[:-30])
    assert "is not a readable NumPy archive" in refused(path)


def test_a_changed_value_is_found_by_its_checksum(path):
    np.savez(path, features=X, labels=D)
    content = path.read_bytes()
    place = content.index(X.tobytes()) + X.nbytes - 1
    path.write_bytes(content[:place] + b"\x41" + content[place + 1 :])
    assert "Bad CRC-32" in refused(path)


def test_an_array_that_is_said_to_be_too_large(path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("features", "labels"):
            archive.writestr(f"{name}.npy", header.getvalue())
    assert "this machine has" in refused(path)
