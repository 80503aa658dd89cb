"""What is not tried any more once a fold has failed, within a run and in the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.planning.folds import stratified_folds
from benchmark.planning.tasks import Outcome, enumerate_tasks
from benchmark.running.engine import NotTriedError
from benchmark.running.giving_up import GivenUp
from benchmark.store.run_folder import RunFolder


@pytest.fixture
def tasks(problem):
    folds = {"d": stratified_folds(problem[1], 3)}
    models = {name: {"model": name, "params": {}} for name in ("slow", "quick")}
    inputs = {"d": dict.fromkeys(models, "")}
    return list(enumerate_tasks({"d": "f" * 64}, folds, models, 0, inputs))


def test_other_folds_of_what_has_failed_are_refused(tasks, tmp_path):
    given_up = GivenUp(RunFolder(tmp_path), tasks, dict.fromkeys([t.key for t in tasks], 60.0))
    given_up.add(Outcome(tasks[0], error="too slow", time_limit=60.0))
    for task in tasks:
        if task.model == "slow":
            with pytest.raises(NotTriedError, match="since fold 0 had failed: too slow"):
                given_up.check(task)
        else:
            given_up.check(task)


@pytest.mark.parametrize(
    ("change", "limit", "remembered"),
    [({}, 60.0, True), ({}, 30.0, True), ({}, 61.0, False), ({"time_limit": None}, 60.0, False)],
)
def test_the_next_run_remembers_what_was_over_the_time_limit(
    tasks, tmp_path, change, limit, remembered
):
    folder = RunFolder(tmp_path)
    limits = dict.fromkeys([task.key for task in tasks], 60.0)
    failed = Outcome(tasks[0], error="too slow", trace="...", time_limit=60.0)
    GivenUp(folder, tasks, limits).add(replace(failed, **change))  # a kill comes here
    again = GivenUp(folder, tasks, dict.fromkeys(limits, limit))
    assert [outcome.task for outcome in again.failures] == ([tasks[0]] if remembered else [])
    others = [replace(task, key="other settings") for task in tasks]
    assert not GivenUp(folder, others, {"other settings": 1.0}).failures
