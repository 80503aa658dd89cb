"""Reads tables from Parquet files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.errors import UsageError
from benchmark.files.contents import Contents, as_text, checked_ids, refuse_large
from benchmark.files.kinds import HEAD, refuse_other_kind, says_text
from benchmark.files.roles import Roles, find_roles, ignored_note, ignoring, refuse_cell
from features.arrays import FloatArray

# What pandas calls the column of an index without a name: the rows' former numbers or names.
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(path: Path, ignore: Sequence[str] = ()) -> Contents:
    """Read a Parquet file; its columns are those of its schema, whatever pandas notes beside it.

    Parameters
    ----------
    path : Path
    ignore : sequence of str
        Columns to leave out, see `benchmark.files.roles.find_roles`.

    Raises
    ------
    UsageError
        It is no such file, or has a column or a cell that is no number; names them.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        refuse_other_kind(path, head, ("parquet",))
        try:
            source = pq.ParquetFile(file, page_checksum_verification=True)
        except pa.ArrowException as error:
            reason = says_text(head) or error
            raise UsageError(f"{path} is not a readable Parquet file: {reason}") from error
        _check_notes(path, source)
        names = source.schema_arrow.names
        unnamed = [name for name in names if _UNNAMED_INDEX.fullmatch(name)]
        roles = find_roles(path, names, [*ignore, *unnamed])
        if not source.metadata.num_rows:
            raise UsageError(f"{path} has no rows")
        refuse_large(f"{path}", source.metadata.num_rows * len(names))
        try:
            table = source.read()
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{path} is not a readable Parquet file: {error}") from error
    ids = None
    if roles.id is not None:
        ids = checked_ids(path, [_text(value) for value in table.column(roles.id).to_pylist()])
    notes = ignored_note(names, ignore)
    if unnamed:
        notes.append(
            f"left out the index without a name that pandas wrote ({', '.join(unnamed)}); give it "
            f"the name id to have it name the rows"
        )
    return Contents(
        X=_numbers(path, table, roles, roles.features),
        D=_numbers(path, table, roles, roles.labels),
        label_names=roles.label_names,
        ids=ids,
        feature_names=roles.feature_names,
        columns=roles.names,
        facts={
            fact: tuple(map(as_text, table.column(k).to_pylist()))
            for fact, k in roles.facts.items()
        },
        notes=tuple(notes),
    )


def _check_notes(path: Path, source: pq.ParquetFile) -> None:
    """Refuse what pandas notes in two places where they differ, and headers of several levels.

    Of such a header pandas makes the text of a tuple.
    """
    notes = (source.schema_arrow.metadata or {}).get(b"pandas", b"")
    if notes != (source.metadata.metadata or {}).get(b"pandas", notes):
        raise UsageError(
            f"{path} is damaged: what it says of its columns in two places differs; get it again"
        )
    try:
        levels = json.loads(notes)["column_indexes"]
        several = len(levels) > 1
    except (ValueError, KeyError, TypeError, RecursionError):  # pandas did not write it
        return
    if several:
        raise UsageError(
            f"{path} has a header of {len(levels)} levels; give each column a single name"
        )


def _text(value: Any) -> str:
    """Write an id as it is stored."""
    if value is None:
        return ""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _numbers(path: Path, table: pa.Table, roles: Roles, columns: Sequence[int]) -> FloatArray:
    matrix = np.empty((table.num_rows, len(columns)))
    for place, k in enumerate(columns):
        matrix[:, place] = _column(path, table.column(k), roles, k)
    return matrix


def _column(path: Path, column: pa.ChunkedArray, roles: Roles, k: int) -> FloatArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    for found, what in (
        (pa.types.is_temporal(kind), "times"),
        (pa.types.is_nested(kind), "lists or records"),
        (pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "bytes"),
    ):
        if found:
            raise UsageError(
                f"{path}: column {roles.names[k]!r} holds {what}, which are not numbers; leave it "
                f"out with {ignoring(roles.names[k])}"
            )
    try:
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowException, ValueError):
        numbers = np.array([_number(value) for value in column.to_pylist()])
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        refuse_cell(path, roles, int(wrong[0]), k, column[int(wrong[0])].as_py())
    return numbers


def _number(value: Any) -> float:
    try:
        return np.nan if value is None or "_" in str(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan
