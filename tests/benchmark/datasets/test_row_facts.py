"""Groups, given folds, splits and raters: where they are told, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from benchmark.datasets import load_dataset
from benchmark.datasets.base import make_dataset
from benchmark.errors import UsageError

N = 12
RNG = np.random.default_rng(3)
X, D = RNG.normal(size=(N, 3)), RNG.dirichlet(np.ones(3), N)
GROUP = [f"s{row % 4}" for row in range(N)]
FOLD = [row % 3 for row in range(N)]
SPLIT = ["Train", "train ", "training", "val", "validation", "test"] * 2
RATERS = [float(row + 2) for row in range(N)]
TESTED = [-1, -1, -1, -1, -1, 0] * 2
COLUMNS = {"group": GROUP, "fold": FOLD, "raters": RATERS}


def table(**columns) -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=["f0", "f1", "f2"]).assign(**columns)
    frame[["label:a", "label:b", "label:c"]] = D
    return frame


def written(folder, ending, **columns):
    """Write a file of one ending with these columns, or variables, beside features and labels."""
    path = folder / f"mine{ending}"
    if ending == ".csv":
        table(**columns).to_csv(path, index=False)
    elif ending == ".parquet":
        table(**columns).to_parquet(path)
    elif ending == ".mat":
        cells = {k: np.array(v, dtype=object) if isinstance(v[0], str) else v
                 for k, v in columns.items()}  # fmt: skip
        savemat(path, {"features": X, "labels": D, **cells})
    else:  # HDF5
        path = folder / "new.mat"
        with h5py.File(path, "w") as file:
            for name, values in {"features": X, "labels": D, **columns}.items():
                file[name] = values
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".mat", ".hdf5"])
def test_files_tell_groups_folds_split_and_raters(tmp_path, ending):
    data = load_dataset(written(tmp_path, ending, **COLUMNS))
    assert data.X.shape == (N, 3)
    assert data.groups == tuple(GROUP)
    assert data.given_folds.dtype == np.int64
    assert data.given_folds.tolist() == FOLD
    assert data.raters.tolist() == RATERS
    numbers = [note for note in data.notes if "no feature;" in note]
    assert len(numbers) == (2 if ending in (".csv", ".parquet") else 0)  # fold and raters
    data = load_dataset(written(tmp_path, ending, split=SPLIT, group=[7.0, 8.0] * (N // 2)))
    assert data.given_folds.tolist() == TESTED
    assert data.groups == tuple(["7", "8"] * (N // 2) if ending != ".csv" else ["7.0", "8.0"] * 6)
    assert "4 rows are for validation in the given split, and learned from here" in data.notes


def test_text_of_a_char_matrix_and_a_column_left_out(tmp_path):
    savemat(tmp_path / "c.mat", {"features": X, "labels": D, "group": np.array(GROUP)})
    assert load_dataset(tmp_path / "c.mat").groups == tuple(GROUP)
    path = written(tmp_path, ".csv", fold=FOLD, split=SPLIT)
    with pytest.raises(UsageError, match="leave one out with --ignore split or --ignore fold"):
        load_dataset(path)
    assert load_dataset(path, ignore="split").given_folds.tolist() == FOLD


def test_folds_are_counted_from_0_and_minus_1_is_only_learned_from():
    made = make_dataset("m", X, D, folds=[5, 1, 3, -1] * 3)
    assert made.given_folds.tolist() == [2, 0, 1, -1] * 3
    assert made.notes == ("the 3 given folds, 1 to 5, are counted from 0",)
    again = make_dataset("m", X, D, given_folds=made.given_folds, groups=np.repeat([1, 2], 6))
    assert np.array_equal(again.given_folds, made.given_folds)
    assert again.groups == ("1",) * 6 + ("2",) * 6
    assert make_dataset("m", X, D, raters=[0.1] * N).raters.tolist() == [0.1] * N


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("group", ["a", ""] * 6, "row 1 (counted from 0) has no value in {}; fill it in"),
        ("group", [None, "b"] * 6, "row 0 (counted from 0) has no value in {}; fill it in"),
        ("fold", [0, 1, 1.5] * 4, "row 2 (counted from 0) has '1.5' in {}, which is no whole"),
        ("fold", ["0", "one"] * 6, "row 1 (counted from 0) has 'one' in {}, which is no whole"),
        ("fold", [0, -2] * 6, "row 1 (counted from 0) has '-2' in {}"),
        ("fold", [1] * N, "{} puts every row into fold 1, so no row is left to learn from; "
         "correct it"),
        ("fold", [-1] * N, "{} puts no row into a fold that is tested"),
        ("split", ["train", "tset"] * 6, "row 1 (counted from 0) has 'tset' in {}, which is none "
         "of train, training, val, valid, validation, dev, test or testing; correct it"),
        ("split", ["train", "val"] * 6, "{} has no test row, so nothing would be tested"),
        ("split", ["test"] * N, "{} has no training row"),
        ("raters", [3, 0] * 6, "row 1 (counted from 0) has '0' in {}, which is no number of"),
        ("raters", [3, np.nan] * 6, "row 1 (counted from 0) has no value in {}"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(tmp_path, column, values, sentence):
    path = written(tmp_path, ".parquet", **{column: values})
    with pytest.raises(UsageError) as caught:
        load_dataset(path)
    assert f"{path}: " + sentence.format(f"column {column!r}") in str(caught.value)
    name = column if column in ("split", "raters") else f"{column}s"
    with pytest.raises(UsageError) as caught:
        make_dataset("m", X, D, **{name: values})
    assert "dataset m: " + sentence.format(name) in str(caught.value)
    assert "--ignore" not in str(caught.value)


def test_a_name_that_is_nearly_one_is_told(tmp_path):
    for column in ("Group", "groups"):
        path = written(tmp_path, ".csv", **{column: GROUP})
        with pytest.raises(UsageError, match="or call it 'group' if it tells the group of the row"):
            load_dataset(path)


def test_one_value_per_row():
    with pytest.raises(UsageError, match="groups has 3 values but there are 12 rows"):
        make_dataset("m", X, D, groups=["a", "b", "c"])
    with pytest.raises(UsageError, match="has both folds and a split"):
        make_dataset("m", X, D, folds=FOLD, split=SPLIT)
