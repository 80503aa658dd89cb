"""Public tabular sets by name: found, verified, told apart from other files of that name.

The list of `benchmark.commands.show_datasets` has them; they lie in `benchmark.datasets.folders`.
"""

from __future__ import annotations

import numpy as np
import pytest
from miniature import make_emotion6

from benchmark.datasets import load_dataset
from benchmark.datasets.tabular_sets.loading import status
from benchmark.errors import UsageError


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "ldl").mkdir(parents=True)
    return tmp_path / "data"


def test_a_set_is_found_by_its_name(tiny, data, monkeypatch):
    (data / "ldl" / "tiny.mat").write_bytes(tiny.content)
    for name in ("Tiny", "TINY"):
        loaded = load_dataset(name, data)
        assert (loaded.name, loaded.source) == ("Tiny", str(data / "ldl" / "tiny.mat"))
        assert np.array_equal(loaded.X, tiny.X)
        assert loaded.notes == ()
    monkeypatch.chdir(data.parent)
    assert load_dataset("tiny").name == "Tiny"  # in data, without being told
    assert [found.state for found in status()] == ["complete"]


def test_a_set_that_is_not_here(tiny, data, monkeypatch):
    get = f"ldl-benchmark datasets fetch Tiny --data-dir {data}"
    with pytest.raises(UsageError, match=rf"Tiny is not in {data}: there is no file .*\({get}\)"):
        load_dataset("tiny", data)
    monkeypatch.chdir(data)
    with pytest.raises(UsageError, match=r"no such file: Tiny\.mat; get it with .* fetch Tiny$"):
        load_dataset("Tiny.mat")
    with pytest.raises(UsageError, match=r"no dataset named 'Tinny': .*; did you mean 'Tiny'"):
        load_dataset("Tinny")
    assert [(found.state, found.path) for found in status(data)] == [("absent", None)]


def test_another_file_of_that_name(tiny, data):
    path = data / "Tiny.mat"
    path.write_bytes(tiny.written(tiny.X + 1))
    loaded = load_dataset("Tiny", data)
    assert len(loaded.notes) == 1
    assert f"{path} is not the published file of Tiny although of the same shape" in loaded.notes[0]
    assert [found.state for found in status(data)] == ["another file"]
    path.write_bytes(tiny.written(tiny.X[:, :2]))
    with pytest.raises(UsageError, match="is not Tiny, which has 40 rows, 3 features and 4 labels"):
        load_dataset("Tiny", data)
    assert load_dataset(path).X.shape == (40, 2)  # by its path it is what it is


def test_one_name_for_images_and_a_table(shared, tmp_path):
    assert load_dataset("Emotion6", shared / "datasets").X.shape == (1980, 168)
    make_emotion6(tmp_path, size=24)
    (tmp_path / "emotion6.mat").symlink_to(shared / "datasets" / "emotion6.mat")
    assert load_dataset("emotion6", tmp_path).images is not None  # as ever
    assert load_dataset("emotion6.mat", tmp_path).images is None


def test_a_run_by_name_and_the_list(tiny, data, command):
    (data / "Tiny.mat").write_bytes(tiny.content)
    done = command("run", "AA-kNN", "--dataset", "tiny", "--folds", "2")
    assert done.returncode == 0
    assert "Tiny" in done.stdout
    shown = command("datasets").stdout
    tables, images = shown.index("Tabular set"), shown.index("Image set")
    assert tables < shown.index("\nTiny ") < shown.index("In data: Tiny.") < images
    assert "complete" in shown[tables:images]
    assert "Cite Tiny 2026: Tiny." in shown
    (data / "Tiny.mat").unlink()
    assert "datasets fetch Tiny" in command("datasets").stdout
