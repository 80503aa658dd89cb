"""Processes: one at a time, deaf to Ctrl-C from the start, and gone when they are to be gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmark.running.processes import ctrl_c_waits, one_process


def test_a_single_process_has_the_given_variables():
    with one_process({"LDL_TEST": "given"}) as submit:
        first, second = (submit(os.getpid).result() for _ in range(2))
        assert first == second != os.getpid()
        assert submit(os.getenv, "LDL_TEST").result() == "given"
    assert not is_alive(first)
    assert "LDL_TEST" not in os.environ


def test_a_process_is_killed_where_its_owner_fails():
    started = []

    def fail():
        with one_process() as submit:
            started.append(submit(os.getpid).result())
            submit(time.sleep, 3600)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    assert not is_alive(started[0])


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def interrupt(process):
    os.kill(process, signal.SIGINT)


def test_ctrl_c_waits_until_workers_have_started():
    passed = []

    def start():
        with ctrl_c_waits():
            interrupt(os.getpid())
            passed.append("within")
        passed.append("after")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert passed == ["within"]


INTERRUPTED = """
import multiprocessing, os, signal
from loky import ProcessPoolExecutor
from benchmark.running.processes import ctrl_c_waits, start_worker

executor = ProcessPoolExecutor(1, initializer=start_worker, initargs=(os.getpid(),))
with ctrl_c_waits():
    future = executor.submit(os.getpid)
    (starting,) = multiprocessing.active_children()
    os.kill(starting.pid, signal.SIGINT)
assert future.result() == starting.pid
executor.submit(signal.raise_signal, signal.SIGINT).result()
assert executor.submit(os.getpid).result() == starting.pid
executor.shutdown()
"""


def test_a_worker_survives_ctrl_c_while_it_starts_and_while_it_works():
    """In a fresh process, where Python's resource tracker is not running yet."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_worker_ends_with_its_parent_however_that_ends():
    code = (
        "import os, time\n"
        "from benchmark.running.processes import one_process\n"
        "with one_process() as submit:\n"
        "    print(submit(os.getpid).result(), flush=True)\n"
        "    submit(time.sleep, 3600)\n"
        "    time.sleep(3600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    while is_alive(worker):  # it looks every half second
        time.sleep(0.05)
