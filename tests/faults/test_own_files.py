"""Damaged files of our own: each reads as before, or one sentence names it.

All carry a checksum, so that nothing wrong may come of them in silence.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from damage import damaged

from benchmark import run, table
from benchmark.datasets.base import make_dataset
from benchmark.errors import BenchmarkError
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Plan, make_truth
from benchmark.planning.tasks import Outcome
from benchmark.store.run_folder import RunFolder
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import DamagedFileError, array_key, read_json, write_json

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
