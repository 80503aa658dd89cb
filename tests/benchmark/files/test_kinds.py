"""What a file is, where its name says something else."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.files.kinds import HEAD, refuse_other_kind
from benchmark.files.matlab import read_matlab
from benchmark.files.parquet_table import read_parquet


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


def saved_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "a Git LFS pointer"),
        (b"/annex/objects/MD5E-s12--34.mat\n", "a git-annex pointer"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "an HTML or XML page"),
        (b"<?xml version='1.0'?><Error>", "an HTML or XML page"),
        (b'{"message": "Not Found"}', "a JSON document"),
        (b"404: Not Found", "the answer of a server that has no such file"),
        (zipped("data.csv"), "a zip archive; unpack it"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (zipped("features.npy"), "a NumPy archive"),
        (gzip.compress(b"f1,label:a", mtime=0), r"compressed \(gzip\); unpack it"),
        (saved_array(), "a NumPy array"),
        (b"PAR1\x15\x04\x15", "a Parquet file; call it .parquet"),
        (b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file; call it .mat"),
        (b"# Created by Octave 8.4", "a text file of Octave; save it with 'save -v7'"),
        (bytes(512), "filled with zeros"),
    ],
)
def test_a_file_is_told_as_what_it_is(head, what):
    with pytest.raises(UsageError, match=what):
        refuse_other_kind("x.csv", head)


@pytest.mark.parametrize("name", ["x.mat", "x.parquet"])
@pytest.mark.parametrize("text", ["\ufefff1,label:a,label:ä\r\n1,0.5,0.5\r\n", "ä" * HEAD])
def test_text_under_the_name_of_another_kind(tmp_path, name, text):
    read = read_matlab if name == "x.mat" else read_parquet
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(UsageError, match=r"file: it is text; if it is a table .* call it \.csv"):
        read(tmp_path / name)
    (tmp_path / name).write_bytes(b"\1" + text.encode())
    with pytest.raises(UsageError, match=r"not a readable .* file: (?!it is text)"):
        read(tmp_path / name)


def test_own_kinds_and_tables_pass():
    refuse_other_kind("x.mat", b"MATLAB 5.0 MAT-file, Platform", ("matlab", "hdf5"))
    refuse_other_kind("x.csv", b"[image_filename] [valence]")
    for header in (b"f1", b"PAR1", b"ARROW1", b"BZh", b"<f1>", b"Rar", b"404", b"7z"):
        refuse_other_kind("x.csv", header + b",label:a,label:b\n1,0.5,0.5\n")
