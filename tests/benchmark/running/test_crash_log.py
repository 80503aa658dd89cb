"""The file in which a crash leaves its traceback is one for a process, and always the right one."""

from __future__ import annotations

import faulthandler
import os

import pytest

from benchmark.running import crash_log as module
from benchmark.running.crash_log import crash_log, crash_log_of, read_crash_log


def crash(folder):
    """Write what a crash would, and read it as another process does."""
    with crash_log(folder):
        assert faulthandler.is_enabled()
        path = crash_log_of(folder, os.getpid())
        with path.open("a") as file:
            faulthandler.dump_traceback(file)
    return read_crash_log(folder, os.getpid())


@pytest.fixture(autouse=True)
def as_before():
    """Leave pytest's own as it was."""
    before = faulthandler.is_enabled()
    yield
    if before:
        faulthandler.enable(2)


def test_a_traceback_is_read_once(tmp_path):
    assert "test_crash_log.py" in crash(tmp_path)
    assert read_crash_log(tmp_path, os.getpid()) == ""


def test_the_file_stays_for_the_next_task_and_is_empty(tmp_path):
    path = crash_log_of(tmp_path, os.getpid())
    with crash_log(tmp_path):
        first = path.stat().st_ino
        path.write_text("of a thread that was interrupted")
    with crash_log(tmp_path):
        assert path.stat().st_ino == first
        assert path.read_text() == ""


def test_another_folder_has_another_one(tmp_path):
    for name in "ab":
        assert "test_crash_log.py" in crash(tmp_path / name)


def test_a_model_may_close_it(tmp_path):
    with crash_log(tmp_path):
        assert module._open is not None
        os.close(module._open[1])
    assert "test_crash_log.py" in crash(tmp_path)


def test_where_none_can_be_written_there_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    with crash_log(tmp_path / "file"):
        pass
    assert read_crash_log(tmp_path / "file", os.getpid()) == ""
