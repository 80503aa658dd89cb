"""Feather and Arrow files: what is theirs alone; the rest is tested with Parquet files."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from benchmark.errors import UsageError
from benchmark.files.arrow_table import read_feather

TABLE = {"f": [1.5, 2.0, 3.7], "label:a": [0.4, 0.5, 0.25], "label:b": [0.6, 0.5, 0.75],
         "id": ["x", "y", "z"], "group": pa.array(["s", "t", "s"]).dictionary_encode()}  # fmt: skip


def refused(path):
    with pytest.raises(UsageError) as caught:
        read_feather(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("compression", ["lz4", "zstd", None])
def test_several_batches(tmp_path, compression):
    table = pa.table(TABLE)
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(tmp_path / "d.arrow", table.schema, options=options) as file:
        for batch in table.to_batches(max_chunksize=2):
            file.write_batch(batch)
    found = read_feather(tmp_path / "d.arrow")
    assert found.X.tolist() == [[1.5], [2.0], [3.7]]
    assert found.D[:, 0].tolist() == TABLE["label:a"]
    assert (found.ids, found.facts) == (("x", "y", "z"), {"group": ("s", "t", "s")})


def test_files_that_are_refused(tmp_path):
    path = tmp_path / "d.feather"
    frame = pd.DataFrame({"f": [], "label:a": [], "label:b": []})
    frame.to_feather(path)
    assert "has no rows" in refused(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "is not a readable Feather file" in refused(path)
    with pa.ipc.new_stream(path, pa.table(TABLE).schema):
        pass
    assert "is not a readable Feather file" in refused(path)
    path.write_bytes(b"f,label:a\n1,1\n")
    assert "it is text; if it is a table separated by commas, call it .csv" in refused(path)
    path.write_bytes(b"FEA1" + bytes(200))
    assert "version 1; save it again" in refused(path)
