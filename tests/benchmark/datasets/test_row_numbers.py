"""Features that only number the rows: which are refused, which noted, and which are features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets import load_dataset, make_dataset
from benchmark.datasets.row_numbers import note_row_numbers, numbers_rows
from benchmark.errors import UsageError

N = 40
RNG = np.random.default_rng(0)
ROWS = np.arange(N, dtype=float)
D = RNG.dirichlet(np.ones(3), N)


def notes_of(column, name=None, may_ignore=True):
    X = np.column_stack([RNG.normal(size=N), column])
    return note_row_numbers("d.csv", X, None if name is None else ["f1", name], may_ignore)


@pytest.mark.parametrize(
    "name",
    ["id", "ID", "Id.", "index", "Index", "Unnamed: 0", "unnamed:_0.1", "level_0", "#", "No", "No.",
     "№", "nr", "row", "rownames", "row.names", "row_no", "RowNumber", "sample_id", "sampleId",
     "image index", "IMAGE-ID", "imageid", "userID", "__index_level_0__", "序号", "编号", "obs"],
)  # fmt: skip
def test_names_of_row_numbers(name):
    assert numbers_rows(name)


@pytest.mark.parametrize(
    "name",
    ["f1", "x", "X1", "V1", "valid", "grid", "humid", "note", "indexed", "age", "kind", "pc0"],
)
def test_names_of_features(name):
    assert not numbers_rows(name)


NUMBERINGS = {
    "from 0": ROWS, "from 1": ROWS + 1, "from anywhere": ROWS + 1017, "backwards": ROWS[::-1],
    "by tens": ROWS * 10, "scaled": ROWS / (N - 1), "rounded": np.round(ROWS / (N - 1), 3),
    "standardised": (ROWS - ROWS.mean()) / ROWS.std(), "single": (ROWS / N).astype("f4"),
    "shuffled": RNG.permutation(ROWS), "shuffled from 1": RNG.permutation(ROWS) + 1,
}  # fmt: skip


@pytest.mark.parametrize("values", NUMBERINGS.values(), ids=NUMBERINGS)
def test_name_and_values_together_are_refused_and_either_alone_noted(values):
    with pytest.raises(
        UsageError, match=r"column 'My ID' only numbers .* --ignore 'My ID', or give"
    ):
        notes_of(values, "My ID")
    (note,) = notes_of(values, "f2")
    assert note.startswith("feature 'f2' may only number the rows")
    assert note.endswith("if so, leave it out with --ignore f2")
    (note,) = notes_of(values)
    assert note.startswith("feature 1 (counted from 0) may only number the rows")
    assert note.endswith("if so, take it out")


def test_identifiers_with_gaps_are_noted_by_their_name():
    values = RNG.permutation(10_000)[:N]
    (note,) = notes_of(values, "photo_id")
    assert note.startswith("feature 'photo_id' may only name the rows, as its name says")
    assert notes_of(values, "photo") == []
    assert len(notes_of(RNG.normal(size=N), "ID")) == 1
    assert notes_of(RNG.normal(size=N), "refractive_index") == []
    assert len(notes_of(values, "No.")) == 1
    assert notes_of(RNG.normal(size=N), "no") == notes_of(ROWS % 3, "number") == []
    assert notes_of(np.repeat(ROWS[: N // 2], 2), "subject_id") == []


@pytest.mark.parametrize(
    "values",
    [RNG.normal(size=N), np.round(ROWS / 3), ROWS**2, np.where(ROWS == 7, 9, ROWS), ROWS * 0,
     RNG.integers(0, N, N), np.sort(RNG.normal(size=N)), RNG.permutation(ROWS) / 2],
)  # fmt: skip
def test_features_are_left_in_peace(values):
    assert notes_of(values) == []


def test_few_rows_are_told_by_name_alone():
    X = np.array([[1.0, 0.3], [2.0, 0.1], [3.0, 0.7]])
    assert note_row_numbers("d", X, ["f1", "f2"], True) == []
    with pytest.raises(UsageError, match="only numbers the rows"):
        note_row_numbers("d", X, ["index", "f2"], True)


def test_several_features_are_one_note():
    X = np.column_stack([ROWS + k for k in range(8)])
    (note,) = note_row_numbers("d", X, None, False)
    assert note.startswith("8 features, 0 (counted from 0), 1 (counted from 0)")
    assert "if so, take them out" in note


def test_matrices_and_tables_in_memory():
    X = np.column_stack([RNG.normal(size=N), ROWS])
    assert "feature 1 (counted from 0) may" in make_dataset("m", X, D).notes[0]
    with pytest.raises(UsageError, match=r"^dataset m: column 'index' only .*; take it out, or"):
        make_dataset("m", pd.DataFrame(X, columns=["f1", "index"]), D)


def test_files(tmp_path):
    frame = pd.DataFrame({"f1": RNG.normal(size=N), "n": ROWS}).assign(
        **{f"label:{name}": D[:, j] for j, name in enumerate("abc")}
    )
    path = tmp_path / "d.csv"
    frame.to_csv(path, index=False)
    assert "feature 'n' may only number the rows" in load_dataset(path).notes[0]
    without = load_dataset(path, ignore="n")
    assert (without.X.shape, without.notes) == ((N, 1), ("left out with --ignore: n",))
    frame.to_csv(path)
    frame = pd.read_csv(path)  # the former index is a column now
    frame.to_parquet(tmp_path / "d.parquet")
    with pytest.raises(UsageError, match=r"d\.parquet: column 'Unnamed: 0' only numbers the rows"):
        load_dataset(tmp_path / "d.parquet")


def test_no_public_dataset_is_suspected(shared):
    for path in sorted((shared / "datasets").glob("*.mat")):
        assert not [note for note in load_dataset(path).notes if "rows" in note and "may" in note]
