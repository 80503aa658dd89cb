"""Who takes part: who is asked, refused, asked anew and counted; and what comes of lost tasks.

Tests `benchmark.running.cluster.engine` too, with a client that says what the test wants.
"""

from __future__ import annotations

import platform
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.errors import BenchmarkError
from benchmark.planning.tasks import Outcome, Task
from benchmark.running.cluster import there
from benchmark.running.cluster.engine import ClusterEngine
from benchmark.running.cluster.members import Members
from benchmark.running.cluster.session import open_engine
from benchmark.running.engine import Died, Done

distributed = pytest.importorskip("distributed")

INVITATION = there.Invitation("run", Path("out"), Path("token"), (), {})
TASKS = {name: Task("d", name, 0, 0, None, name * 16) for name in ("base", "net")}


class Client:
    """A scheduler with some workers, which answer as they are told."""

    def __init__(self, **workers):
        self.workers, self.answers, self.asked = workers, {}, []
        self.status, self.scheduler = "running", SimpleNamespace(address="tcp://s:1")
        self.submitted, self.cancelled, self.python = [], [], ""

    def scheduler_info(self, n_workers):
        assert n_workers == -1
        return {"workers": dict(self.workers)}

    def run(self, function, *given, workers, on_error):
        self.asked += [(function.__name__, worker) for worker in workers]
        if function is there.join:
            return {worker: self.answers.get(worker, there.Answer()) for worker in workers}
        return dict.fromkeys(workers, self.python or None)

    def submit(self, function, run, task, content, network, **options):
        future = Future(options)
        self.submitted.append(future)
        return future

    def gather(self, futures):
        return [future.result() for future in futures]

    def cancel(self, futures):
        self.cancelled += futures


class Future:
    """Something that comes back with a value or an error when the test says so."""

    def __init__(self, options):
        self.options, self.status, self.cancelled = options, "pending", False

    def add_done_callback(self, function):
        self.function = function

    def comes_back(self, value):
        self.value = value
        self.status = "error" if isinstance(value, BaseException) else "finished"
        self.function(self)

    def result(self):
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value

    def release(self):
        pass

    def cancel(self):
        self.cancelled = True


def facts(place, threads=2, gpu=0):
    return {"local_directory": place, "nthreads": threads, "resources": {"GPU": gpu} if gpu else {}}


@pytest.fixture
def told():
    return []


@pytest.fixture
def make(told):
    """Return a client and the members among its workers."""

    def make(**workers):
        client = Client(**workers)
        return client, Members(client, INVITATION, {}, told.append)

    return make


def test_who_differs_is_refused_once_and_the_others_are_counted(make, told):
    client, members = make(a=facts("1"), b=facts("2", 1, gpu=1), c=facts("3"))
    client.answers["c"] = there.Answer("it has numpy 1.0 (here 2.2)")
    members.wait()
    members.look(at_once=True)
    assert members.addresses() == ["a", "b"]
    assert members.addresses(with_gpu=True) == ["b"]
    assert told == [
        "Worker c gets no task: it has numpy 1.0 (here 2.2). Start it anew with the Python, "
        "versions and source files of this machine: it joins then.",
        "2 workers of the cluster: 3 tasks at a time, 1 of them on a GPU.",
    ]
    assert sorted(client.asked) == [("join", "a"), ("join", "b"), ("join", "c")]


def test_who_comes_late_joins_and_who_starts_anew_at_its_address_is_asked_anew(make, told):
    client, members = make()
    members.look(at_once=True)
    client.workers = {"a": facts("1")}
    members.look(at_once=True)
    client.workers = {"a": facts("another process")}
    members.look(at_once=True)
    assert client.asked == [("join", "a"), ("join", "a")]
    client.workers = {}
    members.look(at_once=True)
    members.look(at_once=True)
    assert told == ["1 worker of the cluster: 2 tasks at a time.",
                    "No worker is left; waiting for one to come ..."]  # fmt: skip


def test_who_does_not_answer_is_not_waited_for_and_joins_later(make, told, monkeypatch):
    """Neither when it is to join, nor when it is to leave."""
    monkeypatch.setattr("benchmark.running.cluster.members._ANSWER_SECONDS", 0.2)
    client, members = make(a=facts("1"), b=facts("2"))
    awake, answer = threading.Event(), client.run

    def asleep(function, *given, workers, on_error):
        if workers == ["b"]:
            assert awake.wait(60)
        return answer(function, *given, workers=workers, on_error=on_error)

    client.run = asleep
    members.wait()
    assert members.addresses() == ["a"]
    assert told[0] == "Worker b has not answered yet; it joins when it does."
    members.look(at_once=True)
    assert len(told) == 2  # it is told once
    awake.set()
    while members.addresses() != ["a", "b"]:
        members.look(at_once=True)
    awake.clear()
    members.leave()
    assert ("leave", "a") in client.asked
    awake.set()


def test_a_run_that_is_interrupted_before_its_first_task_leaves_nothing_behind(tmp_path):
    """Workers had been sent arrays, and kept them for ten minutes."""
    client = Client(a=facts("1"), b=facts("2"), c=facts("3"))
    client.answers["c"] = there.Answer("it has numpy 1.0 (here 2.2)")

    def interrupted(*_given, **_options):
        raise KeyboardInterrupt

    client.scatter = interrupted
    job = SimpleNamespace(networks=(), pending=())
    folder = SimpleNamespace(
        path=tmp_path,
        running_path=tmp_path,
        write_file=lambda path, text: Path(path).write_text(text),
    )
    console = SimpleNamespace(tell=lambda _text: None)
    with pytest.raises(KeyboardInterrupt):
        open_engine(client, job, folder, console, ({}, {"0.npy": np.zeros((3, 2))}))
    assert sorted(asked for asked in client.asked if asked[0] == "leave") == [
        ("leave", "a"), ("leave", "b"),
    ]  # fmt: skip


def test_an_invitation_that_is_answered_when_the_run_has_ended_leaves_nothing(
    monkeypatch, tmp_path
):
    invitation = replace(INVITATION, run="ended")
    monkeypatch.setattr(there, "_problem", lambda _invitation: "")
    assert there._join(invitation, tmp_path) == there.Answer()
    assert list(tmp_path.glob("*"))
    there._leave("ended")
    assert there._join(invitation, tmp_path) == there.Answer("the run has ended")
    assert not list(tmp_path.glob("*"))


def test_a_scheduler_that_is_gone_ends_the_run_in_a_sentence(make):
    client, members = make()
    client.scheduler_info = lambda n_workers: {}  # of a client that has given up
    client.status, client.scheduler = "closed", None
    with pytest.raises(BenchmarkError, match="the scheduler at tcp://s:1 answers no more"):
        members.wait()


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("", "a: it lacks this package or a part of it (No module named 'benchmark')"),
        ("2.7.18", f"a: it has python 2.7.18 (here {platform.python_version()})"),
    ],
)
def test_a_cluster_of_which_nobody_can_take_part_ends_the_run(make, python, said):
    client, members = make(a=facts("1"))
    client.answers["a"], client.python = ImportError("No module named 'benchmark'"), python
    with pytest.raises(BenchmarkError) as raised:
        members.wait()
    assert str(raised.value) == (
        f"no worker of the cluster can take part in this run: {said}. Start it anew with the "
        "Python, versions and source files of this machine, and give the same run command again."
    )


def test_runs_with_the_same_tasks_have_keys_of_their_own_on_a_cluster(make):
    """A scheduler does what has the same key once, and one of the runs would go without."""
    keys = []
    for run in ("one", "other"):
        client, members = make(a=facts("1"))
        members.invitation = replace(INVITATION, run=run)
        members.wait()
        ours = ClusterEngine(members, lambda task: False, False, Path("running"))
        assert ours.submit(TASKS["base"], b"work")
        keys.append(client.submitted[0].options["key"])
    assert len(set(keys)) == 2


@pytest.fixture
def engine(make):
    """An engine with three workers, one of which has a GPU."""
    _, members = make(a=facts("1"), b=facts("2", 1, gpu=1), c=facts("3"))
    members.wait()
    return ClusterEngine(members, lambda task: task.model == "net", True, Path("running"))


def submit(engine, name="base"):
    engine.submit(TASKS[name], b"")
    return engine._members.client.submitted[-1]


def test_networks_ask_for_a_gpu_and_have_room_of_their_own(engine):
    first, network = submit(engine), submit(engine, "net")
    assert network.options["workers"] == ["b"]
    assert network.options["resources"] == {"GPU": 1}
    assert network.options["priority"] > first.options["priority"]
    assert (engine.has_room(TASKS["net"]), engine.has_room(TASKS["base"])) == (False, True)
    assert first.options["workers"] == ["a"]  # alone, it can end one worker only
    assert submit(engine).options["workers"] == ["a", "b", "c"]
    for _ in range(8):
        submit(engine)
    assert not engine.has_room(TASKS["base"])


def test_what_became_of_a_task_is_told(engine):
    task = TASKS["base"]
    done = Done(task, Outcome(task))
    submit(engine).comes_back(done)
    assert list(engine.finished()) == [done]
    killed = distributed.KilledWorker(
        "key", SimpleNamespace(address="tcp://a:1", name="a"), allowed_failures=3
    )
    for error, taken, tries in [
        (killed, True, 2), (ValueError("no"), True, 1), (CancelledError("gone"), False, 4),
        (there.NotJoinedError("c"), False, 4),
    ]:  # fmt: skip
        submit(engine).comes_back(error)
        (found,) = engine.finished()
        assert isinstance(found.found, Died)
        assert (found.found.taken, found.found.tries) == (taken, tries)
    assert engine._members.client.asked[-1] == ("join", "c")
    assert not engine.is_busy()


def test_a_task_goes_elsewhere_when_all_that_it_was_given_to_are_lost(engine):
    submit(engine, "net")
    client, members = engine._members.client, engine._members
    del client.workers["a"], client.workers["b"]
    members.look(at_once=True)
    (found,) = engine.finished()
    assert (found.task.model, found.found.tries) == ("net", 4)
    assert client.submitted[-1].cancelled
    submit(engine)
    members.client.status = "closed"
    with pytest.raises(BenchmarkError, match="the scheduler at tcp://s:1 answers no more; what"):
        list(engine.finished())
