"""Datasets in one file: MATLAB ``.mat`` with two matrices, CSV, or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.files.process import read
from benchmark.files.roles import ROW_FACTS


def load_mat(path: Path, ignore: Sequence[str] = ()) -> Dataset:
    """Read a ``.mat`` file with matrices ``features`` (n, q) and ``labels`` (n, c).

    This is the form of Geng's 15 datasets and later ones, in any version of MATLAB's format, the
    last of which (7.3) is HDF5. A cell array or char matrix ``label_names`` is used where there is
    one, and so are ``group``, ``fold``, ``split`` and ``raters`` with a value per row, see
    `benchmark.datasets.row_facts`.

    Parameters
    ----------
    path : Path
    ignore : sequence of str
        Columns to leave out, see `load_csv`; a matrix has none with a name.

    Raises
    ------
    UsageError
        It cannot be read, or what it holds is no dataset, see `make_dataset`.
    """
    return _load(".mat", path, ignore)


def load_csv(path: Path, ignore: Sequence[str] = ()) -> Dataset:
    """Read a CSV file in UTF-8 with a header line, a row per instance, and commas between cells.

    Its columns are ``label:<name>`` for the description degrees, optionally ``id`` for the names of
    the rows, which are taken as they are written, and ``group``, ``fold``, ``split`` and
    ``raters``, see `benchmark.datasets.row_facts`; all others are features.

    Parameters
    ----------
    path : Path
    ignore : sequence of str
        Columns to leave out, by name or as shell patterns.

    Raises
    ------
    UsageError
        It cannot be read, a cell is no number (names row and column), or what it holds is no
        dataset, see `make_dataset`.
    """
    return _load(".csv", path, ignore)


def load_parquet(path: Path, ignore: Sequence[str] = ()) -> Dataset:
    """Read a Parquet file, with columns as those of a CSV file; see `load_csv`."""
    return _load(".parquet", path, ignore)


def _load(ending: str, path: Path, ignore: Sequence[str]) -> Dataset:
    found = read(ending, Path(path), ignore)
    names = dict(zip(ROW_FACTS, ("groups", "folds", "split", "raters"), strict=True))
    facts = {names[fact]: values for fact, values in found.facts.items()}
    return make_dataset(
        Path(path).stem, found.X, found.D, found.label_names, found.ids,
        feature_names=found.feature_names, columns=found.columns, source=str(path),
        notes=found.notes, **facts,
    )  # fmt: skip


#: File name ending -> reader.
READERS: dict[str, Callable[[Path, Sequence[str]], Dataset]] = {
    ".mat": load_mat,
    ".csv": load_csv,
    ".parquet": load_parquet,
}
