"""A small plan with rows of its own, for tests of the run folder."""

from __future__ import annotations

import os
import signal

import numpy as np

from benchmark.datasets.base import make_dataset
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Plan, make_truth
from benchmark.planning.tasks import Outcome


def make_plan(seed=7, models=("row",), folds=3, k=4, shift=0.0, dataset="d"):
    """Make a plan of models with a setting k on 60 rows with 4 labels."""
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(60, 5)) + shift, rng.dirichlet(np.ones(4), size=60)
    truth = make_truth(make_dataset(dataset, X, D), stratified_folds(D, folds))
    described = {"model": "AA-kNN", "target": "t", "source": "", "result_version": 1}
    rows = {name: {**described, "params": {"k": k}} for name in models}
    return Plan("paper", seed, {dataset: truth}, rows, {dataset: dict.fromkeys(models, "")})


def until_killed(do):
    """Do something in a copy of this process, which then waits to be killed; return its number."""
    done, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with do():
                os.write(tell, b"!")
                signal.pause()
        finally:
            os._exit(1)
    os.close(tell)
    assert os.read(done, 1) == b"!"
    os.close(done)
    return child


def kill(child):
    """Kill a process, as the system does when memory runs out."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def outcome_of(task, plan):
    """Make the outcome of a task: it predicts the same for every row."""
    rows = len(plan.truths[task.dataset].folds.test(task.repeat, task.fold))
    return Outcome(task, np.full((rows, 4), 0.25), 1.0, 1.0)
