"""Damaged files of our own: each reads as before, or one sentence names it.

All carry a checksum, so that nothing wrong may come of them in silence.
"""

from __future__ import annotations

import warnings
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from damage import cut_and_flipped, damaged

from benchmark import run, table
from benchmark.datasets.base import make_dataset
from benchmark.errors import BenchmarkError
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Plan, make_truth
from benchmark.planning.tasks import Outcome, Task
from benchmark.running.search import _Scores
from benchmark.store.pictures import keep_pictures, read_pictures
from benchmark.store.run_folder import RunFolder
from ewmtcnn.checkpoints import resume, write_checkpoint
from features.images.checking import _read_index
from features.networks import backend
from features.pca import reduce
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import DamagedFileError, array_key, read_json, write_json

#: As many seeds as `make faults` has, or more, are many.
MANY = 200

ROWS = np.arange(24.0).reshape(8, 3)


def build(folder, told=None):
    """Make or repair an array of three shards; also returns the runs of rows computed anew."""
    computed = []

    def compute(rows):
        computed.append(rows)
        yield ROWS[rows.start : rows.stop]

    plan = ArrayPlan({"what": "rows"}, len(ROWS), (3,), np.float64, rows_per_shard=3)
    return build_shards(folder, plan, compute, tell=told), computed


def test_json(tmp_path, seeds):
    path = tmp_path / "x.json"
    value = {"name": "é", "list": [1, 2.5, None, {"deep": True}]}
    write_json(path, value)
    content = path.read_bytes()
    told = []
    for seed in seeds:
        path.write_bytes(damaged(content, seed))
        try:
            assert read_json(path) == value
        except DamagedFileError as error:
            told.append(str(error))
    assert all(sentence.startswith(f"{path} is damaged: ") for sentence in told)
    assert len(told) > len(seeds) / 2


@pytest.mark.parametrize("file", ["000000.npy", "000002.npy", "manifest.json"])
def test_shards_of_the_cache(tmp_path, seeds, file):
    array, computed = build(tmp_path / "array")
    path = array.folder / file
    content = path.read_bytes()
    repaired = 0
    for seed in seeds:
        path.write_bytes(damaged(content, seed))
        array, computed = build(array.folder)
        assert np.array_equal(array[:], ROWS)
        repaired += bool(computed)
    assert repaired > len(seeds) / 2 or file == "manifest.json"


def test_results_of_tasks(tmp_path, seeds, problem):
    X, D = problem
    truth = make_truth(make_dataset("data", X, D), stratified_folds(D, 2))
    model = {"model": "m", "target": "", "source": "", "result_version": 1, "params": {}}
    plan = Plan("paper", 0, {"data": truth}, {"m": model}, {"data": {"m": ""}})
    task, folder = plan.tasks[0], RunFolder(tmp_path)
    predictions = np.random.default_rng(0).dirichlet(np.ones(4), 30)
    folder.write_outcome(Outcome(task, predictions, 1.5, 0.5), {"numpy": "2"})
    path = tmp_path / task.path
    content, record = path.read_bytes(), folder.read_result(task, truth).record
    told = []
    for seed in seeds:
        path.write_bytes(damaged(content, seed))
        try:
            found = folder.read_result(task, truth)
            assert array_key(found.predictions) == array_key(predictions)
            assert found.record == record
        except DamagedFileError as error:
            told.append(str(error))
    assert all(str(path) in sentence for sentence in told)
    assert len(told) > len(seeds) / 2


def test_a_run_folder(tmp_path, seeds, problem):
    """With one damaged file the same table is made, or a sentence names that file."""
    X, D = problem
    data = make_dataset("data", X, D)
    run(["AA-kNN", "PT-Bayes"], datasets=data, folds=2, out=tmp_path, report=False, jobs=1)
    files = [tmp_path / name for name in ("run.json", "data/data.npz", "failures.json")]
    files += sorted((tmp_path / "tasks").rglob("*.npz"))
    before = table(tmp_path).summary
    told = []
    for seed in seeds:
        path = files[seed % len(files)]
        content = path.read_bytes()
        path.write_bytes(damaged(content, seed))
        try:
            pd.testing.assert_frame_equal(table(tmp_path).summary, before)
        except BenchmarkError as error:
            told.append((path, str(error)))
        path.write_bytes(content)
    assert all(str(path) in sentence for path, sentence in told)
    assert len(told) > len(seeds) / 3


def test_components(tmp_path, seeds):
    """Damaged principal components are computed anew, and the same."""
    X = np.random.default_rng(0).normal(size=(20, 6))
    train, test = np.arange(15), np.arange(15, 20)
    whole = reduce(X, train, test, 3, cache=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    content = path.read_bytes()
    for variant in [*cut_and_flipped(content).values(), *(damaged(content, s) for s in seeds)]:
        path.write_bytes(variant)
        found = reduce(X, train, test, 3, cache=tmp_path)
        assert array_key(*found) == array_key(*whole)
        assert array_key(*reduce(X, train, test, 3, cache=tmp_path)) == array_key(*whole)


def test_checkpoints(tmp_path, seeds, monkeypatch):
    """A damaged one is told and not used."""
    monkeypatch.setattr(backend, "backend_name", lambda: "none")  # which starts it
    variables = [np.arange(6.0).reshape(2, 3), np.array(3)]
    state = [SimpleNamespace(value=v, shape=v.shape, numpy=lambda v=v: v) for v in variables]
    for variable in state:
        variable.assign = partial(setattr, variable, "value")
    path = tmp_path / "checkpoint.npz"
    write_checkpoint(SimpleNamespace(state=state), path, [0.5, 0.25])
    content, told = path.read_bytes(), 0
    for variant in [*cut_and_flipped(content).values(), *(damaged(content, s) for s in seeds)]:
        path.write_bytes(variant)
        for variable in state:
            variable.value = np.zeros(variable.shape)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            courses = resume(SimpleNamespace(state=state), path)
        told += bool(caught)
        if caught:
            assert f"{path} is damaged" in str(caught[0].message)
            assert courses == ([], [])
            assert not any(variable.value.any() for variable in state)
        else:
            assert courses == ([0.5, 0.25], [])
            for variable, value in zip(state, variables, strict=True):
                assert np.array_equal(variable.value, value)
    assert told > len(seeds) / 2


def test_what_a_run_can_do_without(tmp_path, seeds):
    """Pictures, failures, scores of tuning, the index of images: as they were, or as if absent."""
    folder = RunFolder(tmp_path)
    images = SimpleNamespace(load=lambda row, side: np.full((side, side, 3), row, np.uint8))
    data = SimpleNamespace(name="data", fingerprint="f", images=images)
    keep_pictures(folder, data, [1, 2])
    task = Task("data", "m", 0, 0, None, "0123456789abcdef" * 4)
    folder.write_failures([Outcome(task, error="no", trace="line")])
    write_json(tmp_path / "tuning-0-0.json", {"scores": [0.5], "failed": {}, "seconds": 1.0})
    write_json(tmp_path / "index.json", {"files": {"a.jpg": "key stamp"}})
    scores = SimpleNamespace(_monitor=SimpleNamespace(folder=tmp_path))
    readers = {
        "data/data-pictures.npz": lambda: read_pictures(folder, "data", "f"),
        "failures.json": folder.read_failures,
        "tuning-0-0.json": lambda: _Scores._kept(scores, "tuning-0-0.json", 1) or {},
        "index.json": lambda: _read_index(tmp_path / "index.json"),
    }
    for name, read in readers.items():
        path = tmp_path / name
        content, whole = path.read_bytes(), read()
        assert whole
        variants = [*cut_and_flipped(content).values(), *(damaged(content, s) for s in seeds)]
        for variant in variants:
            path.write_bytes(variant)
            assert read() in (whole, type(whole)()), name


def test_a_run_goes_on_with_a_damaged_folder(tmp_path, problem, seeds):
    """Whatever file is damaged, and however: the same run gives the same scores, and says so."""
    data, told = make_dataset("data", *problem), list[str]()
    again = partial(run, ["AA-kNN", "PT-Bayes"], datasets=data, folds=2, out=tmp_path, report=False,
                    jobs=1, tell=told.append)  # fmt: skip
    again()
    final = {name: (tmp_path / name).read_bytes() for name in ("scores.csv", "table3.csv")}
    files = [tmp_path / name for name in ("run.json", "data/data.npz", "failures.json",
                                          "scores.csv", ".lock")]  # fmt: skip
    results = sorted((tmp_path / "tasks").rglob("*.npz"))
    cases = [(path, how) for path in [*files, *results[:1]] for how in range(10)]
    # In the suite each file in one way, and by `make faults` in all ways.
    for path, how in cases if len(seeds) >= MANY else cases[3::11]:
        content = path.read_bytes() or b"empty"
        name, variant = list(cut_and_flipped(content).items())[how]
        path.write_bytes(variant)
        told.clear()
        again()
        where = f"{path.name} {name}"
        for other, whole in final.items():
            assert (tmp_path / other).read_bytes() == whole, where
        if path in results:
            assert any(str(path) in sentence for sentence in told), where
