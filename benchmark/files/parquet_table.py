"""Reads tables from Parquet files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.errors import UsageError
from benchmark.files.arrow_table import check_levels, table_contents
from benchmark.files.contents import Contents, refuse_large
from benchmark.files.kinds import HEAD, refuse_other_kind, says_text
from benchmark.files.reading import USUAL, Reading


def read_parquet(path: Path, reading: Reading = USUAL) -> Contents:
    """Read a Parquet file; its columns are those of its schema, whatever pandas notes beside it.

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
        refuse_other_kind(path, head, ("parquet",))
        try:
            source = pq.ParquetFile(file, page_checksum_verification=True)
        except pa.ArrowException as error:
            reason = says_text(head) or error
            raise UsageError(f"{path} is not a readable Parquet file: {reason}") from error
        _check_notes(path, source)
        refuse_large(f"{path}", source.metadata.num_rows * len(source.schema_arrow.names))
        try:
            table = source.read()
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{path} is not a readable Parquet file: {error}") from error
    return table_contents(path, table, reading)


def _check_notes(path: Path, source: pq.ParquetFile) -> None:
    """Refuse what pandas notes in two places where they differ, and headers of several levels."""
    notes = (source.schema_arrow.metadata or {}).get(b"pandas", b"")
    if notes != (source.metadata.metadata or {}).get(b"pandas", notes):
        raise UsageError(
            f"{path} is damaged: what it says of its columns in two places differs; get it again"
        )
    check_levels(path, source.schema_arrow)
