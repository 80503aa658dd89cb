"""The process that reads files: its end is a sentence, and it asks nothing of who starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.errors import BenchmarkError, UsageError
from benchmark.files import process
from benchmark.files.process import read

X, D = np.arange(12.0).reshape(4, 3) ** 2, np.full((4, 2), 0.5)
LONG = 60  # seconds, which nothing here takes


@pytest.fixture
def path(tmp_path):
    savemat(tmp_path / "d.mat", {"features": X, "labels": D})
    return tmp_path / "d.mat"


@pytest.fixture
def never_ending(tmp_path):
    """A file that the process waits for as long as it lives."""
    os.mkfifo(tmp_path / "waits.csv")
    return tmp_path / "waits.csv"


def pid() -> int:
    assert process._current is not None
    return process._current._process.pid


def until(holds) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_gone(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def run(script: str, *arguments: object, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **options)


def test_one_process_reads_what_comes(path):
    assert np.array_equal(read(".mat", path).X, X)
    first = pid()
    assert np.array_equal(read(".mat", path).D, D)
    with pytest.raises(UsageError, match=r"absent\.csv cannot be read: No such file"):
        read(".csv", path.with_name("absent.csv"))
    assert pid() == first
    process._end()
    assert is_gone(first)
    assert read(".mat", path).label_names is None


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (signal.SIGSEGV, r"reading \S+waits.csv ended the process that read it \(SIGSEGV\): the "
         "file is damaged; get it again"),
        (signal.SIGKILL, r"\(SIGKILL\), perhaps for want of memory; the file is large or damaged"),
        (signal.SIGPROF, "came to no end and was stopped: the file is damaged; get it again"),
    ],
)  # fmt: skip
def test_the_end_of_the_process_is_a_sentence(path, never_ending, number, sentence):
    process._end()

    def end_it() -> None:
        until(lambda: process._current is not None and process._current._is_ready)
        os.kill(pid(), number)

    killer = threading.Thread(target=end_it)
    killer.start()
    with pytest.raises(UsageError, match=sentence):
        read(".csv", never_ending)
    killer.join()
    assert np.array_equal(read(".mat", path).X, X)


def test_a_process_that_ended_between_two_files_is_started_again(path):
    read(".mat", path)
    first = pid()
    os.kill(first, signal.SIGKILL)
    until(lambda: is_gone(first))
    assert np.array_equal(read(".mat", path).X, X)
    assert pid() != first


def test_a_process_that_cannot_start_is_no_damaged_file(path, monkeypatch):
    process._end()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BenchmarkError, match="cannot start a process that reads files"):
        read(".mat", path)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BenchmarkError, match=r"ended when it started \(exit status 1\)"):
        read(".mat", path)


def test_a_relative_path_is_meant_where_this_process_is(path, monkeypatch):
    read(".mat", path)
    monkeypatch.chdir(path.parent)
    assert np.array_equal(read(".mat", Path("d.mat")).X, X)
    with pytest.raises(UsageError, match=r"^absent\.mat cannot be read"):
        read(".mat", Path("absent.mat"))


SCRIPT = """
import os, sys
streams = [os.close(number) for number in (0, 1, 2)]
from benchmark import load_dataset
with open(sys.argv[2], "w") as file:
    print(load_dataset(sys.argv[1]).X.sum(), file=file)
"""


def test_it_works_in_a_script_whose_streams_are_closed(path, tmp_path):
    ended = run(SCRIPT, path, tmp_path / "out.txt")
    ended.communicate(timeout=LONG)
    assert ended.returncode == 0
    assert float((tmp_path / "out.txt").read_text()) == X.sum()


FORKED = """
import os, sys
from benchmark import load_dataset
sums = [load_dataset(sys.argv[1]).X.sum()]
child = os.fork()
sums += [load_dataset(sys.argv[1]).X.sum() for _ in range(3)]
assert sums == [sums[0]] * 4, sums
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_forked_process_has_its_own(path):
    ended = run(FORKED, path)
    ended.communicate(timeout=LONG)
    assert ended.returncode == 0


WAITING = """
import sys, threading
from pathlib import Path
from benchmark.files import process
process.read(".mat", Path(sys.argv[1]))
print(process._current._process.pid, flush=True)
if len(sys.argv) > 2:
    process.read(".csv", Path(sys.argv[2]))
threading.Event().wait()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_who_started_it(path, never_ending, end):
    busy = [never_ending] if end == signal.SIGINT else []
    starter = run(WAITING, path, *busy, stderr=subprocess.DEVNULL)
    number = int(starter.stdout.readline())
    starter.send_signal(end)
    starter.communicate(timeout=LONG)
    until(lambda: is_gone(number))
