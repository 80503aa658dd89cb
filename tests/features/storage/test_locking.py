"""Locks between processes: one holds it, who waits says so, and none outlives its holder."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import pytest

from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.locking import holder, locked, try_lock, wait_for_lock

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
            (said,) = told
            place, who = f"waiting for another process that works in {lock.parent}", holder.pid
            assert said.startswith(f"{place} (process {who} on ")
    assert holder.returncode == 0
    with locked(lock, told.append):
        assert len(told) == 1


def test_a_lock_is_given_back_after_an_error(tmp_path):
    told = []
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new" / ".lock", told.append):
        raise ZeroDivisionError
    with locked(tmp_path / "new" / ".lock", told.append):
        assert told == []


def test_who_waits_goes_on_when_the_holder_is_killed(tmp_path):
    lock = tmp_path / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as killed:  # fmt: skip
        assert killed.stdout.readline() == "held\n"
        told = []

        def tell(text):
            told.append(text)
            killed.kill()

        with locked(lock, tell) as alone:
            assert alone
            assert len(told) == 1


def test_a_lock_file_says_nothing_but_who_had_it(tmp_path):
    lock = tmp_path / ".lock"
    lock.write_text("process 7 on a machine that is no more, since ever\n")
    with locked(lock, pytest.fail) as alone:
        assert alone
        assert holder(lock).startswith(f"process {os.getpid()} on ")
    assert holder(tmp_path / "none") == ""


def test_a_lock_file_that_goes_with_its_holder_lets_one_other_have_the_next(tmp_path):
    path, won = tmp_path / ".lock", []
    first = try_lock(path)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(wait_for_lock, path) for _ in range(4)]
        while waiting:
            path.unlink()
            first.release()
            first = next(as_completed(waiting)).result()
            won.append(first)
            waiting = [each for each in waiting if not each.done()]
            assert try_lock(path) is None
    assert len(won) == 4


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_copy_of_the_process_does_not_hold_what_it_holds(tmp_path):
    lock = try_lock(tmp_path / ".lock")
    copy = os.fork()
    if copy == 0:
        signal.pause()
        os._exit(0)
    try:
        assert try_lock(tmp_path / ".lock") is None
        lock.release()
        wait_for_lock(tmp_path / ".lock", lambda _: time.sleep(1)).release()
    finally:
        os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_where_there_are_no_locks_nobody_waits_and_it_is_told(tmp_path, monkeypatch, number):
    def no_flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_flock)
    told = []
    with locked(tmp_path / ".lock", told.append) as one, locked(tmp_path / ".lock") as two:
        assert (one, two) == (False, False)
    (said,) = told
    assert said.startswith(f"locks do not work in {tmp_path} ({os.strerror(number)})")


def test_without_locks_an_array_is_built_twice_and_right(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(37, "No locks")))
    both, computed = threading.Barrier(2), []

    def compute(rows):
        both.wait(timeout=60)  # neither waits for the other
        for row in rows:
            computed.append(row)
            yield np.full((1, 3), row)

    def build(_):
        return build_shards(tmp_path, ArrayPlan({"a": 1}, 20, (3,), np.int64, 5), compute)

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(build, range(2))
    assert sorted(computed) == sorted([*range(20), *range(20)])
    assert np.array_equal(one[:], np.tile(np.arange(20)[:, None], 3))
    assert np.array_equal(two[:], one[:])
    assert not list(tmp_path.glob(".partial-*"))
