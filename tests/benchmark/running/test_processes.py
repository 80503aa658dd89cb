"""Worker processes: they answer, are deaf to Ctrl-C from the start, and end with all they started.

Tests `benchmark.running.worker` too, which is what such a process does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmark.errors import BenchmarkError
from benchmark.running import processes
from benchmark.running.processes import Clock, Worker, WorkerDiedError, signals_wait
from benchmark.running.worker import allow


def sent(thing):
    """Have a function or a class sent as a whole, since workers do not find modules of tests."""
    for part in (thing, *vars(thing).values()):
        if callable(part):
            part.__module__ = "__main__"
    return thing


@pytest.fixture
def worker():
    worker = Worker({"LDL_TEST": "given"}, relay=True)
    yield worker
    worker.end()


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_does_one_call_after_the_other_in_the_given_environment(worker):
    first, second = (worker.call(os.getpid) for _ in range(2))
    assert first == second != os.getpid()
    assert worker.call(os.getenv, "LDL_TEST") == "given"
    assert "LDL_TEST" not in os.environ
    assert worker.call(lambda x: x + 1, 41) == 42  # which pickle alone cannot send
    assert worker.clean
    worker.end()
    assert not is_alive(first)


def test_a_worker_does_not_wait_for_input(worker):
    with pytest.raises(EOFError):
        worker.call(input)


@sent
class StubbornError(Exception):
    """Can be written, but not read."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@sent
def stubborn():
    raise StubbornError("this", "that")


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (int, ("x",), ValueError, "invalid literal"),
        (sys.exit, (3,), SystemExit, "3"),
        (stubborn, (), RuntimeError, "StubbornError: this and that"),
        (threading.Lock, (), RuntimeError, "cannot pickle"),
    ],
)
def test_what_is_raised_there_is_raised_here(worker, function, arguments, error, message):
    with pytest.raises(error, match=message):
        worker.call(function, *arguments)
    assert worker.call(abs, -1) == 1


@pytest.mark.parametrize(
    ("function", "arguments", "why", "from_outside"),
    [
        (os._exit, (3,), "library that it uses, ended its process (exit code 3)", False),
        (os.abort, (), "its process died, by a crash or for want of memory (SIGABRT)", False),
        (signal.raise_signal, (9,), "died, by a crash or for want of memory (SIGKILL)", True),
        (os.closerange, (0, 256), "it closed the descriptors of its process", False),
    ],
)
def test_death_has_a_reason(worker, function, arguments, why, from_outside):
    with pytest.raises(WorkerDiedError) as caught:
        worker.call(function, *arguments)
    assert why in str(caught.value)
    assert caught.value.from_outside == from_outside


@sent
def closes_all_and_sleeps():
    os.closerange(0, 256)
    time.sleep(3600)


def test_a_process_that_closed_its_connection_and_goes_on_is_ended(worker):
    number = worker.call(os.getpid)
    with pytest.raises(WorkerDiedError, match="closed the descriptors"):
        worker.call(closes_all_and_sleeps)
    worker.end()
    assert not is_alive(number)


@sent
def ignores_its_limit(seconds):
    signal.signal(signal.SIGALRM, lambda *_: None)
    allow(seconds)
    while True:
        time.sleep(1)


@sent
def holds_the_interpreter(seconds):
    """Wait in C, without letting go of Python's lock."""
    import ctypes

    allow(seconds)
    ctypes.PyDLL(None).sleep(3600)


@pytest.mark.parametrize("function", [ignores_its_limit, holds_the_interpreter])
def test_a_call_that_goes_on_after_its_limit_is_ended(worker, function, monkeypatch):
    with pytest.raises(WorkerDiedError, match="ignored the time limit") as caught:
        worker.call(function, 0.1)
    assert caught.value.was_late
    assert not caught.value.from_outside


def test_a_process_that_takes_no_work_is_ended(worker, monkeypatch):
    import ctypes

    def seize():
        threading.Timer(0.1, ctypes.PyDLL(None).sleep, (3600,)).start()

    monkeypatch.setattr(processes, "_TAKE_SECONDS", 0.5)
    worker.call(seize)
    time.sleep(0.5)
    with pytest.raises(WorkerDiedError, match="took no work"):
        worker.call(abs, 1)
    assert not worker.taken


@sent
def leave_behind(kind):
    if kind == "thread":
        threading.Thread(target=time.sleep, args=(3600,)).start()
    if kind == "exit handler":
        import atexit

        atexit.register(time.sleep, 3600)
    if kind == "lock":
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=lock.acquire).start()
    if kind == "stream":
        sys.stdout.close()
    if kind == "descriptor":
        os.close(1)
    if kind == "recursion":
        sys.setrecursionlimit(200)
    if kind == "rights":
        os.umask(0o777)
    return os.getpid()


@pytest.mark.parametrize(
    ("kind", "clean"),
    [
        ("thread", False),
        ("exit handler", True),
        ("lock", False),
        ("stream", False),
        ("descriptor", False),
        ("recursion", False),
        ("rights", False),
    ],
)
def test_what_a_call_leaves_in_its_process_does_not_keep_it_alive(worker, kind, clean):
    number = worker.call(leave_behind, kind)
    assert worker.clean == clean  # another call would get to feel it
    worker.end()
    assert not is_alive(number)


@sent
def leave_a_child(kind):
    if kind == "forked":
        child = os.fork()
        if not child:
            time.sleep(3600)
        return child
    if kind == "of its own session":
        return subprocess.Popen(["sleep", "3600"], start_new_session=True).pid
    if kind == "orphaned":
        line = "sleep 3600 >/dev/null 2>&1 & echo $!"
        return int(subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout)
    import multiprocessing

    process = multiprocessing.get_context(kind).Process(target=time.sleep, args=(3600,))
    process.start()
    return process.pid


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("kind", ["forked", "of its own session", "orphaned", "fork", "spawn"])
def test_children_end_with_their_worker(worker, kind):
    child = worker.call(leave_a_child, kind)
    assert is_alive(child)
    assert worker.end_others()
    assert worker.call(abs, -1) == 1
    while is_alive(child) and state(child) != "Z":
        worker.end_others()  # one that was about to become another program had no mark then
        time.sleep(0.01)


@sent
def share_memory():
    from multiprocessing.shared_memory import SharedMemory

    kept.append(SharedMemory(create=True, size=1000))
    return kept[-1].name


kept = []


@pytest.mark.skipif(not Path("/dev/shm").exists(), reason="needs /dev/shm")  # noqa: S108
def test_memory_that_a_call_shares_goes_with_its_worker(worker):
    path = Path("/dev/shm", worker.call(share_memory))  # noqa: S108
    assert path.exists()
    assert worker.end_others()
    worker.end()
    assert not path.exists()


@sent
def leaves_an_alarm():
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.2)


def test_an_alarm_does_not_reach_the_next_call(worker):
    worker.call(leaves_an_alarm)
    worker.call(time.sleep, 0.4)
    assert worker.call(abs, -1) == 1


def state(number):
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_copy_of_the_process_does_not_answer_in_its_place(worker):
    def forks():
        return os.fork()

    assert worker.call(forks) > 0
    assert worker.call(abs, -1) == 1


def test_of_what_is_printed_a_part_is_shown(worker, capsys):
    def prints():
        line = "x" * 1023 + "\n"
        for _ in range(5000):
            sys.stdout.write(line)
        os.write(1, b"by compiled code\n")
        os.write(2, b"the end\n")

    worker.call(prints)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert 2**16 <= len(shown.err) < 2**17
    assert "left out" in shown.err
    assert worker.said.endswith(b"by compiled code\nthe end\n")


def test_time_in_which_a_run_is_stopped_does_not_count(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = Clock()
    now[0] = 0.3
    assert clock() == pytest.approx(0.3)
    now[0] = 3600.0
    assert clock() == pytest.approx(1.3)


def test_a_process_that_cannot_start_is_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BenchmarkError, match="cannot start a worker process: No such file"):
        Worker()


@contextmanager
def to_this_thread(number):
    yield lambda: signal.pthread_kill(threading.main_thread().ident, number)


@contextmanager
def to_another_thread(number):
    now = threading.Event()
    thread = threading.Thread(target=lambda: now.wait() and signal.raise_signal(number))
    thread.start()

    def send():
        now.set()
        thread.join()

    yield send
    thread.join()


@pytest.mark.parametrize("sending", [to_this_thread, to_another_thread])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_wait_until_workers_have_started(number, sending):
    passed = []
    former = signal.signal(number, signal.default_int_handler)

    def start():
        with signals_wait():
            send()
            passed.append("within")
        passed.append("after")

    try:
        with sending(number) as send, pytest.raises(KeyboardInterrupt):
            start()
    finally:
        signal.signal(number, former)
    assert passed == ["within"]


def test_a_worker_survives_ctrl_c_while_it_starts_and_while_it_works(capfd):
    worker = Worker()
    worker._process.send_signal(signal.SIGINT)
    worker.call(signal.raise_signal, signal.SIGINT)
    worker.end()
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_worker_ends_with_its_parent_however_that_ends():
    code = (
        "import os, time\n"
        "from benchmark.running.processes import Worker\n"
        "worker = Worker()\n"
        "print(worker.call(os.getpid), flush=True)\n"
        "worker.call(time.sleep, 3600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    while is_alive(worker):
        time.sleep(0.05)
