"""Keeping what became of tasks: nobody waits for the disk after a short task, nothing is lost."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.running.engine import Done
from benchmark.running.keeping import Keeper

LONG = 60  # seconds, which nothing here takes


class Folder:
    """A run folder whose disk can be slow or full."""

    def __init__(self):
        self.free, self.full, self.kept = threading.Event(), set(), []

    def write_outcome(self, outcome, **_made):
        assert self.free.wait(LONG)
        if outcome.task in self.full:
            raise BenchmarkError("no room")
        self.kept.append(outcome.task)

    def keep_failure(self, outcome):
        self.kept.append(outcome.task)

    def remove_checkpoints(self, task):
        assert task in self.kept


@pytest.fixture
def folder():
    return Folder()


@pytest.fixture
def keeper(folder):
    released = []
    keeper = Keeper(folder, SimpleNamespace(release=released.append))
    yield keeper
    folder.free.set()
    keeper.close()
    assert sorted(task.fold for task in released) == sorted(task.fold for task in folder.kept)


def done(fold, seconds=0.001, error="", elsewhere=False):
    task = Task("d", "m", 0, fold, None, f"{fold:064d}")
    found = Outcome(task, np.eye(2), fit_seconds=seconds, error=error)
    return Done(task, found, elsewhere=elsewhere)


def test_short_tasks_do_not_wait_for_the_disk_and_all_are_kept(folder, keeper):
    short = [done(fold) for fold in range(8)]
    assert [kept for one in short for kept in keeper.keep(one)] == []  # the disk has had none yet
    folder.free.set()
    assert {one.task for one in keeper.rest()} == {one.task for one in short}
    assert set(folder.kept) == set(keeper.stored) == {one.task for one in short}
    assert list(keeper.rest()) == []


def test_long_tasks_failures_and_what_others_did_are_told_at_once(folder, keeper):
    folder.free.set()
    long, failed, other = done(0, seconds=5.0), done(1, error="why"), done(2, elsewhere=True)
    assert [next(keeper.keep(one)) for one in (long, failed, other)] == [long, failed, other]
    assert folder.kept == [long.task, failed.task]
    assert keeper.stored == [long.task]


def test_no_more_are_under_way_than_is_stated(folder, keeper):
    timer = threading.Timer(0.2, folder.free.set)
    for fold in range(16):
        assert list(keeper.keep(done(fold))) == []
    timer.start()
    assert len(list(keeper.keep(done(16)))) >= 1  # it has waited until the disk had one
    timer.join()


def test_a_full_disk_is_told_and_the_others_are_kept(folder, keeper):
    folder.full = {done(1).task}
    for fold in range(3):
        list(keeper.keep(done(fold)))
    folder.free.set()
    with pytest.raises(BenchmarkError, match="no room"):
        list(keeper.rest())
    keeper.close()
    assert {task.fold for task in keeper.stored} == {0, 2}
