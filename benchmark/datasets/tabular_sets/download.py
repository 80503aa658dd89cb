"""Fetches the files of public tabular sets, verified by their checksums."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.datasets.download import Progress, download
from benchmark.datasets.folders import DATA_DIR
from benchmark.datasets.tabular_sets.catalogue import HOME, TabularSet
from benchmark.datasets.tabular_sets.loading import checksum, find_files
from benchmark.errors import BenchmarkError
from features.storage.locking import locked


def fetch(
    known: TabularSet,
    data_dir: str | Path | None = None,
    tell: Callable[[str], object] = lambda _line: None,
    progress: Progress = lambda _done, _total: None,
    url: str | None = None,
) -> Path:
    """Download the file of a set; what is there already is not fetched again.

    Parameters
    ----------
    known : TabularSet
        Which.
    data_dir : str or Path, optional
        Where it goes, by default ``data``.
    tell : callable
        Gets sentences for the user.
    progress : callable
        Gets the bytes downloaded and the bytes in all.
    url : str, optional
        Address of the file, or of a folder that has it, if not its public home.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    BenchmarkError
        The download fails, or what came is not the file of the catalogue.
    """
    folder = DATA_DIR if data_dir is None else Path(data_dir)
    address = url or HOME
    if not address.lower().endswith(".mat"):
        address = f"{address.rstrip('/')}/{known.file_name}"

    def check(part: Path) -> None:
        found = checksum(part)
        if found != known.sha256:
            raise BenchmarkError(
                f"{address} is not {known.name}: its SHA-256 is {found}, that of the set is "
                f"{known.sha256}; nothing is kept. Look at the address, or give that of a mirror "
                f"with --url"
            )

    try:
        with locked(folder / f".{known.name}.lock", tell):
            there = find_files(folder).get(known.name)
            if there is not None and checksum(there) == known.sha256:
                tell(f"{known.name} is complete in {there}.")
                return there
            path = folder / known.file_name
            if there is not None or path.exists():
                raise BenchmarkError(
                    f"{there or path} is in the way, and not the file of {known.name}; move it "
                    f"away, then fetch again"
                )
            if known.citation:
                tell(f"{known.name}. Cite: {known.citation}.")
            download(address, path, progress, check)
            return path
    except OSError as error:
        raise BenchmarkError(f"{error.filename or folder}: {error.strerror or error}") from error
