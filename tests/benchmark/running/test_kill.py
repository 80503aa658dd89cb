"""A run killed with SIGKILL at random moments ends with the same scores as one left alone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
KILLS = 20
RUNS = 2  # that share them

# Fits long enough for a kill to hit any part of a run, and draws random numbers.
PLUGIN = """
import time
import numpy as np
from baselines import LDLEstimator
from benchmark import register


@register("Slow")
class Slow(LDLEstimator):
    \"\"\"Predict a random distribution, slowly.\"\"\"

    def __init__(self, random_state=None):
        self.random_state = random_state

    def _fit(self, X, D):
        time.sleep(0.3)
        rng = np.random.default_rng(self.random_state)
        self.row_ = rng.dirichlet(np.ones(D.shape[1]))

    def _predict(self, X):
        return np.tile(self.row_, (len(X), 1))
"""


def start(arguments, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "benchmark", "run", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_again_and_again(arguments, folder, seed):
    """Kill a run at random moments, then let it end; return how often it was killed alive."""
    draw = random.Random(seed)  # noqa: S311 - moments of a test, not secrets
    killed = 0
    for _ in range(KILLS // RUNS):
        process = start(arguments, folder)
        time.sleep(draw.uniform(0.3, 3.5))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.stderr.close()
        process.wait()
    last = start(arguments, folder)
    _, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    return killed


def test_twenty_kills_change_no_byte(small, tmp_path):
    (tmp_path / "slow.py").write_text(PLUGIN)
    arguments = ["Slow", "AA-kNN", "AA-BP", "--plugin", "slow.py", "--dataset", str(small),
                 "--folds", "10", "--repeats", "5", "--no-report"]  # fmt: skip
    undisturbed = start([*arguments, "--out", "calm"], tmp_path)
    names = [f"killed{run}" for run in range(RUNS)]
    with ThreadPoolExecutor(RUNS) as pool:  # they mostly sleep: one beside the other
        killed = pool.map(
            lambda run: kill_again_and_again([*arguments, "--out", names[run]], tmp_path, run),
            range(RUNS),
        )
        assert undisturbed.wait(timeout=120) == 0, undisturbed.stderr.read()
        undisturbed.stderr.close()
        assert sum(killed) >= KILLS // 2
    scores = (tmp_path / "calm" / "scores.csv").read_bytes()
    for name in names:
        assert (tmp_path / name / "scores.csv").read_bytes() == scores
        assert not list((tmp_path / name).rglob(".partial-*"))
