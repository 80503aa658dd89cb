"""Reads matrices from NumPy's archives (``.npz``); never unpickles what one holds."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from benchmark.errors import UsageError
from benchmark.files.contents import NAMES, Contents, refuse_large, vector
from benchmark.files.kinds import HEAD, refuse_other_kind, says_text
from benchmark.files.reading import USUAL, Reading
from benchmark.files.roles import ROW_FACTS
from benchmark.files.variables import find_variables

_ENDING = ".npy"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(path: Path, reading: Reading = USUAL) -> Contents:
    """Read a ``.npz`` file with matrices ``features`` (n, q) and ``labels`` (n, c).

    Parameters
    ----------
    path : Path
    reading : Reading
        Which of its arrays are what.

    Raises
    ------
    UsageError
        It is no such file, lacks a matrix, or holds Python objects where numbers are needed.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    refuse_other_kind(path, head, ("npz", "zip"))
    try:
        with zipfile.ZipFile(path) as archive:
            return _contents(path, archive, reading)
    except UsageError:
        raise
    except Exception as error:  # damage shows as any error, wherever a reader meets it
        reason = says_text(head) or str(error) or type(error).__name__
        raise UsageError(f"{path} is not a readable NumPy archive: {reason}") from error


def _contents(path: Path, archive: zipfile.ZipFile, reading: Reading) -> Contents:
    entries = {
        entry.filename.removesuffix(_ENDING): entry
        for entry in archive.infolist()
        if entry.filename.endswith(_ENDING)
    }

    def shapes() -> dict[str, tuple[int, ...]]:
        found = {name: _header(archive, entry) for name, entry in entries.items()}
        return {name: shape for name, (shape, kind) in found.items() if kind.kind in "biuf"}

    names = find_variables(path, list(entries), reading, shapes)
    X, D = (
        _array(path, archive, name, entries[name], "biuf")
        for name in (names.features, names.labels)
    )
    beside = {
        name: vector(path, name, _array(path, archive, name, entries[name], "biufUS"))
        for name in names.beside
    }
    return Contents(
        X,
        D,
        beside.pop(NAMES, None),
        columns=tuple(entries),
        facts={fact: beside[fact] for fact in ROW_FACTS if fact in beside},
    )


def _header(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if entry.compress_type not in _METHODS:
        raise ValueError(f"{entry.filename!r} is compressed in an unusual way")
    with archive.open(entry) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, kind = read(file)
    return shape, kind


def _array(
    path: Path, archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo, kinds: str
) -> NDArray[Any]:
    """Read an array of one of some kinds, and verify its checksum."""
    where = f"{path}: {name}"
    shape, kind = _header(archive, entry)
    if kind.hasobject:
        raise UsageError(
            f"{where} holds Python objects, which are never read from a file; save numbers, and "
            f"texts as np.array(texts, dtype=str)"
        )
    if kind.kind not in kinds:
        needed = "a matrix of real numbers" if kinds == "biuf" else "a vector of numbers or texts"
        raise UsageError(f"{where} has the type {kind}, and is not {needed}")
    refuse_large(where, int(np.prod(shape, dtype=object)), max(kind.itemsize, 1))
    with archive.open(entry) as file:
        values = npy.read_array(file, allow_pickle=False)
        if file.read(1):  # which compares the checksum, too
            raise ValueError(f"{entry.filename!r} is longer than its array")
    return np.asarray(values)
