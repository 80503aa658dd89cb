"""What lies on a read-only disk is read as from any other, and nothing is written beside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from read_only_disk import read_only

import benchmark
from benchmark.datasets import make_dataset
from benchmark.store.entering import enter
from benchmark.store.run_folder import RunFolder


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def finished(command, tmp_path, problem):
    """A finished run in the folder ``run``."""
    data = make_dataset("Emotion6", *problem)
    benchmark.run(["AA-kNN", "PT-Bayes"], datasets=data, folds=2, out="run", report=False, jobs=1)
    (tmp_path / "run" / "figures").mkdir()
    return tmp_path / "run"


def test_a_finished_run_is_shown_elsewhere(finished, command):
    (finished / ".lock").unlink(missing_ok=True)  # as on a CD
    before = content(finished)
    with read_only(finished):
        for arguments in (
            ("table", "3"),
            ("table", "4"),
            ("table", "tests"),
            ("report",),
            ("figure", "boxes", "--format", "svg"),
            ("compare",),
        ):
            done = command(*arguments, "--out", finished, "--to", "elsewhere")
            assert (done.returncode, done.stderr) == (0, "")
        assert benchmark.table(finished, to="python").complete
    assert content(finished) == before
    written = {path.name for path in Path("elsewhere").rglob("*") if path.is_file()}
    assert any(name.endswith(".svg") for name in written)
    assert {"table3.md", "table4.tex", "tests.csv", "report.html", "claims.csv"} <= (written)


def test_a_table_is_printed_where_its_files_cannot_be_written(finished, command, caplog):
    expected = command("table", "3", "--out", finished, "--to", "elsewhere").stdout
    with read_only(finished):
        for arguments in (("table", "3"), ("table", "4"), ("table", "tests"), ("compare",)):
            caplog.clear()
            done = command(*arguments, "--out", finished)
            assert done.returncode == 0
            assert "AA-kNN" in done.stdout
            assert "Written" not in done.stdout
            assert "Tables and scores are in" not in done.stdout
            assert [message for message in caplog.messages if "--to" in message]
            if arguments == ("table", "3"):
                assert expected.startswith(done.stdout)
        for arguments in (("report",), ("figure", "boxes")):
            done = command(*arguments, "--out", finished)
            assert done.returncode == 2
            assert f"nothing can be written to {finished}" in done.stderr
            assert "--to" in done.stderr


def test_a_run_cannot_go_on_there(finished, command, small):
    with read_only(finished):
        done = command("run", "AA-kNN", "--dataset", small, "--folds", 2, "--out", finished)
    assert done.returncode == 2
    assert "cannot write to" in done.stderr


def test_a_run_at_work_is_seen_without_writing(finished, command, caplog):
    folder = RunFolder(finished)
    with enter(folder, folder.read_plan(), (), False, print) as session:
        session.open_door()
        with read_only(finished):
            done = command("table", "3", "--out", finished, "--to", "elsewhere")
    assert done.returncode == 0
    assert f"a run (process {os.getpid()} on " in done.stdout
    assert f"is at work in {finished}: 4 of 4 tasks so far" in caplog.text


@pytest.mark.slow
def test_a_complete_cache_serves_runs(command, keras_once, tmp_path):
    arguments = ("run", "AA-kNN", "--dataset", "synthetic:20", "--cache-dir", "cache")
    assert command(*arguments, "--folds", 2, "--out", "one").returncode == 0
    before = content(tmp_path / "cache")
    with read_only(tmp_path / "cache"):
        done = command(*arguments, "--folds", 2, "--out", "two")
        assert done.returncode == 0, done.stderr
        assert Path("one/scores.csv").read_bytes() == Path("two/scores.csv").read_bytes()
        done = command(*arguments, "--folds", 3, "--out", "three")  # other components
        assert done.returncode == 0, done.stderr
    assert content(tmp_path / "cache") == before


def test_merged_runs_are_shown_where_nothing_can_be_written(finished, command, problem, caplog):
    X, D = problem
    other = make_dataset("other", X + 1, np.roll(D, 1, axis=0))
    benchmark.run(["AA-kNN"], datasets=other, folds=2, out="other", report=False, jobs=1)
    with read_only(Path.cwd()):
        done = command("table", "4", "--out", finished, "--out", "other")
    assert done.returncode == 0
    assert "other" in done.stdout
    assert any("results/merged" in message for message in caplog.messages)
