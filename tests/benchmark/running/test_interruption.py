"""Whenever it is told to end, a run ends in one sentence, and leaves nothing behind.

`LDL_SIGNALS=100` in the environment sends so many signals at moments by a seed.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MANY = int(os.environ.get("LDL_SIGNALS", "0"))

# A model that fits until there is a file GO beside it, and a plugin that leaves things behind here.
PLUGIN = """
import atexit, pathlib, subprocess, threading, time
import numpy as np
from baselines import LDLEstimator
from benchmark import register

GO = pathlib.Path(__file__).with_name("GO")

@register("Waits")
class Waits(LDLEstimator):
    \"\"\"Wait.\"\"\"

    def _fit(self, X, D):
        pathlib.Path(__file__).with_name("FITS").touch()
        while not GO.exists():
            time.sleep(0.01)

    def _predict(self, X):
        return np.full((len(X), self.n_labels_), 1 / self.n_labels_)
"""
LEAVES = """
threading.Thread(target=time.sleep, args=(3600,)).start()
atexit.register(time.sleep, 3600)
subprocess.Popen(["sleep", "3600"], start_new_session=True)
"""


@pytest.fixture
def start(small, tmp_path):
    """Start a run in a session of its own: further options of Popen -> the process."""
    started = []

    def start(*models, plugin=PLUGIN, jobs=2, **options):
        (tmp_path / "waits.py").write_text(plugin)
        arguments = ["-m", "benchmark", "run", *models, "--plugin", "waits.py", "--dataset",
                     str(small), "--split", "hold-out", "--out", "out", "--no-report",
                     "--jobs", str(jobs)]  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def session(process):
    """Return the living processes of a session."""
    found = subprocess.run(
        ["ps", "-o", "pid=,stat=", "-s", str(process.pid)], capture_output=True, text=True
    ).stdout.splitlines()
    return [line for line in found if " Z" not in line]


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def judge(process, number, out):
    """Wait for the end of a run that was told to end."""
    _, errors = process.communicate(timeout=60)
    assert session(process) == []
    assert not (out / "running").exists()
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert "Aborted" not in errors
    if process.returncode == 1:
        assert errors.count("interrupted") == 1
    else:  # it was over, or Python had not come to our code
        assert process.returncode in (0, -number)
    return errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "told", "times"),
    [
        ("SIGINT", "(Ctrl-C)", 2),
        ("SIGTERM", "(SIGTERM)", 1),
        ("SIGHUP", "(SIGHUP: the terminal was closed)", 1),
    ],
)
def test_a_signal_ends_a_run_in_a_sentence(start, tmp_path, name, told, times):
    process = start("waits", "aa-knn")
    wait_for(tmp_path / "FITS", process)
    for _ in range(times):
        os.killpg(process.pid, getattr(signal, name))
    errors = judge(process, getattr(signal, name), tmp_path / "out")
    assert process.returncode == 1
    assert told in errors
    assert "the same command goes on from there" in errors
    last = (tmp_path / "out" / "log.txt").read_text().splitlines()[-1]
    assert f"tasks were computed and are kept {told}" in last


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(MANY or 3))
def test_a_signal_at_any_moment_prints_no_traceback(start, tmp_path, seed):
    (tmp_path / "GO").touch()
    draw = random.Random(seed)  # noqa: S311 - moments of a test, not secrets
    number = draw.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    process = start("waits", "aa-knn")
    # Python's own start, of which nothing is ours, comes first
    time.sleep(0.3 + draw.uniform(0, 6 if MANY else 3))
    if process.poll() is None:
        os.killpg(process.pid, number)
    judge(process, number, tmp_path / "out")


@pytest.mark.slow
def test_nohup_stays_ignored_and_a_worker_that_is_killed_costs_nobody_anything(start, tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = start("waits", "aa-knn", preexec_fn=ignore)
    wait_for(tmp_path / "FITS", process)
    os.killpg(process.pid, signal.SIGHUP)
    workers = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(workers[0]), signal.SIGTERM)
    (tmp_path / "GO").touch()
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Waits" in out


@pytest.mark.slow
def test_what_a_plugin_leaves_in_this_process_does_not_keep_it_alive(start, tmp_path):
    """Nor does a child that has its standard output: ``communicate`` waits for all who have it."""
    (tmp_path / "GO").touch()
    process = start("waits", plugin=PLUGIN + LEAVES, jobs=1)
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert "Waits" in out


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_next_run_removes_what_a_killed_one_has_left(start, tmp_path):
    """Its folder of running tasks, and a child of a model's in a session of its own."""
    child = """
        pid = subprocess.Popen(["sleep", "3600"], start_new_session=True).pid
        pathlib.Path(__file__).with_name(f"CHILD{pid}").touch()
        pathlib.Path(__file__)"""
    plugin = PLUGIN.replace("\n        pathlib.Path(__file__)", child, 1)
    killed = start("waits", plugin=plugin, jobs=1)
    wait_for(tmp_path / "FITS", killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    left = [Path("/proc", path.name.removeprefix("CHILD")) for path in tmp_path.glob("CHILD*")]
    assert left
    assert all(path.exists() for path in left)
    assert (tmp_path / "out" / "running").is_dir()
    memory = [path.name for path in Path("/dev/shm").iterdir()]  # noqa: S108 - nothing is written
    assert not [name for name in memory if re.search(rf"[-_]{killed.pid}[-_]", name)]
    (tmp_path / "GO").touch()
    again = start("waits", plugin=plugin, jobs=1)
    _, errors = again.communicate(timeout=100)
    assert again.returncode == 0, errors
    assert not (tmp_path / "out" / "running").exists()
    for path in left:
        while path.exists() and " Z " not in (path / "stat").read_text():
            time.sleep(0.02)


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(start, tmp_path):
    """Ctrl-Z and fg, which stop and continue all processes of the run."""
    process = start("waits", "aa-knn")
    wait_for(tmp_path / "FITS", process)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(0.2)
    (tmp_path / "GO").touch()
    os.killpg(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def test_a_program_has_its_exit_code_and_its_words():
    code = "from benchmark.running.interruption import run_to_the_end as run\n"
    for body, status, said in (
        ("run(lambda: None)", 0, ""),
        ("import sys; run(lambda: sys.exit(3))", 3, ""),
        ("import sys; run(lambda: sys.exit('no'))", 1, "Error: no\n"),
        ("run(lambda: [][0])", 1, "IndexError"),
        ("import os; run(lambda: os.kill(os.getpid(), 15))", 1, "interrupted (SIGTERM); what"),
    ):
        done = subprocess.run([sys.executable, "-c", code + body], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (status, "")
        assert said in done.stderr
        assert ("Traceback" in done.stderr) == (said == "IndexError")


def test_a_slow_end_of_python_does_not_change_the_exit_code():
    code = """
import atexit, sys, time
from benchmark.running.interruption import run_to_the_end

class Slow:
    def __del__(self):  # as taking down many modules is on a busy machine
        time.sleep(10)

slow = Slow()

def program():
    atexit.register(print, "handlers run")
    sys.exit(2)

run_to_the_end(program)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (2, "handlers run\n", "")


def test_an_interruption_that_a_destructor_swallows_comes_again():
    code = """
import os, time
from benchmark.running.interruption import run_to_the_end

class Swallows:
    def __del__(self):
        os.kill(os.getpid(), 15)
        time.sleep(0.01)

def program():
    thing = Swallows()
    del thing
    time.sleep(60)

run_to_the_end(program)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: interrupted (SIGTERM)")
    assert done.stderr.count("\n") == 1


def test_a_second_ctrl_c_ends_a_program_whose_end_hangs():
    """Without it this one would end later, by itself, and without a sentence."""
    code = """
import time
from benchmark.running.interruption import run_to_the_end

def program():
    try:
        print("begun", flush=True)
        time.sleep(3600)
    finally:
        print("told", flush=True)
        time.sleep(3600)

run_to_the_end(program)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in ("begun\n", "told\n"):
        assert process.stdout.readline() == line
        process.send_signal(signal.SIGINT)
        time.sleep(0.6)  # one that comes at once is taken for the same
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == (
        "Error: interrupted (Ctrl-C, twice); what was computed is kept, and the same command goes "
        "on from there\n"
    )
