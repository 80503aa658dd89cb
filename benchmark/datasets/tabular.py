"""Datasets in one file: MATLAB ``.mat`` with two matrices, CSV, or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import loadmat

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.errors import UsageError

#: A column with this prefix holds the description degrees of the label named after it.
LABEL_PREFIX = "label:"
ID_COLUMN = "id"


def load_mat(path: Path) -> Dataset:
    """Read a ``.mat`` file with matrices ``features`` (n, q) and ``labels`` (n, c).

    This is the form of Geng's 15 datasets and later ones. A cell array or char matrix
    ``label_names`` is used where there is one.
    """
    try:
        content = loadmat(path, appendmat=False)
    except NotImplementedError as error:
        raise UsageError(
            f"{path} is a MATLAB 7.3 file, which is not read here; save it with save(..., '-v7')"
        ) from error
    except Exception as error:  # damage shows as any error, wherever SciPy's reader meets it
        raise UsageError(f"{path} is not a readable MATLAB file: {error}") from error
    for key in ("features", "labels"):
        if key not in content:
            found = ", ".join(k for k in content if not k.startswith("__")) or "nothing"
            raise UsageError(
                f"{path} has no matrix named {key!r} (it holds: {found}); "
                f"needed are features (n, q) and labels (n, c)"
            )
    names = content.get("label_names")
    X, D = (_dense(content[key]) for key in ("features", "labels"))
    return make_dataset(
        path.stem,
        X,
        D,
        label_names=None if names is None else [_matlab_text(name) for name in np.ravel(names)],
        source=str(path),
    )


def load_csv(path: Path) -> Dataset:
    """Read a CSV file with a header line; see `from_frame` for its columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file), [])
        frame = pd.read_csv(path, encoding="utf-8-sig")
    except (ValueError, OSError, csv.Error) as error:  # pandas' parser errors are ValueErrors
        raise UsageError(f"{path} is not a readable CSV file: {error}") from error
    if len(header) == 1 and ";" in header[0]:
        raise UsageError(f"{path} is separated by semicolons; separate the columns by commas")
    for number, column in enumerate(header):
        if not column.strip():
            raise UsageError(
                f"{path}: column {number} (counted from 0) has no name; name it, or leave it out "
                f"if it only numbers the rows"
            )
        if column in header[:number]:
            raise UsageError(f"{path} has two columns named {column!r}")
    return from_frame(frame, path)


def load_parquet(path: Path) -> Dataset:
    """Read a Parquet file; see `from_frame` for its columns."""
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise UsageError(f"{path} is not a readable Parquet file: {error}") from error
    return from_frame(frame, path)


def from_frame(frame: pd.DataFrame, path: Path) -> Dataset:
    """Make a dataset of a table: columns ``label:<name>``, optionally ``id``, else features.

    Raises
    ------
    UsageError
        No label or no feature column, or a cell that is no number; names column and line.
    """
    frame = frame.rename(columns=str)
    labels = [column for column in frame.columns if column.startswith(LABEL_PREFIX)]
    features = [column for column in frame.columns if column not in {*labels, ID_COLUMN}]
    if not labels or not features:
        missing = "label" if not labels else "feature"
        raise UsageError(
            f"{path} has no {missing} columns; name the columns of the description degrees "
            f"'{LABEL_PREFIX}<name>' and a column of names '{ID_COLUMN}', all others are features"
        )
    for column in labels + features:
        if frame[column].dtype.kind in "mM":
            raise UsageError(f"{path}: column {column!r} holds times, which are not numbers")
        numbers = pd.to_numeric(frame[column], errors="coerce")
        wrong = np.flatnonzero(numbers.isna() & frame[column].notna())
        if wrong.size:
            cell = frame[column].iloc[wrong[0]]
            raise UsageError(
                f"{path}: row {wrong[0]} (counted from 0) has {cell!r} in column {column!r}, "
                f"which is not a number"
            )
        frame[column] = numbers
    return make_dataset(
        path.stem,
        frame[features].to_numpy(dtype=np.float64),
        frame[labels].to_numpy(dtype=np.float64),
        label_names=[column.removeprefix(LABEL_PREFIX) for column in labels],
        ids=frame[ID_COLUMN].tolist() if ID_COLUMN in frame else None,
        source=str(path),
    )


def _dense(matrix: Any) -> Any:
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix  # sparse or not


def _matlab_text(value: object) -> str:
    text = np.ravel(np.asarray(value))
    return str(text[0]).strip() if text.size else ""


#: File name ending -> reader.
READERS: dict[str, Callable[[Path], Dataset]] = {
    ".mat": load_mat,
    ".csv": load_csv,
    ".parquet": load_parquet,
}
