"""A plugin whose code ends, crashes or hangs a process costs a worker, and is told.

Tests `benchmark.plugins.undisturbed` too.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.plugins.contract import check_plugin
from benchmark.plugins.registry import load_plugin, models
from benchmark.running import trial, workers
from benchmark.running.trial import check_apart, load_tried_plugin

GOOD = """
def _fit(self, X, D):
    self.row_ = D.mean(axis=0)

def _predict(self, X):
    return np.tile(self.row_, (len(X), 1))
"""
ENDS = {
    "import os; os._exit(0)": "its code, or a library that it uses, ended its process",
    "import ctypes; ctypes.string_at(0)": "(SIGSEGV)",
    "import os; os.closerange(0, 256)": "it closed the descriptors of its process",
}


@pytest.fixture
def with_code(plugin):
    """Write a plugin that runs some code when it is loaded."""

    def write(code):
        path = plugin(GOOD)
        path.write_text(f"{path.read_text()}\n{code}\n")
        return path

    return write


@pytest.mark.parametrize("code", ENDS)
def test_a_plugin_that_ends_a_process_is_refused(with_code, code):
    path = with_code(code)
    with pytest.raises(UsageError) as caught:
        load_tried_plugin(path)
    assert str(caught.value).startswith(f"plugin {path} cannot be loaded: ")
    assert ENDS[code] in str(caught.value)
    assert "Mine" not in models()
    (problem,) = check_apart(path)
    assert ENDS[code] in problem


def test_a_plugin_that_does_not_come_to_an_end_is_refused(with_code, monkeypatch):
    path = with_code("import time; time.sleep(3600)")
    monkeypatch.setattr(trial, "_SECONDS", 0.2)
    monkeypatch.setattr(trial._load_there, "__module__", "__main__")  # so that its limit is sent
    with pytest.raises(UsageError, match="ignored the time limit"):
        load_tried_plugin(path)


def test_a_process_that_is_killed_from_outside_costs_no_plugin(with_code, tmp_path):
    killed = tmp_path / "killed"
    kill = f"""
import os, pathlib
if not pathlib.Path({str(killed)!r}).exists():
    pathlib.Path({str(killed)!r}).touch()
    os.kill(os.getpid(), 9)
"""
    assert load_tried_plugin(with_code(kill)) == ["Mine"]
    assert killed.exists()


def test_mistakes_are_told_as_ever(with_code, tmp_path):
    with pytest.raises(UsageError, match="cannot be loaded: line 14: ZeroDivisionError"):
        load_tried_plugin(with_code("1 / 0"))
    with pytest.raises(UsageError, match="no such plugin file"):
        load_tried_plugin(tmp_path / "none.py")
    with pytest.raises(UsageError, match="no such plugin file"):
        check_apart(tmp_path / "none.py")


def test_a_check_says_what_it_says_in_this_process(with_code, plugin):
    assert check_apart(with_code("")) == []
    path = plugin("pass")
    assert check_apart(path) == check_plugin(path) != []


DISTURBS = """
import os, signal, sys, threading, warnings
print("loaded")
sys.stdout = sys.stderr = None
sys.excepthook = sys.unraisablehook = threading.excepthook = print
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.chdir("/")
np.seterr(all="raise")
warnings.simplefilter("error")
"""


def test_loading_changes_nothing_that_is_shared(with_code, capsys):
    def state():
        return (
            (sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook, threading.excepthook),
            (signal.getsignal(signal.SIGTERM), Path.cwd(), np.geterr()),
        )

    before = state()
    load_plugin(with_code(DISTURBS))
    assert state() == before
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "loaded\n")


def test_what_loading_prints_is_shown_once(with_code, capsys):
    load_tried_plugin(with_code("print('loaded')"))
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "loaded\n")


def test_what_a_plugin_keeps_of_the_streams_works_later(with_code, capfd):
    """As the handler of ``logging.basicConfig()``, through which the run's own words go."""
    path = with_code(
        "import logging, sys, faulthandler; faulthandler.enable(); print('hello')\n"
        "kept = logging.getLogger('of a plugin'); kept.propagate = False\n"
        "kept.addHandler(logging.StreamHandler())"
    )
    load_tried_plugin(path)
    logging.getLogger("of a plugin").warning("said later")
    told = capfd.readouterr()
    assert told.err.count("hello") == 1  # what the worker printed
    assert "said later" in told.err
    assert "Logging error" not in told.err


def test_threads_that_load_plugins_leave_the_streams_alone(with_code):
    path = with_code("import time; time.sleep(0.2)")
    before = sys.stdout, sys.stderr
    threads = [threading.Thread(target=load_tried_plugin, args=(path,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("how", ["killed", "waited for long"])
def test_a_process_that_is_gone_since_is_not_asked(plugin, monkeypatch, how):
    path = plugin("def _fit(self, X, D): ...\ndef _predict(self, X): ...")
    assert load_tried_plugin(path) == ["Mine"]
    worker = workers._idle[-1][0]
    if how == "killed":
        worker._process.kill()
        worker._process.wait()
    else:
        monkeypatch.setattr(workers, "_LONGEST_IDLE", 0.0)
    assert load_tried_plugin(path) == ["Mine"]
    assert worker not in [idle[0] for idle in workers._idle]
