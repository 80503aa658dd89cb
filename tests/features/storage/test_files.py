"""Files are complete or absent, and damage is found."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.storage.files import (
    DamagedFileError,
    array_key,
    canonical_json,
    content_key,
    folder_name,
    machine_mark,
    make_folder,
    read_arrays,
    read_json,
    remove_partial_files,
    same_file,
    slug,
    write_arrays,
    write_atomic,
    write_json,
    write_parts_atomic,
)

ARRAYS = {"a": np.arange(12.0).reshape(3, 4), "text": np.array("é"), "empty": np.zeros((0, 2))}


def test_arrays_come_back_and_numpy_opens_them(tmp_path):
    path = tmp_path / "new" / "x.npz"
    write_arrays(path, ARRAYS)
    back = read_arrays(path)
    assert {k: v.tolist() for k, v in back.items()} == {k: v.tolist() for k, v in ARRAYS.items()}
    assert np.load(path, allow_pickle=False)["a"].tolist() == ARRAYS["a"].tolist()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_damage_is_found_or_harmless(tmp_path, data):
    """Change, cut or extend the file anywhere: it reads as before or is called damaged."""
    path = tmp_path / "x.npz"
    write_arrays(path, ARRAYS)
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "zero", "insert"]))
    if kind == "flip":
        content[where] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del content[where:]
    elif kind == "zero":
        content[where : where + 40] = bytes(len(content[where : where + 40]))
    else:
        content[where:where] = b"xyz"
    path.write_bytes(bytes(content))
    try:
        back = read_arrays(path)
    except DamagedFileError:
        return
    assert array_key(back["a"]) == array_key(ARRAYS["a"])
    assert str(back["text"]) == "é"


def test_pickles_are_not_read(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([{"an": "object"}], dtype=object), sha256=np.array("0"))
    with pytest.raises(DamagedFileError):
        read_arrays(path)


def test_json_comes_back_and_damage_is_found(tmp_path):
    path = tmp_path / "run.json"
    write_json(path, {"b": 1, "a": [1.5, None, "é"]})
    assert read_json(path) == {"b": 1, "a": [1.5, None, "é"]}
    path.write_text(path.read_text().replace("1.5", "2.5"))
    with pytest.raises(DamagedFileError, match="checksum"):
        read_json(path)
    for text in ("", "[]", "{}", "{", "null"):
        path.write_text(text)
        with pytest.raises(DamagedFileError):
            read_json(path)


def test_missing_files_are_missing_not_damaged(tmp_path):
    for read in (read_arrays, read_json):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")


def test_a_failed_write_leaves_the_former_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_atomic(path, "before")

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "after")
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_partial_files_of_killed_writers_are_removed(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".partial-abc").write_text("half")
    (tmp_path / "deep" / f".partial-{machine_mark()}-abc").write_text("half")
    (tmp_path / "deep" / "whole").write_text("whole")
    elsewhere = tmp_path / "deep" / f".partial-{'0' * 8}-abc"
    elsewhere.write_text("half")
    remove_partial_files(tmp_path)
    assert {p.name for p in (tmp_path / "deep").iterdir()} == {"whole", elsewhere.name}
    os.utime(elsewhere, (0, 0))
    remove_partial_files(tmp_path)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["whole"]


def test_what_is_being_written_is_no_partial_file_of_a_killed_writer(tmp_path, monkeypatch):
    (tmp_path / ".partial-killed").touch()

    def parts():
        yield b"one, "
        remove_partial_files(tmp_path, below=False)
        assert len(list(tmp_path.iterdir())) == 1
        yield b"two"

    write_parts_atomic(tmp_path / "x", parts())
    assert (tmp_path / "x").read_bytes() == b"one, two"

    flock, removed = fcntl.flock, []

    def late(handle, how):  # as where it is removed before its writer has locked it
        if not removed:
            removed.append(next(tmp_path.glob(".partial-*")))
            removed[0].unlink()
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write_parts_atomic(tmp_path / "x", [b"again"])
    assert removed
    assert (tmp_path / "x").read_bytes() == b"again"


def test_written_files_have_the_usual_rights(tmp_path):
    (tmp_path / "plain").write_text("")
    write_atomic(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_keys_are_of_content():
    assert content_key({"a": 1, "b": [2]}) == content_key({"b": [2], "a": 1})
    assert content_key({"a": 1}) != content_key({"a": 1.5})
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'
    a = np.arange(6.0)
    assert array_key(a) == array_key(a.copy())
    assert array_key(a.reshape(2, 3)) == array_key(np.asfortranarray(a.reshape(2, 3)))
    different = [a, a.reshape(2, 3), a.reshape(3, 2), a.astype(np.float32), a + 1, a[:5]]
    assert len({array_key(x) for x in different}) == len(different)
    assert array_key(a, a) != array_key(a)
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


@pytest.mark.slow
@given(st.text(), st.text())
def test_slugs_are_safe_file_names_and_differ(name, other):
    assert slug(name).replace("-", "").replace(".", "").isalnum()
    assert not slug(name).startswith(".")
    assert len(slug(name)) < 80
    assert (slug(name) == slug(other)) == (name == other)
    assert slug("AA-kNN") == "AA-kNN"


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "lpt9.csv", "aux.", "con.tar.gz"])
def test_no_file_is_called_as_a_device_of_windows(name):
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", slug(name))
    assert slug(f"x{name}") == f"x{name}".rstrip(".") or name.endswith(".")


def test_two_names_with_one_file_are_found():
    assert same_file(["a", "b", "A"]) == ("a", "A")
    assert same_file(["a?", slug("a?")]) == ("a?", slug("a?"))
    assert same_file(["a", "b", "é", "è", "CON"]) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": NaN, "sha256": ""}', "NaN is no number"),
        (b'{"a": -Infinity, "sha256": ""}', "-Infinity is no number"),
        (b'{"a": 1e999, "sha256": ""}', "Out of range"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b', "sha256": ""}', "recursion"),
        (b'{"a": ' + b"9" * 5000 + b', "sha256": ""}', "digits"),
        (b'{"a": 1, "a": 2, "sha256": ""}', "'a' is there twice"),
        (b'{"a": "\xff", "sha256": ""}', "decode"),
        ('{"a": 1, "sha256": ""}'.encode("utf-16"), "decode"),
        (b'{"a": 1}', "not a JSON file of ours"),
        (b'{"a": 1, "sha256": ["x"]}', "checksum"),
    ],
)
def test_json_edited_by_hand_is_told(tmp_path, content, said):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=said) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_a_right_checksum_does_not_make_up_for_the_shape(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"n": 1})
    assert read_json(path, {"n": int}) == {"n": 1}
    with pytest.raises(DamagedFileError, match="n is not a text"):
        read_json(path, {"n": str})


def test_a_byte_order_mark_changes_nothing(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"n": "é"})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_json(path) == {"n": "é"}


def test_a_folder_in_a_files_place_is_damage(tmp_path):
    for read in (read_arrays, read_json):
        with pytest.raises(DamagedFileError, match="it is a folder"):
            read(tmp_path)


@pytest.mark.parametrize("shape", ["(10000000000,)", "(9223372036854775808,)", "(-1,)"])
def test_a_header_of_a_huge_array_takes_no_memory(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", member)
    with pytest.raises(DamagedFileError):
        read_arrays(tmp_path / "x.npz")


def test_an_archive_that_is_larger_inside_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(2**24))
    monkeypatch.setattr(np, "load", lambda *_args, **_options: pytest.fail("it was unpacked"))
    with pytest.raises(DamagedFileError):
        read_arrays(path)


def test_names_of_folders_are_those_of_what_is_in_them_where_that_fits():
    assert folder_name(["a", "b c"]) == "a+b c"
    assert folder_name(["n" * 255]) == "n" * 255
    assert folder_name(["情感"]) == "情感"
    names = [f"a_rather_long_name_of_a_dataset_{i}" for i in range(12)]
    other = [*names[:-1], "another"]
    odd = ["", ".", "..", "a/b", "/a", "a\nb", "n" * 256, "情" * 100, "\udcff"]
    found = [folder_name(names), folder_name(other), *(folder_name([name]) for name in odd)]
    assert found[0] == folder_name(iter(names))
    assert found[0].startswith("a-rather-long-name")
    assert len(set(found)) == len(found)
    for name in found:
        assert len(name.encode()) <= 255
        assert "/" not in name
        assert name.strip(".")
        assert name.isprintable()


def test_a_folder_that_is_too_deep_is_an_error_of_the_disk(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    for depth in (1500, 5000):
        with pytest.raises(OSError, match="File name too long"):
            make_folder(tmp_path.joinpath(*["d"] * depth))
