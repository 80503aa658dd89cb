"""Locks between processes: one holds it, and who waits says so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from features.storage.locking import locked

HOLD = """
import sys
from pathlib import Path
from features.storage.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_who_waits_says_so_and_goes_on_when_the_other_ends(tmp_path):
    lock = tmp_path / "new" / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout.readline() == "held\n"
        told = []

        def tell(text):
            told.append(text)
            assert holder.poll() is None
            holder.stdin.write("enough\n")
            holder.stdin.flush()

        with locked(lock, tell):
            assert told == [f"waiting for another process that works in {lock.parent}"]
    assert holder.returncode == 0
    with locked(lock, told.append):
        assert len(told) == 1


def test_a_lock_is_given_back_after_an_error(tmp_path):
    told = []
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new" / ".lock", told.append):
        raise ZeroDivisionError
    with locked(tmp_path / "new" / ".lock", told.append):
        assert told == []
