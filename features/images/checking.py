"""Whole folders of image files at once: which of them are sound, and the hash of each.

What was found out about a file is kept in an index, by its size and time of change.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from features.images.decoding import (
    ImageError,
    UnusableError,
    decode_bytes,
    quiet_decoding,
    read_image,
)
from features.storage.files import (
    DamagedFileError,
    read_json,
    remove_partial_files,
    write_json,
)
from features.storage.locking import forbids_writing
from features.threads import in_threads

_SECONDS_BETWEEN_SAVES = 20.0


def check_image_files(
    paths: Sequence[Path],
    index: Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[Path, str]:
    """Decode every file in full, in threads, and report all that cannot be used.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    index : Path, optional
        A JSON file that remembers the sound ones by size and time of change, so that each is read
        once ever. It is written every 20 seconds and when interrupted; if damaged, it starts anew.
    progress : callable, optional
        Gets the number of files finished since its last call.

    Returns
    -------
    dict of Path to str
        What is wrong, for each file that cannot be used, in the order of `paths`.

    Raises
    ------
    OSError
        The disk of `index` is full. Where it may not be written, nothing is remembered.
    """
    known = _read_index(index)
    unknown = [path for path in paths if _known_key(path, known) is None]
    if progress and len(unknown) < len(paths):
        progress(len(paths) - len(unknown))
    problems: dict[Path, str] = {}
    saved = time.monotonic()
    try:
        with quiet_decoding():
            for path, (entry, reason) in zip(unknown, in_threads(_examine, unknown), strict=True):
                if reason:
                    problems[path] = reason
                else:
                    known[_index_name(path)] = entry
                if progress:
                    progress(1)
                if index and time.monotonic() - saved > _SECONDS_BETWEEN_SAVES:
                    _write_index(index, known)
                    saved = time.monotonic()
    finally:
        if index and unknown:
            _write_index(index, known)
    return problems


def _write_index(index: Path, known: Mapping[str, str]) -> None:
    try:
        write_json(index, {"files": known})
        remove_partial_files(index.parent, below=False)  # of processes that were killed
    except OSError as error:
        if not forbids_writing(error):  # else the next run looks at the images again
            raise


def file_keys(paths: Sequence[Path], index: Path | None = None) -> tuple[str, ...]:
    """Hash files: the SHA-256 of each one's bytes, as 64 hexadecimal digits, in threads.

    Parameters
    ----------
    paths : sequence of Path
        The files; each is read once.
    index : Path, optional
        What `check_image_files` wrote: files that have not changed since are not read again.

    Raises
    ------
    ImageError
        Files cannot be read; names them all.
    """
    known = _read_index(index)
    found = {path: _known_key(path, known) for path in paths}
    unknown = [path for path, key in found.items() if key is None]
    problems: dict[str, str] = {}
    for path, (key, reason) in zip(unknown, in_threads(_hash, unknown), strict=True):
        found[path] = key
        if reason:
            problems[str(path)] = reason
    if problems:
        raise ImageError(problems)
    return tuple(key for path in paths if (key := found[path]) is not None)


def _hash(path: Path) -> tuple[str | None, str]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), ""
    except OSError as error:
        return None, f"it cannot be read ({error.strerror or error})"


def _examine(path: Path) -> tuple[str, str]:
    """Return the entry for the index, and what is wrong ("" if nothing)."""
    try:
        data, status = read_image(path)
        decode_bytes(data, 1)
    except UnusableError as error:
        return "", str(error)
    return f"{hashlib.sha256(data).hexdigest()} {_stamp(status)}", ""


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"


def _index_name(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would ask the disk for every part


def _read_index(index: Path | None) -> dict[str, str]:
    try:
        return {} if index is None else dict(read_json(index, {"files": {str: str}})["files"])
    except (OSError, DamagedFileError):
        return {}


def _known_key(path: Path, known: Mapping[str, str]) -> str | None:
    try:
        key, _, stamp = known[_index_name(path)].partition(" ")
        return key if stamp == _stamp(path.stat()) else None
    except (KeyError, OSError):
        return None
