"""The run folder: what is written is read again, damage is told, nothing of others is touched."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from benchmark.datasets.base import Labelled, make_dataset
from benchmark.errors import BenchmarkError, UsageError
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Plan, make_truth
from benchmark.planning.tasks import Outcome
from benchmark.store.run_folder import DERIVED, FIGURES, SO_FAR, RunFolder
from features.storage.files import DamagedFileError


@pytest.fixture
def plan(problem):
    X, D = problem
    names = ("joy", "情感", "c", "d")
    data = make_dataset(
        "d/1", X, D, names, latent=D[::-1], sigma=0.25, source="a file", notes=["one", "two"]
    )
    model = {
        "model": "AA-kNN",
        "target": "t",
        "source": "",
        "result_version": 1,
        "params": {"k": 4},
    }
    truth = make_truth(data, stratified_folds(D, 3))
    return Plan("paper", 7, {"d/1": truth}, {"row": model}, {"d/1": {"row": "key"}})


def test_a_plan_is_read_as_it_was_written(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_plan(plan, {"command": "a command"})
    found = folder.read_plan()
    assert (found.protocol, found.seed) == (plan.protocol, plan.seed)
    assert (found.models, found.inputs) == (plan.models, plan.inputs)
    assert found.tasks == plan.tasks
    truth, stored = plan.truths["d/1"], found.truths["d/1"]
    for attribute in fields(Labelled):
        one, two = (getattr(each, attribute.name) for each in (truth, stored))
        assert np.array_equal(one, two) if attribute.name in ("D", "latent") else one == two
    assert stored.fingerprint == truth.fingerprint
    assert np.array_equal(stored.folds.assignment, truth.folds.assignment)
    assert stored.folds.notes == truth.folds.notes
    assert folder.read_about()["command"] == "a command"


def test_a_result_is_its_tasks_alone(plan, tmp_path):
    folder = RunFolder(tmp_path)
    first, second, _ = plan.tasks
    assert folder.read_result(first) is None
    predictions = np.full((20, 4), 0.25)
    folder.write_outcome(Outcome(first, predictions, 1.5, 0.5, {"n_iter": 3}), {"numpy": "1"})
    stored = folder.read_result(first)
    assert np.array_equal(stored.predictions, predictions)
    assert stored.record["n_iter"] == 3
    assert (stored.record["fit_seconds"], stored.record["versions"]) == (1.5, {"numpy": "1"})
    (tmp_path / first.path).rename(tmp_path / second.path)
    with pytest.raises(DamagedFileError, match="holds the result of another task"):
        folder.read_result(second)
    folder.remove_results(plan.tasks)
    assert folder.read_result(second) is None


def test_checkpoints_go_with_their_empty_folders(plan, tmp_path):
    folder = RunFolder(tmp_path)
    one, other, _ = plan.tasks
    for task in (one, other):
        folder.checkpoints(task).mkdir(parents=True)
    folder.remove_checkpoints(one)
    assert folder.checkpoints(other).exists()
    folder.remove_checkpoints(other)
    assert not (tmp_path / "checkpoints").exists()


def test_failures_are_kept_and_their_loss_is_no_error(plan, tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_failures() == []
    folder.write_failures([Outcome(plan.tasks[1], error="no luck", trace="Traceback ...")])
    (failure,) = folder.read_failures()
    assert (failure["model"], failure["fold"], failure["error"]) == ("row", 1, "no luck")
    (tmp_path / "failures.json").write_text("{}")
    assert folder.read_failures() == []


def test_tables_of_an_earlier_run_go_and_the_rest_stays(tmp_path):
    folder = RunFolder(tmp_path)
    for name in (*DERIVED, "notes.txt", f"{FIGURES}/a.svg", f"{SO_FAR}/table3.csv"):
        folder.write_file(name, "old")
    folder.remove_derived()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_missing_or_damaged_is_told(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(UsageError, match="holds no run"):
        folder.read_plan()
    folder.write_plan(plan, {})
    with pytest.raises(UsageError, match="its tables would be overwritten"):
        folder.make_for_outputs()
    (data,) = (folder.path / "data").iterdir()
    data.rename(tmp_path / "elsewhere.npz")
    with pytest.raises(BenchmarkError, match="is missing; give the same run command again"):
        folder.read_plan()
    data.write_bytes(b"no archive")
    with pytest.raises(BenchmarkError, match="is damaged"):
        folder.read_plan()


def test_what_finished_tasks_left_is_removed_and_nothing_else(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    done, pending = plan.tasks[:2]
    for task in (done, pending):
        folder.checkpoints(task).mkdir(parents=True)
        (folder.checkpoints(task) / "checkpoint.npz").touch()
    folder.remove_left_checkpoints([done])
    assert not folder.checkpoints(done).exists()
    assert (folder.checkpoints(pending) / "checkpoint.npz").exists()
    folder.remove_left_checkpoints([done, pending])
    assert not (tmp_path / "run" / "checkpoints").exists()
    folder.remove_left_checkpoints([done])
