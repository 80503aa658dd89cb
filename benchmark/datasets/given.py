"""Datasets given in Python as they are: arrays, DataFrames, names, or several of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.errors import UsageError
from benchmark.files.reading import Reading

#: One dataset, and what `benchmark.run` takes as datasets.
DatasetLike = str | Path | Dataset | pd.DataFrame | tuple[ArrayLike, ArrayLike]
Datasets = DatasetLike | Mapping[str, DatasetLike] | Iterable[DatasetLike]

#: What data are called that have no name.
NAME = "data"


def tell_apart(datasets: Any, reading: Reading) -> tuple[list[Dataset], list[str], bool]:
    """Tell datasets in memory, of which arrays and DataFrames are made, from those that are named.

    Parameters
    ----------
    datasets : str, Path, Dataset, DataFrame, pair (X, D), mapping, or an iterable of these
        A DataFrame has features and labels, as a CSV file; a tuple of two arrays or DataFrames is
        one dataset. The first without a name is called ``data``, the next ``data-2``; a mapping
        gives names.
    reading : Reading
        What the columns of DataFrames are, and whether labels are votes.

    Returns
    -------
    given : list of Dataset
    names : list of str
        Names and files.
    read : bool
        Whether a DataFrame was read as `reading` says, so that this names no column in vain.

    Raises
    ------
    UsageError
        Something is no dataset, or one that cannot be used; see `benchmark.make_dataset`.
    """
    given: list[Dataset] = []
    names: list[str] = []
    read = False
    for name, data in _each(datasets):
        if isinstance(data, Dataset):
            given.append(replace(data, name=name) if name else data)
        elif isinstance(data, str | Path) and name is None:
            names.append(str(data))
        elif isinstance(data, str | Path):
            raise UsageError(
                f"{str(data)!r} has a name already; give it in a list, or what load_dataset makes "
                f"of it to call it {name!r}"
            )
        else:
            unnamed = sum(one.name.startswith(NAME) for one in given)
            title = name or (f"{NAME}-{unnamed + 1}" if unnamed else NAME)
            given.append(_made(title, data, reading))
            read |= hasattr(data, "iloc")
    return given, names, read


def _each(datasets: Any) -> Iterator[tuple[str | None, Any]]:
    """List datasets, each with its name if that is given."""
    if isinstance(datasets, Mapping):
        yield from ((str(name), data) for name, data in datasets.items())
    elif isinstance(datasets, str | Path | Dataset) or _is_frame(datasets) or _is_pair(datasets):
        yield None, datasets
    elif isinstance(datasets, Iterable) and not _is_array(datasets):
        for data in datasets:
            yield from _each(data) if isinstance(data, Mapping) else [(None, data)]
    else:
        raise _no_dataset(datasets)


def _made(name: str, data: Any, reading: Reading) -> Dataset:
    """Make a dataset of a DataFrame or of a pair."""
    more: dict[str, Any] = {"normalise": True} if reading.normalise else {}
    if _is_frame(data):
        more |= {"labels": reading.labels, "features": reading.features}
        return make_dataset(name, data, ignore=reading.ignore, **more)
    if not _is_pair(data):
        raise _no_dataset(data)
    X, D = data
    return make_dataset(name, X, D, **more)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "iloc") and hasattr(data, "columns")


def _is_array(data: Any) -> bool:
    return hasattr(data, "shape")


def _is_pair(data: Any) -> bool:
    """Tell whether data are features and labels, and not two datasets."""
    others = (str, Path, Dataset, Mapping, tuple, type(None))
    two = isinstance(data, tuple) and len(data) == 2
    return two and not any(isinstance(part, others) for part in data)


def _no_dataset(data: Any) -> UsageError:
    what = "an array without labels" if _is_array(data) else f"{data!r:.80}"
    return UsageError(
        f"{what} is no dataset: give a name, a file, a pair (X, D) of features and distributions, "
        f"one DataFrame with columns 'label:<name>', or what make_dataset returns"
    )
