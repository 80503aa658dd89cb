"""Datasets in one file: matrices in ``.mat`` or ``.npz``, a table in CSV, Parquet or Feather."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.files.contents import Contents
from benchmark.files.process import read
from benchmark.files.reading import USUAL, Reading
from benchmark.files.roles import ROW_FACTS


def load_mat(path: Path, reading: Reading = USUAL) -> Dataset:
    """Read a ``.mat`` file with matrices ``features`` (n, q) and ``labels`` (n, c).

    This is the form of Geng's 15 datasets and later ones, in any version of MATLAB's format, the
    last of which (7.3) is HDF5. A cell array or char matrix ``label_names`` is used where there is
    one, and so are ``group``, ``fold``, ``split`` and ``raters`` with a value per row, see
    `benchmark.datasets.row_facts`. Matrices with a column per instance are turned.

    Parameters
    ----------
    path : Path
    reading : Reading
        Other names of the two matrices, and what is left out.

    Raises
    ------
    UsageError
        It cannot be read, or what it holds is no dataset, see `make_dataset`.
    """
    return _load(".mat", path, reading)


def load_npz(path: Path, reading: Reading = USUAL) -> Dataset:
    """Read an archive of NumPy's, with arrays as the matrices of a ``.mat`` file; see `load_mat`.

    Python objects in it are never unpickled.
    """
    return _load(".npz", path, reading)


def load_csv(path: Path, reading: Reading = USUAL) -> Dataset:
    """Read a CSV file in UTF-8 with a header line, a row per instance, and commas between cells.

    Its columns are ``label:<name>`` for the description degrees, optionally ``id`` for the names of
    the rows, which are taken as they are written, and ``group``, ``fold``, ``split`` and
    ``raters``, see `benchmark.datasets.row_facts`; all others are features.

    Parameters
    ----------
    path : Path
    reading : Reading
        Other names of labels, which columns are features, and which are left out.

    Raises
    ------
    UsageError
        It cannot be read, a cell is no number (names row and column), or what it holds is no
        dataset, see `make_dataset`.
    """
    return _load(".csv", path, reading)


def load_parquet(path: Path, reading: Reading = USUAL) -> Dataset:
    """Read a Parquet file, with columns as those of a CSV file; see `load_csv`."""
    return _load(".parquet", path, reading)


def load_feather(path: Path, reading: Reading = USUAL) -> Dataset:
    """Read a Feather (Arrow) file, with columns as those of a CSV file; see `load_csv`."""
    return _load(".feather", path, reading)


def _load(ending: str, path: Path, reading: Reading) -> Dataset:
    found = turned(read(ending, Path(path), reading))
    names = dict(zip(ROW_FACTS, ("groups", "folds", "split", "raters"), strict=True))
    facts: Any = {names[fact]: values for fact, values in found.facts.items()}
    return make_dataset(
        Path(path).stem, found.X, found.D, found.label_names, found.ids,
        feature_names=found.feature_names, columns=found.columns, source=str(path),
        notes=found.notes, normalise=reading.normalise, **facts,
    )  # fmt: skip


def turned(found: Contents) -> Contents:
    """Turn matrices with a column per instance, as their shapes tell, and note it."""
    X, D = found.X, found.D
    if X.ndim != 2 or D.ndim != 2 or len(X) == len(D):
        return found
    ways = [
        (what, X.T if "features" in what else X, D.T if "labels" in what else D)
        for what in ("features", "labels", "features and labels")
    ]
    fitting = [way for way in ways if len(way[1]) == len(way[2])]
    if len(fitting) != 1:
        return found
    what, X, D = fitting[0]
    note = f"{what} have a column per instance in the file, and were turned"
    return replace(found, X=X, D=D, notes=(*found.notes, note))


#: File name ending -> reader.
READERS: dict[str, Callable[[Path, Reading], Dataset]] = {
    ".mat": load_mat,
    ".npz": load_npz,
    ".csv": load_csv,
    ".parquet": load_parquet,
    ".feather": load_feather,
    ".arrow": load_feather,
}
