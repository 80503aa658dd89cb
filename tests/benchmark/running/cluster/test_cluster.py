"""Runs on workers of Dask on this machine, which are processes as people start them.

Tests `benchmark.running.cluster.session`, `benchmark.running.cluster.there` and the engine there.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.running.cluster import session
from benchmark.running.cluster.there import Invitation, append_block

pytestmark = pytest.mark.slow

SLOW = """
def __init__(self, random_state=None):
    self.random_state = random_state

def _fit(self, X, D):
    import time
    time.sleep(0.2)
    self.row_ = np.random.default_rng(self.random_state).dirichlet(np.ones(D.shape[1]))

def _predict(self, X):
    return np.tile(self.row_, (len(X), 1))
"""


@pytest.fixture
def large(tmp_path):
    """A .mat file whose features are sent once to each worker."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 100))
    D = np.exp(X @ rng.normal(size=(100, 4)) / 10)
    savemat(tmp_path / "large.mat", {"features": X, "labels": D / D.sum(axis=1, keepdims=True)})
    return tmp_path / "large.mat"


@pytest.fixture
def run(command, plugin, large):
    """Run a method with random numbers and two others: folder, options -> bytes of the scores."""
    file = plugin(SLOW)

    def run(out, *options, code=0):
        done = command("run", "Mine", "AA-kNN", "PT-Bayes", "--plugin", file, "--dataset", large,
                       "--folds", 4, "--out", out, *options)  # fmt: skip
        assert done.returncode == code, done.stderr
        return Path(out, "scores.csv").read_bytes() if code == 0 else done.stderr

    return run


@pytest.fixture
def spied(monkeypatch):
    """What is scattered, and what workers are asked."""
    import distributed

    seen = []
    for name in ("scatter", "run"):
        real = getattr(distributed.Client, name)

        def spy(self, what, *given, real=real, **options):
            seen.append((what, options.get("workers")))
            return real(self, what, *given, **options)

        monkeypatch.setattr(distributed.Client, name, spy)
    return seen


def is_tidy(folder):
    """Tell whether a worker's folder has nothing of a run any more."""
    return not list(folder.rglob("ldl-benchmark-*"))


def test_scores_are_those_of_local_runs_wherever_results_are_stored(
    run, address, scheduler, spied, monkeypatch
):
    """Where a worker sees the run folder it stores results itself, elsewhere they come back."""
    scores = [run("one", "--jobs", 1), run("two", "--jobs", 2)]
    scores.append(run("shared", "--scheduler", address))
    sent = [of for what, of in spied if what is append_block]
    assert len(sent) == len([what for what, _ in spied if isinstance(what, dict)]) == 1
    assert len(sent[0]) == len(set(sent[0])) == 2  # X once to each of two, for 12 tasks

    def unseen(**given):
        return Invitation(**{**given, "token": Path("/nowhere/token")})

    monkeypatch.setattr(session, "Invitation", unseen)
    written = []
    monkeypatch.setattr(
        "benchmark.store.run_folder.RunFolder.write_outcome",
        lambda self, outcome, real=session.RunFolder.write_outcome, **made: (
            written.append(outcome.task), real(self, outcome, **made)
        ),
    )  # fmt: skip
    scores.append(run("apart", "--scheduler", address))
    assert len(written) == 12
    assert len(set(scores)) == 1
    tasks = [sorted(p.relative_to(out) for p in Path(out).rglob("*.npz")) for out in
             ("one", "shared", "apart")]  # fmt: skip
    assert tasks[0] == tasks[1] == tasks[2]
    assert all(is_tidy(process.folder) for process in scheduler.processes)


@pytest.mark.thorough
def test_a_worker_that_is_killed_changes_nothing(run, address, start_worker, scheduler):
    scores = run("calm", "--jobs", 2)
    victim = start_worker("--nthreads", "2")
    with scheduler.get_client() as client:
        client.wait_for_workers(3, timeout=600)

    def kill():
        deadline = time.monotonic() + 600
        while not list(Path("killed").glob("tasks/**/*.npz")) and time.monotonic() < deadline:
            time.sleep(0.01)
        victim.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    assert run("killed", "--scheduler", address) == scores
    thread.join()
    assert victim.wait() == -9
    log = Path("killed", "log.txt").read_text()
    assert "failed" not in log


def test_workers_on_which_results_might_differ_get_no_task(run, address, monkeypatch):
    real = session.identity
    monkeypatch.setattr(session, "identity", lambda *of: {**real(*of), "scipy": "0.1"})
    said = run("out", "--scheduler", address, code=1)
    assert re.search(
        r"Error: no worker of the cluster can take part in this run: tcp://\S+: it has scipy "
        r"[\d.]+ \(here 0.1\); tcp", said,
    )  # fmt: skip


@pytest.mark.thorough
def test_networks_run_where_a_gpu_is_declared_with_the_same_scores(command, address, scheduler):
    """As those of models on features, which run everywhere, to the last bit."""
    did = WhoDid()
    scheduler.scheduler.add_plugin(did)
    scores = []
    for out, options in {"local": ["--jobs", 1], "there": ["--scheduler", address]}.items():
        done = command("run", "DLDL", "AA-kNN", "--dataset", "synthetic:40", "--folds", 2,
                       "--epochs", 1, "--cache-dir", "cache", "--out", out, *options)  # fmt: skip
        assert done.returncode == 0, done.stderr
        scores.append(Path(out, "scores.csv").read_bytes())
    assert scores[0] == scores[1]
    assert "2 workers of the cluster: 2 tasks at a time, 1 of them on a GPU." in done.stderr
    (with_gpu,) = scheduler.scheduler.resources["GPU"]
    assert did.by_task["DLDL"] == [with_gpu] * 2
    assert len(did.by_task["AA-kNN"]) == 2


class WhoDid:
    """Takes note of which worker does which task, as a plugin of the scheduler."""

    name = "who-did"

    def __init__(self):
        self.by_task = defaultdict(list)

    def transition(self, key, start, finish, *, worker="", **_):
        if (start, finish) == ("processing", "memory"):
            self.by_task[key.rsplit("-", 3)[0]].append(worker)

    def __getattr__(self, name):
        return lambda *given, **options: None
