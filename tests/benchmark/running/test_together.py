"""What another run does is waited for, taken over when it dies, and never done a second time."""

from __future__ import annotations

import pytest
from made_plan import make_plan, outcome_of

from benchmark.planning.tasks import Outcome
from benchmark.progress import Console
from benchmark.running import engine as engines
from benchmark.running import together
from benchmark.running.engine import Done, SettledError, TakenError, run_tasks
from benchmark.running.execute import Work
from benchmark.running.together import claimed, wait_for_others
from benchmark.store.claims import Claim, Claims
from benchmark.store.run_folder import RunFolder


@pytest.fixture
def plan():
    return make_plan()


@pytest.fixture
def runs(plan, tmp_path):
    """Two runs on one folder: the claims of both."""
    folder = RunFolder(tmp_path)
    return folder, Claims(folder, plan.truths), Claims(folder, plan.truths)


def test_others_are_waited_for_and_their_tasks_taken_over(plan, runs, monkeypatch):
    folder, other, mine = runs
    stored, failing, left = plan.tasks
    for task in plan.tasks:
        assert other.take(task) is Claim.OURS
    told, steps = [], []

    def store():
        folder.write_outcome(outcome_of(stored, plan), {})
        other.release(stored)

    def fail():
        folder.keep_failure(Outcome(failing, error="no luck"))
        other.release(failing)

    happens = iter([store, fail, other.close])
    monkeypatch.setattr(together.time, "sleep", lambda _: steps.append(next(happens)()))
    found = list(wait_for_others(plan.tasks, mine, Console(told.append)))
    assert [(one.task, one.outcome.error, one.elsewhere) for one in found] == [
        (stored, "", True), (failing, "no luck", True),
    ]  # fmt: skip
    assert len(steps) == 3
    assert other.take(left) is Claim.TAKEN
    (said,) = told
    assert said.startswith(f"Waiting for 3 tasks that other runs at work here do, such as {stored}")


def test_a_task_is_claimed_before_its_work_is_put_together(plan, runs):
    folder, other, mine = runs
    task, taken, _ = plan.tasks
    work_of = claimed(lambda task: f"work of {task}", mine)
    assert work_of(task) == work_of(task) == f"work of {task}"
    other.take(taken)
    with pytest.raises(TakenError):
        work_of(taken)
    folder.write_outcome(outcome_of(taken, plan), {})
    with pytest.raises(SettledError) as settled:
        work_of(taken)
    assert (settled.value.done.elsewhere, settled.value.done.outcome.error) == (True, "")


class InTwoSteps:
    """An engine with room for two tasks, which it ends at the second look after them."""

    def __init__(self, happens):
        self.tasks, self.looks, self.did, self.happens = [], 0, [], happens

    def is_busy(self):
        return bool(self.tasks)

    def has_room(self, _task):
        return len(self.tasks) < 2

    def submit(self, task, _content):
        self.tasks.append(task)
        self.did.append(task)
        return True

    def finished(self):
        self.looks += 1
        self.happens()
        if self.looks % 2 == 0:
            done, self.tasks = self.tasks, []
            yield from (Done(task, Outcome(task)) for task in done)

    def close(self):
        pass


def test_a_taken_task_is_asked_for_again_while_others_run_and_then_left_out(
    plan, runs, monkeypatch
):
    _, other, mine = runs
    monkeypatch.setattr(engines, "TAKEN_SECONDS", -1.0)
    freed, own, kept = plan.tasks
    other.take(freed)
    other.take(kept)
    work = Work(None, None, None, None, None, {}, 1.0)
    engine = InTwoSteps(lambda: other.release(freed))
    found = [one.task for one in run_tasks([plan.tasks], engine, claimed(lambda _: work, mine))]
    assert engine.did == [own, freed]
    assert sorted(found, key=plan.tasks.index) == [freed, own]
    assert [other.take(task) for task in plan.tasks] == [Claim.TAKEN, Claim.TAKEN, Claim.OURS]
