"""Datasets by name: which name means what, and which datasets a run gets."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from benchmark.datasets.base import make_dataset
from benchmark.datasets.loading import Loading, is_synthetic, load_dataset, load_datasets
from benchmark.errors import UsageError


@pytest.mark.parametrize(
    ("name", "built_in"),
    [("synthetic", True), ("Synthetic:30", True), ("synthetic:30x16", True), ("synthetic:", False),
     ("synthetic.csv", False), (Path("synthetic"), True)],
)  # fmt: skip
def test_names_of_built_in_images(name, built_in):
    assert is_synthetic(name) is built_in


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("syntetic", "did you mean 'synthetic'"),
        ("photo.jpg", "no dataset named 'photo.jpg'"),
        ("Emotion", "did you mean 'Emotion6'"),
    ],
)
def test_unknown_names_are_refused(name, message):
    with pytest.raises(UsageError, match=message):
        load_dataset(name)


def test_a_relative_path_is_looked_up_in_the_data_folder(small, monkeypatch):
    monkeypatch.chdir("/")
    assert load_dataset("small.mat", small.parent).name == "small"
    with pytest.raises(UsageError, match=r"no such file: none\.mat or .*none\.mat"):
        load_dataset("none.mat", small.parent)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smal.mat", "no such file: smal.mat; did you mean 'small.mat'?"),
        ("Small.MAT", "no such file: Small.MAT; did you mean 'small.mat'?"),
        ("small.csv", "no such file: small.csv; did you mean 'small.mat'?"),
        (
            "Small",
            ".csv, .parquet, .feather or .arrow file; did you mean 'small.mat'?",
        ),
        ("folder/inside.cvs", "file; did you mean 'folder/inside.csv'?"),
        ("nowhere/small.mat", "no such file: nowhere/small.mat; there is no folder nowhere"),
        ("foldr/x.csv", "no such file: foldr/x.csv; there is no folder foldr; did you mean 'fold"),
        ("small.parquet", "no such file: small.parquet; did you mean 'small.mat'?"),
        ("folder", "folder is a folder, which holds inside.csv; give a .mat, .npz, .csv, .par"),
        ("folder.csv", "folder.csv is a folder; give a .mat"),
        ("link.csv", "link.csv is a link to a file that is not there"),
        ("pipe.csv", "pipe.csv is no file but a pipe or a device"),
        ("notes.txt", "notes.txt is not read, by its ending; give a .mat, .npz, .csv"),
        ("small.csv.gz", r"small.csv.gz is compressed (gzip); unpack it"),
        ("small.mat/x.csv", "no such file: small.mat/x.csv"),
        ("a\0.csv", "embedded null"),
    ],
)
def test_a_file_that_is_not_there_is_told_with_one_that_is(small, monkeypatch, name, message):
    folder = small.parent
    monkeypatch.chdir(folder)
    (folder / "folder").mkdir()
    (folder / "folder.csv").mkdir()
    (folder / "folder" / "inside.csv").touch()
    (folder / "link.csv").symlink_to("gone.csv")
    (folder / "mall.parquet").touch()
    (folder / "notes.txt").write_text("notes")
    (folder / "small.csv.gz").write_bytes(b"\x1f\x8b\x08")
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(UsageError, match=re.escape(message)):
        load_dataset(name)


def test_columns_to_leave_out_are_there(small, tmp_path, command):
    rows = "".join(f"{k}.jpg,{k},{k * k % 7},{k * k % 5},.5,.5\n" for k in range(20))
    (tmp_path / "table.csv").write_text(f"file,ID,f1,f2,label:a,label:b\n{rows}")
    data = load_dataset("table.csv", tmp_path, ignore=["file", "I?"])
    assert data.notes[0] == "left out with --ignore: file, ID"
    asked = ("run", "AA-kNN", "--folds", "2", "--dataset", "table.csv")
    done = command(*asked, "--ignore", "file", "--ignore", "ID", "--dataset", small)
    assert done.returncode == 0
    assert "table: left out with --ignore: file, ID." in done.stdout
    for words, message in (
        (asked, "'0.jpg' in column 'file', which is not a finite number; correct it, or leave the "
                "column out with --ignore file, or call it 'id' if it names the rows"),
        ((*asked, "--ignore", "fil"), "(--ignore fil matches none here)"),
        ((*asked, "--ignore", "file"), "column 'ID' only numbers the rows (0, 1, 2, ...) and tells "
                                       "their labels where they are sorted; leave it out with "
                                       "--ignore ID"),
        ((*asked, "--ignore", "file", "--ignore", "ID", "--ignore", "f_1"),
         "--ignore f_1: table has no such column; did you mean 'f1'?"),
        ((*asked[:-1], small, "--ignore", "f1"), "--ignore f1: small has no such column"),
        ((*asked, "--ignore", "*"), "--ignore would leave out 'label:a', a label"),
    ):  # fmt: skip
        done = command(*words)
        assert done.returncode == 2
        assert message in done.stderr


def test_a_run_gets_named_datasets_and_those_in_memory(small, problem, tmp_path):
    given = make_dataset("memory", *problem)
    loaded = load_datasets([str(small)], [given], Loading())
    assert list(loaded) == ["small", "memory"]
    assert loaded["memory"] is given
    with pytest.raises(UsageError, match="two datasets are called 'SMALL'; rename one"):
        load_datasets([str(small)], [make_dataset("SMALL", *problem)], Loading())
