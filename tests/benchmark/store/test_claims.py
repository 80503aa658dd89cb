"""Claims: a task is done by one run, is nobody's when its holder dies, and is right without locks.

Also tests `benchmark.store.failing`.
"""

from __future__ import annotations

import errno
import fcntl
from contextlib import contextmanager

import pytest
from made_plan import kill, make_plan, outcome_of, until_killed

from benchmark.planning.tasks import Outcome
from benchmark.store.claims import Claim, Claims
from benchmark.store.run_folder import RunFolder


@pytest.fixture
def plan():
    return make_plan()


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def test_a_task_is_done_by_one_run(plan, folder):
    one, other = Claims(folder, plan.truths), Claims(folder, plan.truths)
    first, second, third = plan.tasks
    assert [one.take(first), other.take(first), one.take(first)] == [
        Claim.OURS, Claim.TAKEN, Claim.OURS,
    ]  # fmt: skip
    assert other.others() == []  # what is at work is told by what runs hold, see test_at_work
    assert other.take(second) is Claim.OURS
    folder.write_outcome(outcome_of(first, plan), {})
    one.release(first)
    assert other.take(first) is Claim.DONE
    one.take(third)
    one.close()  # interrupted: it is nobody's
    assert other.take(third) is Claim.OURS
    other.close()
    assert one.take(third) is Claim.OURS


def test_what_has_failed_is_not_tried_again_by_the_others(plan, folder):
    one, other = Claims(folder, plan.truths), Claims(folder, plan.truths)
    task = plan.tasks[0]
    one.take(task)
    failed = Outcome(task, error="no luck", trace="Traceback ...", time_limit=3.0)
    folder.keep_failure(failed)
    one.release(task)
    assert other.take(task) is Claim.FAILED
    assert other.failures == {task: failed}
    assert other.take(make_plan(k=5).tasks[0]) is Claim.OURS  # the same fold with other settings


def test_a_damaged_result_is_computed_again(plan, folder):
    task = plan.tasks[0]
    folder.write_file(str(task.path), b"nonsense")
    assert Claims(folder, plan.truths).take(task) is Claim.OURS


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_claims_of_a_killed_process_are_free(plan, folder):
    task, claims = plan.tasks[0], Claims(folder, plan.truths)

    @contextmanager
    def claimed():
        mine = Claims(folder, plan.truths)
        yield mine.take(task)

    holder = until_killed(claimed)
    assert claims.take(task) is Claim.TAKEN
    kill(holder)
    assert claims.take(task) is Claim.OURS


def test_without_locks_everybody_may_do_everything_that_is_not_stored(plan, folder, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    one, other = Claims(folder, plan.truths), Claims(folder, plan.truths)
    task = plan.tasks[0]
    assert [one.take(task), other.take(task)] == [Claim.OURS] * 2
    for claims in (one, other):  # both store the same
        folder.write_outcome(outcome_of(task, plan), {})
        claims.release(task)
    assert one.take(task) is Claim.DONE


def test_failures_of_runs_at_work_come_before_those_of_the_last_one(plan, folder):
    former, latest, further = (Outcome(task, error="former") for task in plan.tasks)
    folder.write_failures([former, latest])
    latest.error = further.error = "latest"
    for outcome in (latest, further):
        folder.keep_failure(outcome)
    said = {entry["key"]: entry["error"] for entry in folder.read_failures()}
    keys = [task.key for task in plan.tasks]
    assert said == dict(zip(keys, ["former", "latest", "latest"], strict=True))
    assert folder.read_failure(former.task) is None
