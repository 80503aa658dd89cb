"""Keeping what became of tasks: all is stored at once, and the disk has it soon, or by the end."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.running.engine import Done
from benchmark.running.keeping import Keeper
from features.storage import disk


class Folder:
    """A run folder whose disk may be full."""

    def __init__(self, path):
        self.path, self.full, self.kept, self.synced = path, set(), [], []

    def write_outcome(self, outcome, sync, **_made):
        if outcome.task in self.full:
            raise BenchmarkError("no room")
        self.kept.append(outcome.task)
        self.synced += [outcome.task] * sync

    def keep_failure(self, outcome):
        self.kept.append(outcome.task)

    def remove_checkpoints(self, task):
        assert task in self.kept


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def released():
    return []


@pytest.fixture
def keeper(folder, released):
    keeper = Keeper(folder, SimpleNamespace(release=released.append))
    yield keeper
    keeper.close()


def done(fold, seconds=0.001, error="", elsewhere=False):
    task = Task("d", "m", 0, fold, None, f"{fold:064d}")
    found = Outcome(task, np.eye(2), fit_seconds=seconds, error=error)
    return Done(task, found, elsewhere=elsewhere)


def test_the_disk_is_waited_for_after_long_tasks_and_has_the_others_by_the_end(
    folder, keeper, released, monkeypatch
):
    written = []
    monkeypatch.setattr(disk, "write_disk", lambda _: written.append(list(folder.kept)))
    found = [done(0), done(1, seconds=5.0), done(2), done(3, seconds=float("nan"))]
    for one in found:
        keeper.keep(one)
    tasks = [one.task for one in found]
    assert folder.kept == keeper.stored == released == tasks
    assert folder.synced == [tasks[1], tasks[3]]
    keeper.close()
    assert written[-1] == tasks


def test_failures_are_kept_and_what_others_did_is_theirs(folder, keeper, released):
    failed, other = done(1, error="why"), done(2, elsewhere=True)
    for one in (failed, other):
        keeper.keep(one)
    assert folder.kept == released == [failed.task]
    assert keeper.stored == []


@pytest.mark.parametrize(
    ("trace", "logged"),
    [("Traceback: here", " failed: died\nTraceback: here"), ("died", " failed: died")],
)
def test_why_a_task_failed_is_logged_once(keeper, caplog, trace, logged):
    failed = done(1, error="died")
    failed.outcome.trace = trace
    keeper.keep(failed)
    (record,) = caplog.records
    assert record.getMessage().endswith(logged)
    assert record.getMessage().count("died") == 1


def test_a_full_disk_is_told_at_once(folder, keeper, released):
    folder.full = {done(1).task}
    keeper.keep(done(0))
    with pytest.raises(BenchmarkError, match="no room"):
        keeper.keep(done(1))
    assert keeper.stored == released == [done(0).task]
