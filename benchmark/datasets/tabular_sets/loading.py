"""Public tabular sets on the disk: where their files lie, whether they are the known ones."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.datasets.base import Dataset
from benchmark.datasets.folders import DATA_DIR, folders_in
from benchmark.datasets.image_sets.catalogue import find_image_set
from benchmark.datasets.tabular_sets.catalogue import TabularSet, find_tabular_set, tabular_sets
from benchmark.errors import UsageError


@dataclass(frozen=True)
class FileStatus:
    """Whether the file of a set is here.

    Attributes
    ----------
    tabular_set : TabularSet
        Which.
    state : str
        ``complete``, ``another file`` or ``absent``.
    path : Path or None
        Where it lies.
    """

    tabular_set: TabularSet
    state: str
    path: Path | None


def status(data_dir: str | Path | None = None) -> list[FileStatus]:
    """Tell for every set whether its file is here, by its checksum.

    Parameters
    ----------
    data_dir : str or Path, optional
        Where to look; `benchmark.datasets.folders.DATA_DIR` if absent.

    Raises
    ------
    UsageError
        A folder or a file cannot be read.
    """
    found = find_files(data_dir)
    return [_status_of(known, found.get(known.name)) for known in tabular_sets()]


def _status_of(known: TabularSet, path: Path | None) -> FileStatus:
    if path is None:
        return FileStatus(known, "absent", None)
    try:
        is_known = checksum(path) == known.sha256
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error
    return FileStatus(known, "complete" if is_known else "another file", path)


def find_files(data_dir: str | Path | None = None) -> dict[str, Path]:
    """Find the files of the sets in the data folder, or up to two levels below it.

    Returns
    -------
    dict
        Name of the set to its file; of several the nearest.

    Raises
    ------
    UsageError
        A folder cannot be read.
    """
    top = DATA_DIR if data_dir is None else Path(data_dir)
    found: dict[str, Path] = {}
    try:
        for folder in folders_in(top):
            for path in sorted(folder.glob("*.[mM][aA][tT]")):
                known = find_tabular_set(path.name)
                if known is not None and path.is_file():
                    found.setdefault(known.name, path)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error
    return found


def load_tabular_set(
    known: TabularSet, data_dir: str | Path | None, read: Callable[[Path], Dataset]
) -> Dataset:
    """Load a set by its name.

    Parameters
    ----------
    known : TabularSet
        Which.
    data_dir : str or Path, optional
        Where it is looked up, see `find_files`.
    read : callable
        Reads its file.

    Returns
    -------
    Dataset
        With a note where the file is not the one of the catalogue, although of the same shape.

    Raises
    ------
    UsageError
        It is not here, cannot be read, or has another shape.
    """
    path = find_files(data_dir).get(known.name)
    if path is None:
        place = DATA_DIR if data_dir is None else Path(data_dir)
        raise UsageError(
            f"{known.name} is not in {place}: there is no file {known.file_name}; get it "
            f"({how_to_get(known, data_dir)}), or give the folder that holds it with --data-dir"
        )
    data = read(path)
    assert data.X is not None  # noqa: S101 - a table has features
    shape = (*data.X.shape, data.D.shape[1])
    if shape != (known.rows, known.features, known.labels):
        raise UsageError(
            f"{path} is not {known.name}, which has {known.shape}: it has {shape[0]:,}, "
            f"{shape[1]:,} and {shape[2]:,}; move it away and get the set "
            f"({how_to_get(known, data_dir)}), or give its path to run on it as it is"
        )
    notes = data.notes
    found = checksum(path)
    if found != known.sha256:
        notes = (*notes, f"{path} is not the published file of {known.name} although of the same "
                         f"shape: its SHA-256 is {found[:12]}..., not {known.sha256[:12]}...; "
                         f"results may differ from published ones")  # fmt: skip
    return replace(data, name=known.name, notes=notes)


def how_to_get(known: TabularSet, data_dir: str | Path | None = None) -> str:
    """Write the command that gets a set."""
    folder = "" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}"
    name = known.name if find_image_set(known.name) is None else known.file_name
    return f"ldl-benchmark datasets fetch {name}{folder}"


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
