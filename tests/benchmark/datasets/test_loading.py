"""Datasets by name: which name means what, and which datasets a run gets."""

from __future__ import annotations

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


def test_a_run_gets_named_datasets_and_those_in_memory(small, problem, tmp_path):
    given = make_dataset("memory", *problem)
    loaded = load_datasets([str(small)], [given], Loading())
    assert list(loaded) == ["small", "memory"]
    assert loaded["memory"] is given
    with pytest.raises(UsageError, match="two datasets are called 'SMALL'; rename one"):
        load_datasets([str(small)], [make_dataset("SMALL", *problem)], Loading())
