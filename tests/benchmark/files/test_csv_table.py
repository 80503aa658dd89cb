"""CSV files: names and ids arrive as they are written, and what is wrong is told by row and column.

Also tests `benchmark.files.roles` and `benchmark.files.contents` through them.
"""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.files.csv_table import read_csv
from benchmark.files.reading import Reading
from benchmark.files.roles import find_roles

HEADER, ROWS = "f1,label:a,label:b\n", "1.5,.4,.6\n2,.5,.5\n3.7,.3,.7\n"


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, ignore=()):
        path = tmp_path / "d.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv(path, Reading(ignore=tuple(ignore)))

    return write_and_read


@pytest.fixture
def refused(read):
    def say(content, ignore=()):
        with pytest.raises(UsageError) as caught:
            read(content, ignore)
        return str(caught.value)

    return say


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROWS,
        "\n \n" + HEADER + ROWS,
        "\ufeff" + HEADER + ROWS.replace("\n", "\n\n"),
        (HEADER + ROWS).replace("\n", "\r\n"),
        (HEADER + ROWS).replace("\n", "\r"),
        ' f1 ,label: a,"label:b\u200b"\n' + ROWS.replace("1.5", '"1.5"'),
    ],
)
def test_the_same_table_written_in_several_ways(read, content):
    found = read(content)
    assert found.X.tolist() == [[1.5], [2.0], [3.7]]
    assert found.D.tolist() == [[0.4, 0.6], [0.5, 0.5], [0.3, 0.7]]
    assert (found.label_names, found.feature_names, found.ids) == (("a", "b"), ("f1",), None)


@pytest.mark.parametrize(
    "ids",
    [
        ["0007", "0012", "0100"], ["NA", "null", "nan"], ["7", "", "9"], ["1e5", "True", "x"],
        ["123456789012345678901", "-0", "+1"], [" a", "b ", "c,\"d\"\ne"], ["=1", "#2", "é"],
    ],
)  # fmt: skip
def test_ids_are_what_the_file_says(read, ids):
    text = io.StringIO()
    csv.writer(text).writerows([["id", "f1", "label:a", "label:b"]])
    csv.writer(text).writerows([[name, k + 0.5, 0.5, 0.5] for k, name in enumerate(ids)])
    assert read(text.getvalue()).ids == tuple(ids)


def test_numbers_are_what_python_reads(read):
    rng = np.random.default_rng(0)
    values = rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500)
    words = [*map(repr, values.tolist()), "12345678901234567890123", "18446744073709551615", "-7"]
    found = read(HEADER + "".join(f"{word},.5,.5\n" for word in words))
    assert found.X[:, 0].tolist() == [float(word) for word in words]
    assert read(HEADER + "True,.5,.5\nFALSE,.5,.5\n").X.tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# made by us\n" + HEADER + ROWS, "has no label columns (the first are: '# made by us')"),
        (HEADER + "# a remark\n", "row 0 (counted from 0) has 1 cells, the header has 3; it begins "
         "with '# a remark'"),
        (HEADER + ROWS + "1,.4\n", "row 3 (counted from 0) has 2 cells, the header has 3"),
        (HEADER + ROWS.replace("\n", ",9\n"), "row 0 (counted from 0) has 4 cells"),
        (HEADER + ROWS.replace("\n", ',"9"\n'), "row 0 (counted from 0) has 4 cells"),
        (HEADER.replace("\n", ",\n") + ROWS, "column 3 (counted from 0) has no name"),
        ("," + HEADER + "0,1,.5,.5\n", "leave it out with --ignore 'Unnamed: 0'"),
        ("\n" + HEADER.replace("label:b", "f1 ") + ROWS, "two columns named 'f1'"),
        ("f1,Label:a,LABEL : b\n" + ROWS, "'Label:a' looks like a label; write it 'label:a', or"),
        ("f1,label\uff1aa,label:b\n" + ROWS, "looks like a label; write it 'label:a'"),
        ("label:a,label:b\n.5,.5\n", "has no feature columns"),
        (HEADER, "has no row below its header"),
        (HEADER + "1,,1\n", "row 0 (counted from 0) has no value in column 'label:a'; fill it in"),
        (HEADER + "1,.5,.5\nNA,.5,.5\n", "row 1 (counted from 0) has no value (NA) in column 'f1'"),
        (HEADER + "inf,.5,.5\n", "has 'inf' in column 'f1', which is not a finite number"),
        (HEADER + "1,.5,x7\n", "has 'x7' in column 'label:b', which is not a finite number; corr"),
        (HEADER + "a.jpg,.5,.5\n", "leave the column out with --ignore f1, or call it 'id' if"),
        (HEADER + "1_0,.5,.5\n", "'1_0' in column 'f1', which is not a finite number"),
        (HEADER + '"1,5",.5,.5\n', "write numbers with a decimal point"),
        (HEADER + f"{'9' * 400},.5,.5\n", "(400 characters) in column 'f1', which is too large"),
        (HEADER + f".5,.5,.5\n{'9' * 400},.5,.5\n", "row 1 (counted from 0) has '9999"),
        (HEADER + ".5,.5,.5\n\n1e999,.5,.5\n", "has '1e999' in column 'f1', which is too large"),
        (HEADER + "2020-01-01,.5,.5\n", "'2020-01-01' in column 'f1', which is not"),
        ((HEADER + ROWS).replace(",", ";"), "separated by semicolons; separate the columns by"),
        ((HEADER + ROWS).replace(",", "\t"), "separated by tabs"),
        ((HEADER + ROWS).encode("utf-16"), "is not text in UTF-8 (perhaps UTF-16)"),
        (HEADER.replace("a", "\xe9").encode("latin-1"), "line 1 has the byte 0xe9"),
        (HEADER.encode() + b"1,\0.5,.5\n", "is not text in UTF-8"),
        (HEADER.encode() + b"1,.5,.5\n" * 600 + b"\0,.5,.5\n", "line 602 has a zero byte"),
        ("\n \n", "is empty but for blank lines"),
        (HEADER + '"1,.5,.5\n', "row 0 (counted from 0) has 1 cells"),
        (f"id,{HEADER}{'x' * 2000},1,.5,.5\n", "row 0 (counted from 0) has an id of 2,000 char"),
        (f"id,{HEADER}{'x' * 200000},1,.5,.5\n" + '"', "field larger than field limit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_row_and_column(refused, content, message):
    assert message in refused(content)


def test_columns_can_be_left_out_by_name_or_pattern(read, refused):
    text = "file,F1,Unnamed: 0," + HEADER + "a.jpg,x,0,1,.4,.6\nb.jpg,y,1,2,.5,.5\n"
    found = read(text, ["file", "F*", "Unnamed: [0-9]"])
    assert (found.feature_names, found.X.tolist()) == (("f1",), [[1.0], [2.0]])
    assert found.columns == ("file", "F1", "Unnamed: 0", "f1", "label:a", "label:b")
    assert found.notes == ("left out with --ignore: file, F1, Unnamed: 0",)
    assert read(f",{HEADER}0,1,.5,.5\n", ["Unnamed: 0"]).X.tolist() == [[1.0]]
    assert read(f"a[0],{HEADER}0,1,.5,.5\n", ["a[0]"]).X.tolist() == [[1.0]]
    assert "without it the rows no longer sum to 1" in refused(text, ["label:a"])
    assert "has no feature columns beside those left out with" in refused(HEADER + ROWS, ["f*"])


@pytest.mark.parametrize(("name", "other"), [("f[1]", "f1"), ("a*b", "acb"), ("?", "x")])
def test_the_name_of_a_column_is_no_pattern_beside_it(read, name, other):
    found = read(f"{name},{other},label:a,label:b\n0,1,.5,.5\n", [name])
    assert (found.feature_names, found.X.tolist()) == ((other,), [[1.0]])
    assert found.notes == (f"left out with --ignore: {name}",)


def test_roles_are_told_by_name():
    roles = find_roles("x", [" id", "label:joy ", "b", "a"])
    assert (roles.id, roles.labels, roles.features) == (0, (1,), (2, 3))
    assert roles.label_names == ("joy",)
