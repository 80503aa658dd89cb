"""Downloads a file of a public set, with errors that end a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.errors import BenchmarkError, UsageError
from features.storage import download as files
from features.storage.download import DownloadError, Progress

__all__ = ["Progress", "download"]


def download(
    url: str,
    path: Path,
    progress: Progress = lambda _done, _total: None,
    check: Callable[[Path], object] = lambda _part: None,
) -> None:
    """Download a file as `features.storage.download.download` does.

    Raises
    ------
    UsageError
        The address is neither http nor https.
    BenchmarkError
        It cannot be had; says why, and that the same command goes on.
    """
    try:
        files.download(url, path, progress, check)
    except DownloadError as error:
        raise BenchmarkError(str(error)) from error
    except ValueError as error:
        raise UsageError(str(error)) from error
