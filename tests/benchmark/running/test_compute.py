"""Computing a job: what is stored, what fails, what is told, and how many workers there are."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.errors import BenchmarkError
from benchmark.planning.find_needs import find_needs
from benchmark.planning.models import choose_models
from benchmark.planning.plan import make_plan
from benchmark.planning.protocol import Protocol
from benchmark.planning.tasks import Outcome
from benchmark.progress import QUIET, Console
from benchmark.running import compute as computing
from benchmark.running.compute import compute, describe_failures
from benchmark.running.engine import Done
from benchmark.running.estimate import Cost
from benchmark.running.job import Job, Resources
from benchmark.running.prepare import Device
from benchmark.store.run_folder import RunFolder


@pytest.fixture
def job(problem, tmp_path):
    data = {"d": make_dataset("d", *problem)}
    protocol = Protocol("p", folds=3, models={"too few": {"model": "AA-kNN", "k": 0}})
    models = choose_models(protocol, ["AA-kNN", "too few"])
    needs = find_needs(data, models, protocol.features, False, lambda sentence: None)
    plan = make_plan(protocol, data, models, needs)
    named = {model.name: model for model in models}
    return Job(plan, tuple(plan.tasks), named, needs, Resources(2, None, tmp_path / "cache"))


@pytest.mark.slow
def test_what_succeeds_is_stored_and_what_fails_is_returned(job, tmp_path, caplog):
    folder = RunFolder(tmp_path / "run")
    with caplog.at_level(logging.INFO, logger="benchmark"):
        failures = compute(job, folder, QUIET)
    assert {outcome.task.model for outcome in failures} == {"too few"}
    for task in job.pending:
        stored = folder.read_result(task)
        assert (stored is None) == (task.model == "too few")
        if stored:
            assert stored.predictions.shape == (20, 4)
            assert stored.record["versions"]["numpy"] == np.__version__
    (sentence,) = describe_failures(failures, folder)
    assert sentence.startswith("too few failed in 3 folds of d: ValueError: k must be")
    assert sentence.endswith(f"(traceback in {tmp_path / 'run' / 'log.txt'})")
    assert sum("fitted in" in message for message in caplog.messages) == 3
    assert not (tmp_path / "run" / "running").exists()


@pytest.mark.slow
def test_what_has_failed_is_given_up_where_that_is_wanted(job, tmp_path):
    job = replace(job, resources=replace(job.resources, workers=1, give_up=True))
    failures = compute(job, RunFolder(tmp_path / "run"), QUIET)
    assert [outcome.task.fold for outcome in failures] == [0, 1, 2]
    assert [outcome.error.startswith("not tried") for outcome in failures] == [False, True, True]


def test_an_interrupted_run_says_what_it_keeps(job, tmp_path, monkeypatch):
    made = {"versions": {}, "machine": {}}

    def interrupted(kinds, *arguments):
        yield Done(kinds[0][0], Outcome(kinds[0][0], predictions=np.full((20, 4), 0.25)), made)
        raise KeyboardInterrupt

    monkeypatch.setattr(computing, "run_tasks", interrupted)
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(BenchmarkError, match="interrupted: 1 of 6 tasks were computed"):
        compute(job, folder, QUIET)
    assert folder.read_result(job.others[0]) is not None


@pytest.mark.parametrize(
    ("accelerated", "memory", "workers"), [(False, 1e6, 2), (False, 4000, 1), (True, 1e6, 1)]
)
def test_workers_of_long_runs_follow_from_measured_memory(
    job, monkeypatch, accelerated, memory, workers
):
    told = []
    job = replace(
        job, models={name: replace(m, consumes="images") for name, m in job.models.items()}
    )
    costs = [Cost("EW-MTCNN", "d", 3, 6000.0, 1.5, 3000.0)]
    monkeypatch.setattr(computing, "is_long", lambda *_: True)
    monkeypatch.setattr(computing, "measure_costs", lambda *_: costs)
    monkeypatch.setattr(computing, "free_memory", lambda: memory)
    device = Device("a device", accelerated, "jax")
    assert computing._workers_for_networks(job, device, Console(told.append)) == workers
    assert told[-1].endswith(f"{workers} at a time.")
