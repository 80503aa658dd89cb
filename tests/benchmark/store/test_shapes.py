"""Files of a run folder that a hand has changed, with a right checksum, end in a sentence."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

import numpy as np
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.errors import BenchmarkError
from benchmark.planning.folds import Folds, stratified_folds
from benchmark.planning.plan import Plan, make_truth
from benchmark.planning.tasks import Outcome
from benchmark.store import shapes
from benchmark.store.run_folder import RunFolder
from features.storage.files import (
    DamagedFileError,
    read_arrays,
    read_json,
    write_arrays,
    write_json,
)


@pytest.fixture
def truth(problem):
    X, D = problem
    return make_truth(make_dataset("data", X, D, latent=D), stratified_folds(D, 3))


@pytest.fixture
def folder(truth, tmp_path):
    """A run folder with one model and one result."""
    model = {"model": "AA-kNN", "target": "", "source": "", "result_version": 1, "params": {}}
    plan = Plan("paper", 0, {"data": truth}, {"row": model}, {"data": {"row": "key"}})
    folder = RunFolder(tmp_path / "run")
    folder.write_plan(plan, {"command": "a command", "machine": {"cores": 1}})
    folder.write_outcome(Outcome(plan.tasks[0], np.full((20, 4), 0.25), 1.0, 1.0), {"numpy": "1"})
    return folder


def places(value, place=()):
    """Every place in a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*place, key))


def test_any_value_of_run_json_may_be_of_another_kind(folder):
    """Each value in turn becomes another: the plan is read, or a sentence names the file."""
    path = folder.path / "run.json"
    content = read_json(path)
    said = []
    for place in places(content):
        for other in (None, [], {}, "x", -1, 10**400, 1.5, True):
            changed = copy.deepcopy(content)
            target = changed
            for key in place[:-1]:
                target = target[key]
            target[place[-1]] = other
            write_json(path, changed)
            try:
                _ = folder.read_plan().tasks
                folder.read_about()
            except BenchmarkError as error:
                said.append(str(error))
    assert len(said) > 100
    assert all("run.json" in sentence or "data" in sentence for sentence in said)


@pytest.mark.parametrize("key", ["protocol", "seed", "datasets", "models"])
def test_run_json_without_a_key_is_told(folder, key):
    path = folder.path / "run.json"
    content = read_json(path)
    del content[key]
    write_json(path, content)
    with pytest.raises(BenchmarkError, match=rf"run\.json is damaged: it has no {key}; give the"):
        folder.read_plan()


def test_the_values_of_run_json_must_make_sense(folder):
    content = read_json(folder.path / "run.json")
    (dataset,) = content["datasets"]
    assert shapes.check_run(content) == ""
    assert "negative" in shapes.check_run({**content, "seed": -1})
    assert "same name" in shapes.check_run({**content, "datasets": [dataset, dataset]})
    assert "no models" in shapes.check_run({**content, "models": [], "datasets": [dataset]})
    other = {**dataset, "inputs": {"nobody": ""}}
    assert "nobody" in shapes.check_run({**content, "datasets": [other]})
    assert shapes.check_run({**content, "datasets": [{**dataset, "split": "groups"}]}) == ""
    assert "none of rows" in shapes.check_run({**content, "datasets": [{**dataset, "split": "x"}]})


def test_a_truth_must_fit_together(truth):
    def said(**changes):
        return shapes.check_truth(replace(truth, **changes))

    assert said() == ""
    assert "ids" in said(ids=truth.ids[1:])
    assert "labels" in said(label_names=truth.label_names[1:])
    assert "latent" in said(latent=truth.D[1:])
    assert "finite" in said(D=np.full_like(truth.D, np.nan))
    assert "finite" in said(D=truth.D.astype(str))
    assert "finite" in said(D=truth.D[0])
    assert "sum to 1" in said(D=truth.D / 2)
    for folds in (truth.folds.assignment[1:], np.zeros_like(truth.folds.assignment)):
        assert "folds" in said(folds=Folds(folds))
    assert "folds" in said(folds=Folds(truth.folds.assignment - 1))
    assert "folds" in said(folds=Folds(truth.folds.assignment * 1.0))
    one = np.where(truth.folds.assignment == 0, 0, -1)
    assert said(folds=Folds(one, kind="hold-out")) == ""
    assert "tests no row" in said(folds=Folds(one - 1, kind="hold-out"))
    assert "tests no row" in said(folds=Folds(np.where(one < 0, -1, 1), kind="given"))
    assert "no row to learn" in said(folds=Folds(np.zeros_like(one), kind="given"))


def test_a_truth_without_an_array_is_told(folder):
    path = folder.path / "data" / "data.npz"
    arrays = read_arrays(path)
    for name in arrays.keys() - {"latent"}:
        write_arrays(path, {other: array for other, array in arrays.items() if other != name})
        with pytest.raises(
            BenchmarkError, match=re.escape(f"data.npz is damaged: it has no {name}")
        ):
            folder.read_plan()


@pytest.mark.parametrize(
    "change",
    [
        {"record": np.array("[]")},
        {"record": np.array("{}")},
        {"record": np.array("{" * 10_000)},
        {"record": np.array('{"key": 1}')},
        {"predictions": np.full((20, 4), np.nan)},
        {"predictions": np.full((19, 4), 0.25)},
        {"predictions": np.full((20, 4), "0.25")},
        {"predictions": np.full((20, 4), 0.3)},
        {"predictions": np.array([[1.5, -0.5, 0, 0]] * 20)},
        {
            "record": np.array(
                '{"key": "k", "fit_seconds": 1%s, "predict_seconds": 1, "versions": {}}'
                % ("0" * 400)
            )
        },
    ],
)
def test_a_result_with_another_content_is_told(folder, change):
    plan = folder.read_plan()
    task, truth = plan.tasks[0], plan.truths["data"]
    assert folder.read_result(task, truth) is not None
    path = folder.path / task.path
    write_arrays(path, {**read_arrays(path), **change})
    with pytest.raises(DamagedFileError, match="is damaged: its"):
        folder.read_result(task, truth)


def test_failures_of_another_shape_are_as_if_lost(folder):
    entry = {"dataset": "d", "model": "m", "repeat": 0, "fold": 0, "error": "e", "trace": "t"}
    for good, failures in ((True, [entry]), (False, [{**entry, "error": None}]), (False, "x")):
        write_json(folder.path / "failures.json", {"failures": failures})
        assert folder.read_failures() == (failures if good else [])
