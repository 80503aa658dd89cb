"""What models leave behind is found by its mark, and nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.running import leftovers
from benchmark.running.leftovers import VARIABLE, end_children, end_marked, end_orphans, mark

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@pytest.fixture
def start():
    """Start a process that sleeps, with a mark or without."""
    started = []

    def start(of=None):
        marked = {} if of is None else {VARIABLE: of}
        process = subprocess.Popen(["sleep", "600"], env={**os.environ, **marked})
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_marked_are_ended_and_no_others(start):
    mine, ten, other, none = start("m:1:"), start("m:10:"), start("n:1:"), start()
    assert end_marked("m:1:")
    assert mine.wait() == -9
    assert [process.poll() for process in (ten, other, none)] == [None] * 3
    assert not end_marked("m:1:")
    assert not end_marked("m:10:", but=ten.pid)
    assert ten.poll() is None


def test_what_a_killed_run_left_is_ended_and_what_a_living_one_has_is_not(start):
    gone = subprocess.run(
        [sys.executable, "-c", "from benchmark.running.leftovers import mark; print(mark())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    namespace, number, began = mark().split(":")
    assert number == str(os.getpid())
    orphan, orphans_of_this_number = start(f"{gone}:7:"), start(f"{namespace}:{number}:1:7:")
    mine, elsewhere = start(f"{mark()}:7:"), start(f"1{gone}:7:")
    broken = [start(text) for text in ("", "x", ":::", f"{namespace}:a:b:")]
    assert end_orphans()
    assert orphan.wait() == orphans_of_this_number.wait() == -9
    assert [process.poll() for process in (mine, elsewhere, *broken)] == [None] * 6
    assert int(began) > 0


def test_all_children_of_a_program_are_ended(start):
    code = (
        "import os, subprocess\n"
        "from benchmark.running.leftovers import end_children\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "end_children()\n"
        "try: os.kill(child.pid, 0)\n"
        "except ProcessLookupError: print('gone')\n"
    )
    sleeps = start()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("gone\n", "")
    assert sleeps.poll() is None


def test_a_system_that_does_not_show_its_processes_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "_PROCESSES", tmp_path / "none")
    mark.cache_clear()
    try:
        assert mark() == f"-:{os.getpid()}:-"
        assert not end_marked("")
        assert not end_orphans()
        end_children()
    finally:
        mark.cache_clear()


def test_a_copy_of_this_process_has_a_mark_of_its_own():
    mine = mark()
    reader, writer = os.pipe()
    if not os.fork():
        os.write(writer, mark().encode())
        os._exit(0)
    theirs = os.read(reader, 1000).decode()
    os.wait()
    assert mine == mark() != theirs
