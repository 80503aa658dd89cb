"""Reads tables from CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.files.contents import Contents, as_text, checked_ids, plain, shown
from benchmark.files.guessing import column_options
from benchmark.files.kinds import HEAD, refuse_other_kind
from benchmark.files.reading import USUAL, Reading
from benchmark.files.roles import NoLabelsError, Roles, find_roles, refuse_cell
from features.arrays import FloatArray

# Of a line that says nothing; a byte order mark may stand in the first.
_BLANK = b" \t\r\n\v\f\xef\xbb\xbf"
_TRUTH = {"true": 1.0, "false": 0.0}


def read_csv(path: Path, reading: Reading = USUAL) -> Contents:
    """Read a CSV file: a header line, then a row per instance, separated by commas, in UTF-8.

    Parameters
    ----------
    path : Path
    reading : Reading
        Which columns are what, see `benchmark.files.roles.find_roles`.

    Raises
    ------
    UsageError
        It is no such file, or has a cell that is no number; names row and column.
    """
    data = path.read_bytes()
    refuse_other_kind(path, data[:HEAD])
    _check_text(path, data)
    try:
        header = next(_records(data), [])
        if not header:
            raise UsageError(f"{path} is empty but for blank lines")
        _check_separator(path, header)
        try:
            roles = find_roles(path, header, reading)
        except NoLabelsError as error:
            raise error.with_options(_guess(data, header)) from None
        rows = _count_rows(path, data, len(header))
        frame = _parse(data, roles)
    except (ValueError, csv.Error) as error:  # pandas' parser errors are ValueErrors
        raise UsageError(f"{path} is not a readable CSV file: {error}") from error
    if len(frame) != rows:
        raise UsageError(
            f"{path} is not a readable CSV file: it has {rows} lines of values, of which "
            f"{len(frame)} can be told apart; look at its quotation marks"
        )
    ids = None
    if roles.id is not None:
        ids = checked_ids(path, frame[roles.id].tolist())
    return Contents(
        X=_numbers(path, data, frame, roles, roles.features),
        D=_numbers(path, data, frame, roles, roles.labels),
        label_names=roles.label_names,
        ids=ids,
        feature_names=roles.feature_names,
        columns=roles.names,
        facts={fact: tuple(map(as_text, frame[k])) for fact, k in roles.facts.items()},
        notes=roles.notes,
    )


def _check_text(path: Path, data: bytes) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:HEAD]:
        raise UsageError(f"{path} is not text in UTF-8 (perhaps UTF-16); save it as CSV in UTF-8")
    place = data.find(b"\0")
    wrong = "a zero byte" if place >= 0 else ""
    if place < 0 and not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            place, wrong = error.start, f"the byte {data[error.start]:#04x}"
    if wrong:
        line = data.count(b"\n", 0, place) + 1
        raise UsageError(f"{path} is not text in UTF-8: line {line} has {wrong}; save it in UTF-8")


def _records(data: bytes) -> Iterator[list[str]]:
    """Split into cells, blank lines aside."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    return (cells for cells in csv.reader(text) if len(cells) > 1 or "".join(cells).strip())


def _record(data: bytes, number: int) -> list[str]:
    """Return the cells of one line as they are written; the header is number 0."""
    return next(islice(_records(data), number, None))


def _check_separator(path: Path, header: Sequence[str]) -> None:
    if len(header) == 1:
        for mark, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
            if mark in header[0]:
                raise UsageError(
                    f"{path} is separated by {called}; separate the columns by commas, and write "
                    f"numbers with a decimal point"
                )


def _count_rows(path: Path, data: bytes, width: int) -> int:
    """Count the rows below the header, each of which has as many cells as it."""
    if b'"' in data:
        widths = [len(cells) for cells in _records(data)]
    else:  # the same several times as fast
        ends_alone = b"\r" in data and data.count(b"\r") > data.count(b"\r\n")
        lines = data.splitlines() if ends_alone else io.BytesIO(data)
        widths = [line.count(b",") + 1 for line in lines if line.strip(_BLANK)]
    wrong = np.flatnonzero(np.array(widths) != width)
    if wrong.size:
        row = int(wrong[0]) - 1
        cells = _record(data, row + 1)
        raise UsageError(
            f"{path}: row {row} (counted from 0) has {widths[row + 1]} cells, the header has "
            f"{width}; it begins with {', '.join(map(shown, cells[:3]))}"
        )
    if len(widths) < 2:
        raise UsageError(f"{path} has no row below its header")
    return len(widths) - 1


def _parse(data: bytes, roles: Roles) -> pd.DataFrame:
    """Parse the columns that are used; cells that are no numbers stay as they are written."""
    texts = [*roles.facts.values(), *([] if roles.id is None else [roles.id])]
    return _frame(data, len(roles.names), [*roles.labels, *roles.features, *texts], texts)


def _frame(data: bytes, width: int, columns: Sequence[int], texts: Sequence[int]) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(data),
        encoding="utf-8-sig",
        header=0,
        names=range(width),
        usecols=list(columns),
        dtype=dict.fromkeys(texts, str),
        index_col=False,
        na_filter=False,
        low_memory=False,
    )


def _guess(data: bytes, header: Sequence[str]) -> str:
    """Guess the options that read a table without columns of labels."""
    frame = _frame(data, len(header), range(len(header)), ())
    numbers = {
        k: frame[k].to_numpy(float) for k in range(len(header)) if frame[k].dtype.kind in "iuf"
    }
    return column_options([plain(name) for name in header], numbers if len(frame) else {})


def _numbers(
    path: Path, data: bytes, frame: pd.DataFrame, roles: Roles, columns: Sequence[int]
) -> FloatArray:
    for k in columns:
        if frame[k].dtype.kind not in "iufb":
            words = frame[k].astype(str)
            truth = words.str.strip().str.lower().map(_TRUTH)
            frame[k] = truth if truth.notna().all() else _floats(path, words, roles, k)
    matrix = frame[list(columns)].to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(matrix)
    if wrong.any():
        row = int(wrong.any(axis=1).argmax())
        column = columns[int(wrong[row].argmax())]
        refuse_cell(path, roles, row, column, _record(data, row + 1)[column])
    return matrix


def _floats(path: Path, words: pd.Series[str], roles: Roles, column: int) -> FloatArray:
    numbers = np.empty(len(words))
    for row, word in enumerate(words):
        try:
            numbers[row] = math.nan if "_" in word else float(word)
        except ValueError:
            numbers[row] = math.nan
        if not math.isfinite(numbers[row]):
            refuse_cell(path, roles, row, column, word)
    return numbers
