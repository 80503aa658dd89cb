"""A network killed inside a fold goes on inside it and ends as one left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

ARGUMENTS = [
    "run", "EW-MTCNN", "--dataset", "synthetic:60", "--folds", "2", "--epochs", "16",
    "--jobs", "1", "--no-report",
]  # fmt: skip


def start(folder, out):
    return subprocess.Popen(
        [sys.executable, "-m", "benchmark", *ARGUMENTS, "--out", out],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_fold_goes_on_inside_the_fold(tmp_path):
    calm = start(tmp_path, "calm")
    _, errors = calm.communicate(timeout=300)
    assert calm.returncode == 0, errors

    killed = start(tmp_path, "killed")
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("killed/checkpoints/**/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    kept = list(tmp_path.glob("killed/checkpoints/**/*.npz"))
    assert kept, "the run was over before it could be killed"
    last = start(tmp_path, "killed")
    _, errors = last.communicate(timeout=300)
    assert last.returncode == 0, errors
    scores = [(tmp_path / out / "scores.csv").read_bytes() for out in ("calm", "killed")]
    assert scores[0] == scores[1]
    assert not list(tmp_path.glob("*/checkpoints/**/*.npz"))
