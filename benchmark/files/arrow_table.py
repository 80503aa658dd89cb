"""Reads tables from Feather and Arrow files, and what they share with Parquet files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmark.errors import UsageError
from benchmark.files.contents import Contents, as_text, checked_ids, refuse_large
from benchmark.files.guessing import column_options
from benchmark.files.kinds import HEAD, refuse_other_kind, says_text
from benchmark.files.reading import USUAL, Reading, ignoring
from benchmark.files.roles import NoLabelsError, Roles, find_roles, refuse_cell
from features.arrays import FloatArray

# What pandas calls the column of an index without a name: the rows' former numbers or names.
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def read_feather(path: Path, reading: Reading = USUAL) -> Contents:
    """Read a Feather or Arrow file, with columns as those of a CSV file.

    Parameters
    ----------
    path : Path
    reading : Reading
        Which columns are what, see `benchmark.files.roles.find_roles`.

    Raises
    ------
    UsageError
        It is no such file, or has a column or a cell that is no number; names them.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        refuse_other_kind(path, head, ("arrow",))
        file.seek(0)
        try:
            source = pa.ipc.open_file(file)
            check_levels(path, source.schema)
            batches = []
            for number in range(source.num_record_batches):
                batches.append(source.get_batch(number))
                rows = sum(batch.num_rows for batch in batches)
                refuse_large(f"{path}", rows * len(source.schema.names))
            table = pa.Table.from_batches(batches, source.schema)
            table.validate(full=True)  # damage may make a column point anywhere
        except (pa.ArrowException, OSError) as error:
            reason = says_text(head) or error
            raise UsageError(f"{path} is not a readable Feather file: {reason}") from error
    return table_contents(path, table, reading)


def table_contents(path: Path, table: pa.Table, reading: Reading) -> Contents:
    """Take the labels, features and what else is known of the rows out of a table.

    Parameters
    ----------
    path : Path
        What to call it.
    table : Table
    reading : Reading

    Raises
    ------
    UsageError
        There are no rows, labels or features, or a column or a cell is no number.
    """
    names = table.column_names
    unnamed = tuple(name for name in names if _UNNAMED_INDEX.fullmatch(name))
    try:
        roles = find_roles(path, names, reading, unnamed)
    except NoLabelsError as error:
        numbers = {
            k: _values(table.column(k))
            for k, kind in enumerate(table.schema.types)
            if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and table.num_rows
        }
        raise error.with_options(column_options(names, numbers)) from None
    if not table.num_rows:
        raise UsageError(f"{path} has no rows")
    ids = None
    if roles.id is not None:
        ids = checked_ids(path, [_text(value) for value in table.column(roles.id).to_pylist()])
    notes = roles.notes
    if unnamed:
        notes = (
            *notes,
            f"left out the index without a name that pandas wrote ({', '.join(unnamed)}); give it "
            f"the name id to have it name the rows",
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
        notes=notes,
    )


def check_levels(path: Path, schema: pa.Schema) -> None:
    """Refuse headers of several levels; of such a header pandas makes the text of a tuple.

    Raises
    ------
    UsageError
        It has several.
    """
    try:
        levels = json.loads((schema.metadata or {}).get(b"pandas", b""))["column_indexes"]
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
    numbers = _values(column)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        refuse_cell(path, roles, int(wrong[0]), k, column[int(wrong[0])].as_py())
    return numbers


def _values(column: pa.ChunkedArray) -> FloatArray:
    try:
        numbers: FloatArray = column.cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowException, ValueError):
        numbers = np.array([_number(value) for value in column.to_pylist()])
    return numbers


def _number(value: Any) -> float:
    try:
        return np.nan if value is None or "_" in str(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan
