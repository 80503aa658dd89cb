"""What `--scheduler` takes, and what is said where nothing answers."""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from benchmark.errors import UsageError
from benchmark.running.cluster import connecting
from benchmark.running.cluster.connecting import check_scheduler, connected

pytest.importorskip("distributed")


@pytest.mark.parametrize(
    "scheduler",
    [None, "local", "tcp://127.0.0.1:8786", "host:8786", "tls://a.b:1", "tcp://[::1]:9"],
)
def test_addresses_are_taken(scheduler):
    check_scheduler(scheduler)


def test_so_is_the_file_of_a_scheduler(tmp_path):
    (tmp_path / "scheduler.json").write_text("{}")
    check_scheduler(tmp_path / "scheduler.json")


@pytest.mark.parametrize("scheduler", ["here", "tcp://host", "host:port", "http://x:1", "no.json"])
def test_what_is_no_address_is_refused(command, small, scheduler):
    done = command("run", "AA-kNN", "--dataset", small, "--scheduler", scheduler)
    assert done.returncode == 2
    assert "--scheduler takes local, an address such as tcp://host:8786, or a" in done.stderr


def test_an_absent_library_is_told_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'ldl-benchmark\[cluster\]'"):
        check_scheduler("local")


def test_an_address_where_nothing_answers_is_told(monkeypatch):
    monkeypatch.setattr(connecting, "_CONNECT_SECONDS", 0.3)
    with (
        pytest.raises(UsageError, match=r"no scheduler answers at tcp://127.0.0.1:9: is it"),
        connected("tcp://127.0.0.1:9", 1),
    ):
        pass


_HTTP = b"HTTP/1.0 404 Not Found\r\n\r\n"


def _talk(listener, answer):
    taken = []
    with suppress(OSError):
        while True:
            taken.append(listener.accept()[0])
            taken[-1].sendall(answer)


# Tornado leaves the socket of web sockets that fail to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("scheme", "answer"),
    [("tcp", b""), ("tcp", b"SSH-2.0-x\r\n"), ("tcp", _HTTP), ("ws", b""), ("ws", _HTTP)],
)
def test_another_server_that_takes_the_connection_is_no_scheduler(monkeypatch, scheme, answer):
    """A client of Dask's would wait for its first word for ever."""
    monkeypatch.setattr(connecting, "_CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(connecting, "_ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_talk, args=(listener, answer), daemon=True).start()
        address = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        with (
            pytest.raises(UsageError, match=f"no scheduler answers at {address}: is it running"),
            connected(address, 1),
        ):
            pass
    gc.collect()


@pytest.mark.parametrize("content", ["", "an address", "{}", "[1]", "null"])
def test_a_file_that_no_scheduler_has_written_is_told(tmp_path, content):
    path = tmp_path / "scheduler.json"
    path.write_text(content)
    with (
        pytest.raises(UsageError, match=r"scheduler\.json is no file that a sch"),
        connected(path, 1),
    ):
        pass


def test_the_file_of_a_scheduler_is_as_good_as_its_address(tmp_path, scheduler):
    path = tmp_path / "scheduler.json"
    path.write_text(json.dumps(scheduler.scheduler_info))
    with connected(str(path), 1) as client:
        assert client.scheduler.address == scheduler.scheduler_address


def test_workers_of_this_machine_that_end_are_started_anew_or_the_run_ends(tmp_path, monkeypatch):
    """Else it would wait for workers for ever. What their trackers leave that were killed goes."""
    monkeypatch.setattr(connecting, "_MEMORY", tmp_path)
    closed, starts = threading.Event(), tmp_path / "starts"
    cluster = SimpleNamespace(close=lambda _seconds: closed.set())
    command = [sys.executable, "-S", "-c", f"open({str(starts)!r}, 'a').write('x')"]
    workers = connecting._Workers(command, dict(os.environ), cluster)
    assert closed.wait(100)
    assert starts.read_text() == "x" * connecting._MOST_STARTS
    left = [tmp_path / f"sem.loky-{number}-abc" for number in (workers._numbers[0], 1)]
    for path in left:
        path.write_text("")
    workers.end()
    assert [path.exists() for path in left] == [False, True]


def test_folders_of_workers_that_died_go_with_the_run(tmp_path, monkeypatch):
    from distributed.diskutils import WorkSpace

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    space = tmp_path / "dask-scratch-space"
    alive = WorkSpace(str(space)).new_work_dir(prefix="worker-")
    dead = space / "worker-dead"
    dead.mkdir()
    (dead / "data").write_text("of a task")
    dead.with_suffix(".dirlock").write_text("")
    connecting._remove_left()
    assert [str(path) for path in space.glob("worker-*") if path.is_dir()] == [alive.dir_path]
    alive.release()
