"""Reads matrices from MATLAB files up to version 7; later ones are HDF5, see `hdf5`."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, whosmat

from benchmark.errors import UsageError
from benchmark.files.contents import NAMES, Contents, as_text, refuse_large, vector
from benchmark.files.kinds import HEAD, refuse_other_kind, says_text
from benchmark.files.reading import USUAL, Reading
from benchmark.files.roles import ROW_FACTS
from benchmark.files.variables import Variables, find_variables

# What SciPy calls matrices of numbers.
_NUMBERS = {
    "double", "single", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "logical", "sparse",
}  # fmt: skip

_HEADER, _TAG = 128, 8
_COMPRESSED = 15
_NO_MATRIX = {"O": "a cell array", "V": "a struct", "U": "text", "S": "text", "c": "complex"}


def read_matlab(path: Path, reading: Reading = USUAL) -> Contents:
    """Read a ``.mat`` file with matrices ``features`` (n, q) and ``labels`` (n, c).

    A cell array or char matrix ``label_names`` is used where there is one.

    Parameters
    ----------
    path : Path
    reading : Reading
        Which of its variables are what.

    Raises
    ------
    UsageError
        It is no such file, or lacks a matrix.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    refuse_other_kind(path, head, ("matlab", "hdf5"))
    if head.startswith((b"MATLAB 7.3", b"\x89HDF")):
        from benchmark.files.hdf5 import read_hdf5

        return read_hdf5(path, reading)
    data = _inflated(path, path.read_bytes())
    listed, names, content = _loaded(path, data, reading)
    X, D = (_matrix(path, name, content[name]) for name in (names.features, names.labels))
    return Contents(
        X,
        D,
        _texts(path, content[NAMES]) if NAMES in names.beside else None,
        columns=listed,
        facts={fact: _facts(path, fact, content[fact]) for fact in ROW_FACTS
               if fact in names.beside},
    )  # fmt: skip


def _loaded(
    path: Path, data: bytes, reading: Reading
) -> tuple[tuple[str, ...], Variables, dict[str, Any]]:
    """Return the names of all variables, which of them are what, and what those hold."""
    file: Any = io.BytesIO(data)  # the stubs know paths alone
    try:
        found = whosmat(file)
        shapes = {name: shape for name, shape, kind in found if kind in _NUMBERS}
        listed = tuple(name for name, *_ in found)
        names = find_variables(path, listed, reading, lambda: shapes)
        content = loadmat(file, variable_names=[names.features, names.labels, *names.beside])
    except UsageError:
        raise
    except Exception as error:  # damage shows as any error, wherever SciPy's reader meets it
        reason = says_text(data[:HEAD]) or str(error) or type(error).__name__
        raise UsageError(f"{path} is not a readable MATLAB file: {reason}") from error
    if lost := {names.features, names.labels, *names.beside} - content.keys():
        raise UsageError(f"{path} is not a readable MATLAB file: it lacks {min(lost)!r}")
    return listed, names, content


def _inflated(path: Path, data: bytes) -> bytes:
    """Unpack the compressed parts of a file of version 5 to 7 and verify their checksums.

    SciPy's reader stops where it has what it needs, which is before the checksum.
    """
    if data[124:128] not in (b"\x00\x01IM", b"\x01\x00MI"):
        return data
    order = "<" if data[126:128] == b"IM" else ">"
    parts = [data[:_HEADER]]
    place = _HEADER
    while place < len(data):
        tag = data[place : place + _TAG]
        kind, length = struct.unpack(f"{order}II", tag) if len(tag) == _TAG else (0, len(data))
        part = data[place + _TAG : place + _TAG + length]
        if len(part) < length:
            raise UsageError(f"{path} is not a readable MATLAB file: it is cut off")
        if kind == _COMPRESSED:
            unpacking = zlib.decompressobj()
            try:
                parts.append(unpacking.decompress(part))
            except zlib.error as error:
                raise UsageError(f"{path} is damaged: {error}") from error
            if not unpacking.eof:
                raise UsageError(f"{path} is damaged: a compressed part has no end")
        else:
            parts.append(tag + part)
        place += _TAG + length
    return b"".join(parts)


def _matrix(path: Path, name: str, value: Any) -> NDArray[Any]:
    where = f"{path}: {name}"
    if hasattr(value, "toarray"):
        refuse_large(where, int(np.prod(value.shape, dtype=object)))
        try:
            if value.format == "csc":  # that of version 4 has been checked when it was made
                value.check_format(full_check=True)  # toarray writes wherever an index points
        except ValueError as error:
            raise UsageError(f"{where} is a damaged sparse matrix: {error}") from error
        value = value.toarray()
    value = np.asarray(value)
    if value.dtype.kind in _NO_MATRIX:
        raise UsageError(f"{where} is {_NO_MATRIX[value.dtype.kind]}, not a matrix of real numbers")
    return value


def _texts(path: Path, names: Any) -> tuple[str, ...]:
    """Take the names of labels out of a cell array, or the rows of a char matrix."""
    texts = [np.ravel(np.asarray(name)) for name in np.ravel(names)]
    if not all(text.size <= 1 and text.dtype.kind == "U" for text in texts):
        raise UsageError(
            f"{path}: {NAMES} must be a cell array with a text for each label, or a char matrix"
        )
    return tuple(str(text[0]) if text.size else "" for text in texts)


def _facts(path: Path, name: str, value: Any) -> tuple[str, ...]:
    """Take a value per row out of a vector, a cell array, or the rows of a char matrix."""
    if not hasattr(value, "toarray"):
        values = np.asarray(value)
        if values.dtype.kind == "O":
            parts = [np.ravel(np.asarray(part)) for part in values.ravel()]
            if all(part.size <= 1 and part.dtype.kind in "Uiufb" for part in parts):
                return tuple(as_text(part[0]) if part.size else "" for part in parts)
        if values.dtype.kind == "U":
            return tuple(map(as_text, values.ravel()))
    return vector(path, name, _matrix(path, name, value))
