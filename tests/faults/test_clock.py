"""A clock that is put forward and back changes nothing that a run computes."""

from __future__ import annotations

import ast
import itertools
import time
from pathlib import Path

from benchmark import run
from benchmark.datasets import make_dataset

ROOT = Path(__file__).resolve().parents[2]
DAY = 86400.0

#: What may ask for the time of day: how old another machine's unfinished file is.
ASKS = {"features/storage/files.py"}


def test_nothing_is_timed_by_a_clock_that_is_set():
    """Durations are differences of clocks that only go forward."""
    found = set()
    for package in ("baselines", "benchmark", "ewmtcnn", "features"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = {getattr(node, "attr", ""), getattr(node, "name", "")}
                of = getattr(getattr(node, "value", None), "id", "")
                if (of == "time" and "time" in names) or names & {"utcnow", "fromtimestamp"}:
                    found.add(str(path.relative_to(ROOT)))
    assert found == ASKS


def test_a_run_whose_clock_jumps(problem, tmp_path, monkeypatch):
    data = make_dataset("data", *problem)

    def scores(out):
        run(["AA-kNN", "PT-Bayes"], datasets=data, folds=2, jobs=1, out=out, report=False)
        return (out / "scores.csv").read_bytes()

    expected = scores(tmp_path / "calm")
    real, jumps = time.time, itertools.cycle([0, DAY, -DAY, 400 * DAY])
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    assert scores(tmp_path / "jumping") == expected
    assert scores(tmp_path / "jumping") == expected  # of what is stored
