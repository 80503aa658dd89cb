"""The disk is told to write, from time to time, and always at the end."""

from __future__ import annotations

import time

import pytest

from features.storage import disk
from features.storage.disk import DiskWriter, write_disk
from features.storage.files import write_atomic


@pytest.fixture
def written(monkeypatch):
    found = []
    monkeypatch.setattr(disk, "write_disk", found.append)
    return found


def test_news_are_written_soon_and_together(tmp_path, written, monkeypatch):
    monkeypatch.setattr(disk, "_PAUSE_SECONDS", 0.01)
    writer = DiskWriter(tmp_path)
    for _ in range(100):
        writer.tell()
    end = time.monotonic() + 60
    while not written and time.monotonic() < end:
        time.sleep(0.01)
    assert 1 <= len(written) < 20
    writer.close()


def test_the_end_waits_for_what_is_new(tmp_path, written, monkeypatch):
    monkeypatch.setattr(disk, "_PAUSE_SECONDS", 3600)
    writer = DiskWriter(tmp_path)
    writer.tell()
    writer.close()
    assert written == [tmp_path]


def test_where_there_is_nothing_new_no_disk_is_written(tmp_path, written):
    DiskWriter(tmp_path).close()
    assert written == []


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_the_disk_itself(tmp_path, monkeypatch, has_syncfs):
    """That it survives a power cut is not to be seen here: only that nothing else changes."""
    if not has_syncfs:
        monkeypatch.setattr(disk.ctypes, "CDLL", lambda _: object())
    write_atomic(tmp_path / "a.json", "{}", sync=False)
    write_disk(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "{}"
    write_disk(tmp_path / "no folder")
