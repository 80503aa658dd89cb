"""How tasks are handed to an engine: which are tried again, which are told by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.errors import BenchmarkError
from benchmark.planning.models import Model
from benchmark.planning.tasks import Outcome, Task
from benchmark.plugins.registry import find_model
from benchmark.running.engine import Died, Done, NotTriedError, run_tasks
from benchmark.running.execute import Work

ROWS = np.arange(3)
MODEL = Model("m", find_model("AA-kNN"), {}, result_version=1)
WORK = Work(MODEL, None, np.ones((3, 2)), ROWS, ROWS, time_limit=7.0)
TASKS = [Task("d", name, 0, 0, None, key=f"{name}-" * 8) for name in "abc"]
KILLED = Died("killed", tries=2)


class Scripted:
    """Says of each task what is written down, one after the other, and then that it went well."""

    def __init__(self, size, **script):
        self.size, self.script = size, script
        self.busy, self.order = [], []

    def is_busy(self):
        return bool(self.busy)

    def has_room(self, task):
        return len(self.busy) < self.size

    def submit(self, task, content):
        self.busy.append(task)
        self.order.append((task.model, len(self.busy)))
        return True

    def finished(self):
        task = self.busy.pop(0)
        said = self.script.get(task.model, [])
        yield Done(task, said.pop(0) if said else Outcome(task))


def run(engine, work_of=lambda task: WORK):
    found = {done.task.model: done.outcome for done in run_tasks([TASKS], engine, work_of)}
    assert (sorted(found), engine.busy) == (["a", "b", "c"], [])
    return {name: outcome.error for name, outcome in found.items()}, found


def test_a_task_whose_process_was_killed_runs_again_alone_and_last():
    engine = Scripted(3, a=[KILLED])
    errors, _ = run(engine)
    assert not any(errors.values())
    assert engine.order == [("a", 1), ("b", 2), ("c", 3), ("a", 1)]


def test_one_that_is_killed_again_or_dies_by_itself_is_told():
    errors, found = run(Scripted(2, a=[KILLED, KILLED], b=[Died("crashed", "a trace")],
                                 c=[Died("was ended", was_late=True)]))  # fmt: skip
    assert errors == {"a": "killed", "b": "crashed", "c": "was ended (--task-timeout)"}
    assert (found["b"].trace, found["b"].time_limit, found["c"].time_limit) == ("a trace", None, 7)


def test_processes_that_take_no_task_end_the_run_in_the_end():
    no_process = replace(KILLED, taken=False, tries=4)
    assert not any(run(Scripted(1, b=[no_process] * 3))[0].values())
    engine = Scripted(1, b=[no_process] * 4)
    with pytest.raises(BenchmarkError, match="worker processes do not start: killed"):
        list(run_tasks([TASKS], engine, lambda task: WORK))


def test_what_is_not_tried_or_cannot_be_sent_fails_alone():
    def work_of(task):
        if task.model == "a":
            raise NotTriedError("no more")
        return replace(WORK, facts={"x": (n for n in range(3))} if task.model == "b" else {})

    errors, _ = run(Scripted(1), work_of)
    assert errors["a"] == "no more"
    assert errors["b"].startswith("it cannot be sent to a worker process: TypeError: ")
    assert errors["c"] == ""
