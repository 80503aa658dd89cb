"""Several runs in one folder: who may come in, what each leaves alone, and what the last removes.

Also tests `benchmark.store.entering`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from contextlib import contextmanager

import pytest
from made_plan import kill, make_plan, until_killed

from benchmark.errors import UsageError
from benchmark.planning.tasks import Outcome
from benchmark.store import at_work
from benchmark.store.at_work import runs_at_work
from benchmark.store.entering import enter, looking
from benchmark.store.run_folder import RunFolder
from features.storage.files import machine_mark


@pytest.fixture
def plan():
    return make_plan()


@pytest.fixture
def come(plan, tmp_path):
    """Come into the folder ``run``, as a run does: a context, and what it said in ``told``."""
    told = []

    def come(of=None, columns=("kl",), force=False):
        return enter(RunFolder(tmp_path / "run"), of or plan, columns, force, told.append)

    come.told = told
    return come


def begin(session, folder, plan):
    """Do what the first run does at its door."""
    assert session.first
    RunFolder(folder).write_plan(plan, {"command": "run"})
    session.open_door()


def test_runs_of_one_plan_are_at_work_together_and_others_kept_out(come, plan, tmp_path):
    folder = tmp_path / "run"
    with come() as one:
        begin(one, folder, plan)
        with come() as two:
            assert not two.first
            assert one.path != two.path
            assert len(runs_at_work(folder)) == 2
            (said,) = come.told
            assert said.startswith(f"a run (process {os.getpid()} on ")
            assert "shares the work" in said
            for asked, differs in (
                ({"of": make_plan(seed=8)}, "seed 8 here, 7 there"),
                ({"of": make_plan(models=("row", "more"))}, "models more only here"),
                ({"columns": ("cosine",)}, "other columns of the tables"),
                ({"force": True}, "--force would delete"),
            ):
                with pytest.raises(UsageError, match="another run is at work") as caught:
                    come(**asked).__enter__()
                assert differs in str(caught.value)
        assert len(runs_at_work(folder)) == 1
        assert one.path.exists()
        assert not two.path.exists()
    assert not (folder / "running").exists()
    with come(make_plan(seed=8), force=True) as alone:
        assert alone.first


def test_only_a_folder_of_runs_is_taken(come, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").touch()
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        come().__enter__()
    with pytest.raises(UsageError, match="cannot write to"):
        enter(RunFolder(tmp_path / "run" / "precious.txt"), None, (), False, str).__enter__()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_what_killed_runs_left_goes_with_the_last_one_and_failures_are_kept(come, plan, tmp_path):
    folder = RunFolder(tmp_path / "run")

    @contextmanager
    def running():
        with come() as session:
            begin(session, folder.path, plan)
            folder.keep_failure(Outcome(plan.tasks[0], error="before the kill"))
            (folder.path / f".partial-{machine_mark()}-x").touch()
            yield

    killed = until_killed(running)
    with come() as other:  # beside it, nothing of it is touched
        kill(killed)
        assert len(list((folder.path / "running").iterdir())) == 3  # two runs, and failures
        assert not other.first
    assert not (folder.path / "running").exists()
    (failure,) = folder.read_failures()
    assert failure["error"] == "before the kill"
    elsewhere = folder.path / "running" / f"{'0' * 8}-1-0"
    elsewhere.mkdir(parents=True)
    with come():
        assert not list(folder.path.glob(".partial-*"))
    assert elsewhere.exists()  # locks may not reach that machine


def test_who_looks_keeps_runs_from_starting_unless_one_is_at_work(
    come, plan, tmp_path, monkeypatch
):
    folder = RunFolder(tmp_path / "run")
    with come() as one:
        begin(one, folder.path, plan)
        with looking(folder, True, pytest.fail) as runs, come() as two:
            assert len(runs) == 1
            assert not two.first
    monkeypatch.setattr(at_work, "_PATIENCE_SECONDS", 0.0)
    waiting, come_in = threading.Event(), come.told.append
    come.told.clear()

    def told(sentence):
        come_in(sentence)
        waiting.set()

    def start():
        with enter(folder, plan, (), False, told) as session:
            assert session.first

    for writes in (True, False):
        waiting.clear()
        with looking(folder, writes, pytest.fail) as runs:
            assert runs == []
            run = threading.Thread(target=start)
            run.start()
            assert waiting.wait(timeout=60)
            assert runs_at_work(folder.path) == []
        run.join(timeout=60)
        assert not run.is_alive()
    assert all("waiting for another command that works in" in said for said in come.told)


def test_without_locks_nobody_waits_and_nothing_of_others_is_removed(
    come, plan, tmp_path, monkeypatch
):
    def no_locks(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    folder = tmp_path / "run"
    (folder / "running" / "claims").mkdir(parents=True)
    (folder / ".lock").touch()
    RunFolder(folder).keep_failure(Outcome(plan.tasks[0], error="in a former run"))
    with come() as one:
        assert RunFolder(folder).read_failure(plan.tasks[0]) is None
        assert [entry["error"] for entry in RunFolder(folder).read_failures()] == [
            "in a former run"
        ]
        begin(one, folder, plan)
        with come() as two:  # a process of this machine is known by its number
            assert not two.first
            assert "locks do not work" in come.told[0]
            with pytest.raises(UsageError, match="seed 8 here"):
                come(make_plan(seed=8)).__enter__()
        assert one.path.exists()
    assert (folder / "running" / "claims").exists()
    assert runs_at_work(folder) == []
