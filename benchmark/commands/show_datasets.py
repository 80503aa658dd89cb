"""The text of the command ``datasets``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.datasets.image_sets.loading import status as status_of_images
from benchmark.datasets.loading import BUILT_IN
from benchmark.datasets.tabular_sets.loading import FileStatus, how_to_get
from benchmark.datasets.tabular_sets.loading import status as status_of_tables
from benchmark.tables.layout import filled, listing

_FILES = {
    "FILE.mat": "matrices features (n, q) and labels (n, c), or others with --features, --labels",
    "FILE.npz": "as FILE.mat",
    "FILE.csv": "columns label:<name>; optionally id, group, fold, split (train, test) and raters; "
    "every other column is a feature; others with --labels, --features, --ignore",
    "FILE.parquet": "as FILE.csv; so are .feather and .arrow",
}


def show_datasets(data_dir: str | Path | None = None, width: int | None = None) -> str:
    """List the built-in data, the files that can be read, and the public sets with what is here.

    Parameters
    ----------
    data_dir : str or Path, optional
        Where public sets are looked up.
    width : int, optional
        Of the terminal.

    Raises
    ------
    UsageError
        A folder cannot be read.
    """
    files = [[name, what] for name, what in {**BUILT_IN, **_FILES}.items()]
    found = status_of_tables(data_dir)
    tables = [
        [known.name, f"{known.rows:,}", f"{known.features:,}", str(known.labels), known.what, state]
        for known, state in ((one.tabular_set, one.state) for one in found)
    ]
    images = [
        [one.name, one.expected, _here(one.state, one.folder), one.licence, one.obtain]
        for one in status_of_images(data_dir)
    ]
    headers = ["Tabular set", "Rows", "Features", "Labels", "What they are", "Here"]
    return "\n\n".join([
        listing(["Dataset", "What it is"], files, width),
        listing(headers, tables, width),
        filled(_about_tables(found, data_dir), width),
        listing(["Image set", "Images", "Here", "Terms", "How to get it"], images, width),
    ])  # fmt: skip


def facts_of_datasets(data_dir: str | Path | None = None) -> list[dict[str, Any]]:
    """Return what there is to know of every dataset that has a name, for programs.

    Parameters and errors are those of `show_datasets`.
    """
    built_in = [
        {"name": name, "kind": "built in", "about": what, "state": "complete", "path": None}
        for name, what in BUILT_IN.items()
    ]
    tables = [
        {
            "name": known.name,
            "kind": "tabular",
            "about": known.what,
            "state": one.state,
            "path": one.path,
            "rows": known.rows,
            "features": known.features,
            "labels": known.labels,
            "citation": known.citation,
        }
        for known, one in ((one.tabular_set, one) for one in status_of_tables(data_dir))
    ]
    images = [
        {
            "name": one.name,
            "kind": "images",
            "about": one.expected,
            "state": one.state,
            "path": one.folder,
            "terms": one.licence,
            "citation": one.citation,
        }
        for one in status_of_images(data_dir)
    ]
    return [*built_in, *tables, *images]


def _about_tables(found: Sequence[FileStatus], data_dir: str | Path | None) -> list[str]:
    """Say where the tabular sets lie, how to get the others, and what to cite."""
    folders: dict[str, list[str]] = {}
    citations: dict[str, list[str]] = {}
    for one in found:
        if one.path is not None:
            folders.setdefault(str(one.path.parent), []).append(one.tabular_set.name)
        if one.tabular_set.citation:
            citations.setdefault(one.tabular_set.citation, []).append(one.tabular_set.name)
    sentences = [f"In {folder}: {', '.join(names)}." for folder, names in folders.items()]
    absent = [one.tabular_set for one in found if one.path is None]
    if absent:
        sentences.append(f"Get one that is absent: {how_to_get(absent[0], data_dir)}")
    return sentences + [f"Cite {what}: {', '.join(names)}." for what, names in citations.items()]


def _here(state: str, place: Path | None) -> str:
    return state if place is None else f"{state}, in {place}"
