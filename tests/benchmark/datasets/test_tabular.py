"""Datasets from files: what is read, and what is refused in which words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from benchmark.datasets import load_dataset
from benchmark.errors import UsageError


@pytest.fixture
def data(problem):
    return problem[0][:20], problem[1][:20]


def test_mat(tmp_path, data):
    X, D = data
    savemat(tmp_path / "My.Set.mat", {"features": X, "labels": D})
    loaded = load_dataset(tmp_path / "My.Set.mat")
    assert loaded.name == "My.Set"
    assert loaded.label_names == ("label0", "label1", "label2", "label3")
    assert np.array_equal(loaded.X, X)
    assert np.array_equal(loaded.D, D)
    assert loaded.ids[:2] == ("0", "1")


def test_sparse_matrices_and_byte_order_marks(tmp_path, data):
    X, D = data
    savemat(tmp_path / "s.mat", {"features": csc_matrix(X), "labels": csc_matrix(D)})
    assert load_dataset(tmp_path / "s.mat").X == pytest.approx(X)
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbff,label:a,label:b\n1,0,1\n2,1,0\n")
    assert load_dataset(tmp_path / "bom.csv").X.tolist() == [[1.0], [2.0]]


def test_mat_label_names(tmp_path, data):
    names = np.array(["joy", "anger", "fear", "awe"], dtype=object)
    savemat(tmp_path / "x.mat", {"features": data[0], "labels": data[1], "label_names": names})
    assert load_dataset(tmp_path / "x.mat").label_names == ("joy", "anger", "fear", "awe")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables(tmp_path, data, ending):
    X, D = data
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(X.shape[1])])
    for j, name in enumerate(["joy", "anger", "fear", "awe"]):
        frame[f"label:{name}"] = D[:, j]
    frame["id"] = [f"image{i}.jpg" for i in range(len(X))]
    path = tmp_path / f"mine.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    loaded = load_dataset("mine." + ending, data_dir=tmp_path)
    assert loaded.label_names == ("joy", "anger", "fear", "awe")
    assert loaded.ids[3] == "image3.jpg"
    assert loaded.X == pytest.approx(X)
    assert loaded.D == pytest.approx(D)


def test_all_real_sets_load(shared):
    shapes = {"emotion6": (1980, 168, 7), "SJAFFE": (213, 243, 6), "SBU_3DFE": (2500, 243, 6),
              "Painting": (280, 142, 8), "Yeast_alpha": (2465, 24, 18)}  # fmt: skip
    for name, (n, q, c) in shapes.items():
        loaded = load_dataset(shared / "datasets" / f"{name}.mat")
        assert (loaded.X.shape, loaded.D.shape) == ((n, q), (n, c))


def test_unreadable_files(tmp_path, data):
    def message(name, content=None):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError) as caught:
            load_dataset(tmp_path / name)
        return str(caught.value)

    assert "no such file" in message("none.mat")
    assert "not a readable MATLAB file" in message("text.mat", b"features, labels\n1, 2\n" * 20)
    assert "empty.mat is empty" in message("empty.mat", b"")
    assert "empty.csv is empty" in message("empty.csv", b"")
    assert "not a readable Parquet file" in message("text.parquet", b"hello")
    assert "has no label columns" in message("x.csv", b"a,b\n1,2\n")
    assert "has no feature columns" in message("x.csv", b"label:a,label:b\n1,0\n")
    text = message("x.csv", b"f,label:a,label:b\n1,0,1\nx7,1,0\n")
    assert "row 1 (counted from 0) has 'x7' in column 'f'" in text
    savemat(tmp_path / "half.mat", {"features": data[0], "target": data[1]})
    assert "no matrix named 'labels' (it holds: features, target)" in message("half.mat")
    assert "MATLAB 7.3" in message("new.mat", b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    assert "two columns named 'f'" in message("x.csv", b"f,f,label:a,label:b\n1,2,0,1\n")
    assert "column 0 (counted from 0) has no name" in message("x.csv", b",f,label:a\n0,1,1\n")
    assert "separated by semicolons" in message("x.csv", b"f;label:a;label:b\n1;0;1\n")
    assert "File name too long" in message("x" * 300 + ".csv")
    times = pd.DataFrame({"f": pd.to_datetime(["2020-01-01"] * 2), "label:a": [0, 1]})
    times.to_parquet(tmp_path / "times.parquet")
    assert "column 'f' holds times" in message("times.parquet")


def test_truncated_mat_files_are_refused_in_one_sentence(tmp_path, data):
    path = tmp_path / "x.mat"
    savemat(path, {"features": data[0], "labels": data[1]}, do_compression=True)
    content = path.read_bytes()
    for length in range(1, len(content) - 1, 37):
        path.write_bytes(content[:length])
        with pytest.raises(UsageError):
            load_dataset(path)
