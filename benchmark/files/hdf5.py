"""Reads matrices from HDF5: MATLAB's files of version 7.3, Octave's, and plain ones.

MATLAB and Octave store a matrix column by column, which HDF5 takes for its transpose; MATLAB marks
it with an attribute, Octave puts it into a group. What has neither is taken as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from benchmark.errors import UsageError
from benchmark.files.contents import NAMES, Contents, as_text, refuse_large, vector
from benchmark.files.reading import USUAL, Reading
from benchmark.files.roles import ROW_FACTS
from benchmark.files.variables import find_variables

# What MATLAB says of a value that is no matrix of numbers, and what it is then called.
_OTHER = {
    "cell": "a cell array", "struct": "a struct", "char": "text", "string": "an array of strings",
    "function_handle": "a function handle", "table": "a table",
}  # fmt: skip


def read_hdf5(path: Path, reading: Reading = USUAL) -> Contents:
    """Read a file of version 7.3 with matrices ``features`` (n, q) and ``labels`` (n, c).

    Raises
    ------
    UsageError
        It is no such file, or lacks a matrix.
    """
    try:
        with h5py.File(path, "r") as file:
            listed = tuple(name for name in file if not name.startswith("#"))
            names = find_variables(path, listed, reading, lambda: _shapes(path, file, listed))
            X, D = (_matrix(path, file, name) for name in (names.features, names.labels))
            called = tuple(_texts(path, file, NAMES)) if NAMES in names.beside else None
            facts = {f: _facts(path, file, f) for f in ROW_FACTS if f in names.beside}
            return Contents(X, D, called, columns=listed, facts=facts)
    except UsageError:
        raise
    except Exception as error:  # damage shows as any error, wherever the library meets it
        reason = str(error) or type(error).__name__
        raise UsageError(f"{path} is not a readable MATLAB 7.3 (HDF5) file: {reason}") from error


def _shapes(path: Path, file: h5py.File, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """List the matrices of numbers with their shapes."""
    found = {}
    for name in names:
        with suppress(UsageError):
            node, stored_by_columns = _node(path, file, name)
            if (
                isinstance(node, h5py.Dataset)
                and node.dtype.kind in "iufb"
                and _class(node) not in _OTHER
            ):
                found[name] = node.shape[::-1] if stored_by_columns else node.shape
    return found


def _matrix(path: Path, file: h5py.File, name: str) -> NDArray[Any]:
    node, stored_by_columns = _node(path, file, name)
    where = f"{path}: {name}"
    if isinstance(node, h5py.Group):
        if "MATLAB_sparse" not in node.attrs:
            raise UsageError(f"{where} is a struct or group, not a matrix of real numbers")
        return _sparse(where, node)
    what = _OTHER.get(_class(node), "")
    if node.dtype.kind not in "iufb":
        is_complex = node.dtype.kind == "c" or node.dtype.names == ("real", "imag")
        what = what or ("complex" if is_complex else "text or records")
    if what:
        raise UsageError(f"{where} is {what}, not a matrix of real numbers")
    if node.attrs.get("MATLAB_empty"):
        return np.zeros((0, 0))
    refuse_large(where, node.size, node.dtype.itemsize)
    value = np.asarray(node[()])
    return value.T if stored_by_columns else value


def _node(path: Path, file: h5py.File, name: str) -> tuple[Any, bool]:
    """Find what has a name, in this file; and whether it is stored column by column."""
    link = file.get(name, getlink=True)
    node = file[name] if isinstance(link, h5py.HardLink) else None
    if isinstance(node, h5py.Group) and isinstance(node.get("value"), h5py.Dataset):
        return node["value"], True  # Octave's
    if node is None or (isinstance(node, h5py.Dataset) and (node.is_virtual or node.external)):
        raise UsageError(f"{path}: {name} lies in another file; put it into this one")
    return node, bool(_class(node))


def _class(node: Any) -> str:
    found = node.attrs.get("MATLAB_class", b"")
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)


def _sparse(where: str, group: h5py.Group) -> NDArray[Any]:
    rows, starts = int(group.attrs["MATLAB_sparse"]), np.asarray(group["jc"][()], dtype=np.int64)
    shape = (rows, len(starts) - 1)
    refuse_large(where, shape[0] * shape[1])
    if "data" not in group:  # no value but zeros
        return np.zeros(shape)
    matrix = csc_array((group["data"][()], group["ir"][()].astype(np.int64), starts), shape=shape)
    matrix.check_format(full_check=True)  # toarray writes wherever an index points
    return np.asarray(matrix.toarray())


def _facts(path: Path, file: h5py.File, name: str) -> tuple[str, ...]:
    """Take a value per row out of a vector, a cell array, or the rows of a char matrix."""
    node, _ = _node(path, file, name)
    if isinstance(node, h5py.Group) or (node.dtype.kind in "iufb" and _class(node) not in _OTHER):
        return vector(path, name, _matrix(path, file, name))
    return tuple(map(as_text, _texts(path, file, name)))


def _texts(path: Path, file: h5py.File, name: str) -> Iterator[str]:
    """Take texts out of a cell array, the rows of a char matrix, or plain texts."""
    node, _ = _node(path, file, name)
    values = np.asarray(node[()]) if isinstance(node, h5py.Dataset) else np.empty(0)
    if _class(node) == "char":
        yield from map(_decoded, np.atleast_2d(values.T))
    elif _class(node) == "cell":
        for reference in values.ravel():
            text = file[reference]
            if _class(text) != "char":
                raise UsageError(f"{path}: {name} must be a cell array with {_each(name)}")
            is_empty = bool(text.attrs.get("MATLAB_empty"))
            yield "" if is_empty else _decoded(np.asarray(text[()]).T)
    elif values.size and all(isinstance(value, str | bytes) for value in values.ravel()):
        for value in values.ravel():
            yield value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    else:
        raise UsageError(f"{path}: {name} must be a cell array with {_each(name)}")


def _each(name: str) -> str:
    return f"a text for each {'label' if name == NAMES else 'row'}"


def _decoded(codes: NDArray[Any]) -> str:
    """Make a text of UTF-16 codes."""
    return codes.ravel().astype("<u2").tobytes().decode("utf-16-le", errors="replace")
