"""Identical runs on one folder share the work, whatever becomes of some of them."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

import benchmark

# Each fit tells its run and seed, and waits until the test lets it go on.
SLOW = """
import os, time
from pathlib import Path
import numpy as np
from baselines import LDLEstimator
from benchmark import register


class Told(LDLEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def _fit(self, X, D):
        with Path({fits!r}).open("a") as file:
            file.write(f"{{os.getppid()}} {{type(self).__name__}} {{self.random_state}}\\n")
        while not Path({go!r}).exists():
            time.sleep(0.02)
        self.row_ = np.random.default_rng(self.random_state).dirichlet(np.ones(D.shape[1]))

    def _predict(self, X):
        return np.tile(self.row_, (len(X), 1))


@register("Slow")
class Slow(Told):
    "Predict a random distribution, slowly."


@register("Fails")
class Fails(Told):
    "Fail, slowly."

    def _fit(self, X, D):
        super()._fit(X, D)
        raise ValueError("no luck")
"""

SAME = ("scores.csv", "table3.csv", "table3.tex", "table3.md", "pairs.csv", "intervals.csv",
        "failures.json", "folds/small.csv")  # fmt: skip


@pytest.fixture
def shared(small, tmp_path, monkeypatch, clean_registry):
    """Start the same run again and again, each in a process of its own."""
    monkeypatch.chdir(tmp_path)
    fits, go = tmp_path / "fits", tmp_path / "go"
    (tmp_path / "slow.py").write_text(SLOW.format(fits=str(fits), go=str(go)))
    started = []

    def run(out, **further):
        return benchmark.run(
            ["Slow", "Fails", "AA-kNN"], datasets=str(small), plugins="slow.py", folds=2,
            repeats=2, out=out, jobs=1, report=False, **further,
        )  # fmt: skip

    def start():
        number = os.fork()
        if number == 0:
            try:
                with Path(f"told{len(started)}").open("w") as file:
                    try:
                        run("out", tell=lambda text: print(text, file=file, flush=True))
                    except benchmark.BenchmarkError as error:
                        print(error, file=file, flush=True)
                os._exit(0)
            finally:
                os._exit(1)
        started.append(number)
        return number

    run.start, run.fits, run.go = start, fits, go
    yield run
    for number in started:
        try:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
        except OSError:
            pass


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def wait_until(true):
    for _ in range(4_000):
        if true():
            return
        time.sleep(0.03)
    told = [path.read_text() for path in sorted(Path().glob("told*"))]
    raise AssertionError(f"nothing happened in two minutes: {told}")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_four_runs_of_which_one_is_killed_and_one_interrupted(shared, command, caplog):
    shared.go.touch()
    calm = shared("calm")
    once = Counter(line.split(maxsplit=1)[1] for line in lines(shared.fits))
    assert (len(once), set(once.values())) == (8, {1})
    shared.go.unlink()
    shared.fits.unlink()

    runs = [shared.start() for _ in range(4)]
    wait_until(lambda: len(lines(shared.fits)) == 4)
    at_work = dict(line.split(maxsplit=1) for line in lines(shared.fits))
    assert set(at_work) == {str(number) for number in runs}
    assert len(set(at_work.values())) == 4  # each has a task of its own

    done = command("table", "3", "--out", "out")
    stored = len(list(Path("out/tasks").rglob("*.npz")))
    far = f"4 runs are at work in out: {stored} of 12 tasks so far"
    assert f"{far}; files go to out/so-far" in caplog.text
    assert far in done.stdout
    assert "log.txt tells" not in done.stdout
    assert Path("out/so-far/table3.csv").exists()
    assert not Path("out/table3.csv").exists()
    for asked, said in (
        ({"force": True}, "--force would delete"),
        ({"seed": 1}, "seed 1 here, 0 there"),
    ):
        with pytest.raises(benchmark.UsageError, match="another run is at work") as caught:
            shared("out", **asked)
        assert said in str(caught.value)

    os.kill(runs[0], signal.SIGKILL)
    os.kill(runs[1], signal.SIGINT)
    ended = [os.waitpid(number, 0)[1] for number in runs[:2]]
    assert ended == [signal.SIGKILL, 0]
    assert "interrupted: " in Path("told1").read_text()
    shared.go.touch()
    assert [os.waitpid(number, 0)[1] for number in runs[2:]] == [0, 0]

    found = Counter(line.split(maxsplit=1)[1] for line in lines(shared.fits))
    lost = Counter(at_work[str(number)] for number in runs[:2])
    assert found == once + lost
    for name in SAME:
        assert Path("out", name).read_bytes() == Path("calm", name).read_bytes(), name
    assert [str(one.task) for one in calm.failures] == [
        f"Fails on small, repeat {repeat}, fold {fold}" for repeat in (0, 1) for fold in (0, 1)
    ]
    assert not {path.name for path in Path("out").iterdir()} & {"running", "so-far", "checkpoints"}
    assert not list(Path("out").rglob(".partial-*"))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_without_locks_runs_may_do_the_same_and_end_alike(shared, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", no_locks)
        runs = [shared.start() for _ in range(2)]
    wait_until(lambda: len(lines(shared.fits)) == 2)
    assert len({line.split(maxsplit=1)[1] for line in lines(shared.fits)}) == 1
    shared.go.touch()
    assert [os.waitpid(number, 0)[1] for number in runs] == [0, 0]
    for number in range(2):
        told = Path(f"told{number}").read_text()
        assert told.count("locks do not work in out (No locks available)") == 1
    shared("calm")
    for name in SAME:
        assert Path("out", name).read_bytes() == Path("calm", name).read_bytes(), name
    assert not list(Path("out").rglob(".partial-*"))
