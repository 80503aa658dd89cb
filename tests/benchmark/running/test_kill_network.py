"""A network killed inside a fold goes on inside it and ends as one left alone."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from victims import VARIABLE, processes

pytestmark = pytest.mark.slow

ARGUMENTS = (
    "run", "EW-MTCNN", "--dataset", "synthetic:60", "--folds", "2", "--epochs", "16", "--jobs", "1",
)  # fmt: skip


class Killer(threading.Thread):
    """Kills the worker of a run when it has written its first checkpoint, and looks on."""

    def __init__(self, out: Path, name: str) -> None:
        super().__init__(daemon=True)
        self.out, self.name_of_run = out, name
        self.killed, self.over = False, threading.Event()
        self.epochs: set[int] = set()

    def run(self) -> None:
        while not self.over.is_set():
            if self.killed:  # the fold is run again when the other is done
                for status in self.out.glob("running/**/*r0-f0-*.status"):
                    with suppress(OSError):
                        found = re.search(r"epoch (\d+)/16", status.read_text())
                        self.epochs |= {int(found[1])} if found else set()
            elif list(self.out.glob("checkpoints/**/r0-f0-*/*.npz")):
                victims = processes(self.name_of_run, os.getpid()).keys()
                for number in victims:
                    os.kill(number, signal.SIGKILL)
                while victims & processes(self.name_of_run, os.getpid()).keys():
                    time.sleep(0.01)
                for status in self.out.glob("running/**/*.status"):
                    status.unlink()  # what the killed worker has said last
                self.killed = True
            time.sleep(0.01)


@pytest.mark.thorough
def test_a_killed_fold_goes_on_inside_the_fold(command, tmp_path, monkeypatch):
    assert command(*ARGUMENTS, "--out", "calm").returncode == 0
    monkeypatch.setenv(VARIABLE, tmp_path.name)
    killer = Killer(tmp_path / "killed", tmp_path.name)
    killer.start()
    done = command(*ARGUMENTS, "--out", "killed")
    killer.over.set()
    killer.join()
    assert done.returncode == 0, done.stderr
    assert killer.killed
    assert killer.epochs
    assert min(killer.epochs) > 1
    scores = [(tmp_path / out / "scores.csv").read_bytes() for out in ("calm", "killed")]
    assert scores[0] == scores[1]
    assert not list(tmp_path.glob("*/checkpoints/**/*.npz"))
