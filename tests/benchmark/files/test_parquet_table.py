"""Parquet files: the columns of the schema, whatever pandas notes beside it, and every type."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.errors import UsageError
from benchmark.files.parquet_table import read_parquet
from benchmark.files.reading import Reading

LABELS = {"label:a": [0.4, 0.5, 0.25], "label:b": [0.6, 0.5, 0.75]}
F = [1.5, 2.0, 3.7]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "d.parquet"


def refused(path, columns=None, ignore=()):
    if columns is not None:
        pq.write_table(pa.table(columns), path)
    with pytest.raises(UsageError) as caught:
        read_parquet(path, Reading(ignore=tuple(ignore)))
    return str(caught.value)


@pytest.mark.parametrize("index", ["id", "f2", ["id", "f2"], "f1"])
def test_columns_that_were_an_index_are_columns_again(path, index):
    frame = pd.DataFrame({"f1": F, "f2": F[::-1], "id": ["r0", "r1", "r2"], **LABELS})
    frame.set_index(index).to_parquet(path)
    found = read_parquet(path)
    assert found.ids == ("r0", "r1", "r2")
    values = dict(zip(found.feature_names, found.X.T.tolist(), strict=True))
    assert values == {"f1": F, "f2": F[::-1]}
    assert found.notes == ()


def test_the_index_without_a_name_is_left_out(path):
    frame = pd.DataFrame({"f": F, **LABELS})
    frame.to_parquet(path)
    assert read_parquet(path).columns == ("f", "label:a", "label:b")  # the numbers are no column
    for index in ([5, 9, 7], ["x", "y", "z"]):
        frame.set_axis(index).to_parquet(path)
        found = read_parquet(path)
        assert found.X.tolist() == [[1.5], [2.0], [3.7]]
        assert found.notes[0].startswith("left out the index without a name that pandas wrote (__")


def test_headers_of_several_levels_and_notes_that_differ_are_refused(path, tmp_path):
    columns = pd.MultiIndex.from_tuples([("x", "f"), ("label", "a"), ("label", "b")])
    pd.DataFrame([[1.0, 0.5, 0.5]], columns=columns).to_parquet(path)
    assert "has a header of 2 levels" in refused(path)
    pd.DataFrame({"f": F, **LABELS}).to_parquet(path)
    content = path.read_bytes()
    assert b'"numpy_type"' in content  # the other copy is encoded
    path.write_bytes(content.replace(b'"numpy_type"', b'"numpy_tipe"', 1))
    assert "in two places differs; get it again" in refused(path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, 2, 4], pa.int8()), [1, 2, 4]),
        (pa.array([1, 2, 2**63], pa.uint64()), [1, 2, 2.0**63]),
        (pa.array([1, 2, 2**53 + 1], pa.int64()), [1, 2, 2.0**53]),
        (pa.array([1.5, 2, 4], pa.float16()), [1.5, 2, 4]),
        (pa.array([True, False, True]), [1, 0, 1]),
        (pa.array([Decimal("1.10"), Decimal("2"), Decimal("-3.5")]), [1.1, 2, -3.5]),
        (pa.array(["1.5", "2e3", " 7"]), [1.5, 2000, 7]),
        (pa.array(["1", "2", "1"]).dictionary_encode(), [1, 2, 1]),
        (pa.array([7, 8, 7]).dictionary_encode(), [7, 8, 7]),
        (pa.chunked_array([[1.5], [2.5, 3.5]]), [1.5, 2.5, 3.5]),
    ],
)
def test_every_type_of_number_is_read(path, values, expected):
    pq.write_table(pa.table({"f": values, **LABELS}), path)
    assert read_parquet(path).X[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None, 2.0], "row 1 (counted from 0) has no value in column 'f'; fill it in"),
        ([1, None, 2], "row 1 (counted from 0) has no value in column 'f'; fill it in"),
        (pa.nulls(3), "row 0 (counted from 0) has no value in column 'f'"),
        ([1.0, float("nan"), 2.0], "row 1 (counted from 0) has no value (nan) in column 'f'"),
        ([1.0, 2.0, float("inf")], "row 2 (counted from 0) has inf in column 'f'"),
        (["1", "2", "x7"], "row 2 (counted from 0) has 'x7' in column 'f', which is not a finite"),
        (["1", "2", "x7"], "leave the column out with --ignore f, or call it 'id'"),
        (["a", "b", "a"], "row 0 (counted from 0) has 'a' in column 'f'"),
        ([datetime.date(2020, 1, 1)] * 3, "column 'f' holds times, which are not numbers"),
        ([datetime.timedelta(1)] * 3, "column 'f' holds times"),
        ([[1.0], [2.0], [3.0]], "column 'f' holds lists or records"),
        ([{"x": 1}] * 3, "column 'f' holds lists or records"),
        ([b"1", b"2", b"3"], "column 'f' holds bytes"),
    ],
)
def test_what_is_no_number_is_told_by_row_and_column(path, values, message):
    assert message in refused(path, {"f": values, **LABELS})
    pq.write_table(pa.table({"g": F, "f": values, **LABELS}), path)
    assert read_parquet(path, Reading(ignore=("f",))).X[:, 0].tolist() == F


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([7, 10**18 + 1, -3], ("7", "1000000000000000001", "-3")),
        (["007", "NA", ""], ("007", "NA", "")),
        (["a", None, "b"], ("a", "", "b")),
        ([True, False, True], ("True", "False", "True")),
        ([datetime.date(2020, 1, 2)] * 3, ("2020-01-02",) * 3),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ("x", "y", "x")),
        ([b"x", b"\xff", b"z"], ("x", "\\xff", "z")),
        ([Decimal("1.10")] * 3, ("1.10",) * 3),
    ],
)
def test_ids_are_what_the_file_says(path, ids, expected):
    pq.write_table(pa.table({"id": ids, "f": F, **LABELS}), path)
    assert read_parquet(path).ids == expected


def test_other_files_and_names_are_refused(path):
    table = pa.table([F, F, *LABELS.values()], ["f", "f", "label:a", "label:b"])
    pq.write_table(table, path)
    assert "two columns named 'f'" in refused(path)
    assert "has no row" in refused(
        path, {"f": pa.array([], pa.float64()), "label:a": [], "label:b": []}
    )
    path.write_bytes(b"f1,label:a\n1,1\n")
    assert "is not a readable Parquet file" in refused(path)
    path.write_bytes(b"<html>")
    assert "an HTML" in refused(path)
