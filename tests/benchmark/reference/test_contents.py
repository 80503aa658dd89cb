"""Reference results as files: what is written is read, and what comes with the package is whole.

Also tests `benchmark.reference.collecting`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from made_reference import stored

from benchmark.errors import BenchmarkError, UsageError
from benchmark.metrics import MEASURES
from benchmark.planning.tasks import Outcome
from benchmark.reference.collecting import collect
from benchmark.reference.contents import reference_results, write_reference
from benchmark.store.entering import enter
from benchmark.store.run_folder import RunFolder

TABLES = ("sets", "models", "cells", "environments", "measures", "collected", "scores")


@pytest.fixture
def evidence(tmp_path):
    return make_evidence(tmp_path, {"=good": 0.1, "NA": 0.4}, {"NA": 30, "b": 40}, repeats=2)


def test_what_is_written_is_read_again_to_the_last_digit(evidence, tmp_path):
    reference = collect([[stored(evidence, tmp_path / "run")]], MEASURES, print)
    write_reference(reference, tmp_path / "ref")
    again = reference_results(tmp_path / "ref")
    for table in TABLES:
        pd.testing.assert_frame_equal(
            getattr(again, table), getattr(reference, table), check_exact=True, check_dtype=False
        )
    scores = evidence.scores
    for dataset in ("NA", "b"):
        long = again.long_scores(dataset, [measure.name for measure in MEASURES])
        keys = ["dataset", "model", "repeat", "fold", "measure"]
        pd.testing.assert_frame_equal(
            long.sort_values(keys, ignore_index=True),
            scores[scores["dataset"] == dataset][[*keys, "value"]].sort_values(
                keys, ignore_index=True
            ),
            check_exact=True,
        )
    assert again.described("=good") == evidence.plan.models["=good"]
    assert again.rows_of("b") == ["=good", "NA", "mean distribution", "uniform"]


def test_nothing_that_failed_is_left_out(evidence, tmp_path):
    tasks = [task for task in evidence.results if task.fold == 1]
    lost = {task for task in tasks if (task.dataset, task.model) in {("NA", "NA"), ("b", "=good")}}
    lost |= {task for task in tasks if (task.dataset, task.model) == ("b", "NA")}
    results = {task: result for task, result in evidence.results.items() if task not in lost}
    failures = [
        Outcome(task, error="too\nslow", time_limit=60.0 if task.dataset == "NA" else None)
        for task in lost
        if task.model == "NA"
    ]
    path = stored(replace(evidence, results=results), tmp_path / "run", failures)
    cells = collect([[path]], MEASURES, print).cells.set_index(["dataset", "model"])
    states = cells["state"].to_dict()
    assert states["NA", "NA"] == "over budget"
    assert states["b", "NA"] == "failed"
    assert states["b", "=good"] == "missing"
    assert states["NA", "=good"] == states["b", "uniform"] == "complete"
    assert cells["reason"]["NA", "NA"] == "over budget (60 s)"
    assert cells["reason"]["b", "NA"] == "too slow"
    assert cells["folds"]["b", "NA"] == 8


def test_a_row_has_the_settings_of_the_last_run(tmp_path):
    one = make_evidence(tmp_path, {"m": 0.1, "n": 0.2}, {"a": 30})
    other = make_evidence(tmp_path, {"m": 0.1}, {"b": 30}, params={"m": {"k": 2}})
    paths = [stored(one, tmp_path / "one"), stored(other, tmp_path / "other")]
    for path, day in zip(paths, ("1", "2"), strict=True):
        RunFolder(path).write_plan(RunFolder(path).read_plan(), {"written": f"2026-01-0{day}"})
    reference = collect([[path] for path in paths], MEASURES, print)
    assert reference.described("m")["params"] == {"k": 2}
    cells = reference.cells.set_index(["dataset", "model"])
    assert cells["state"]["a", "m"] == "missing"
    assert cells["reason"]["a", "m"] == "computed with other settings or another version"
    assert cells["state"]["b", "m"] == cells["state"]["a", "n"] == "complete"


def test_runs_on_one_set_complete_each_other(tmp_path, evidence):
    whole = stored(evidence, tmp_path / "whole")
    results = dict(list(evidence.results.items())[::2])
    half = stored(replace(evidence, results=results), tmp_path / "half")
    reference = collect([[half, whole]], MEASURES, print)
    assert set(reference.cells["state"]) == {"complete"}
    assert len(reference.sets) == 2
    other = make_evidence(tmp_path, {"=good": 0.1}, {"NA": 30}, repeats=1)
    with pytest.raises(UsageError, match="other data, folds or another seed of NA"):
        collect([[whole, stored(other, tmp_path / "other")]], MEASURES, print)


def test_what_a_run_at_work_has_is_taken(tmp_path, evidence):
    path = stored(evidence, tmp_path / "run")
    said = []
    with enter(RunFolder(path), evidence.plan, (), False, print):
        reference = collect([[path]], MEASURES, said.append)
    assert said == [f"a run is at work in {path}: what it has by now is taken"]
    assert len(reference.sets) == 2


def test_a_damaged_file_is_told(evidence, tmp_path):
    write_reference(collect([[stored(evidence, tmp_path / "run")]], MEASURES, print), tmp_path)
    (tmp_path / "scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(BenchmarkError, match="cannot be read"):
        reference_results(tmp_path)
    (tmp_path / "cells.csv").write_text("dataset,model\n")
    with pytest.raises(BenchmarkError, match="cells has no column 'state'"):
        reference_results(tmp_path)


def test_what_comes_with_the_package_is_whole():
    reference = reference_results()
    sets, cells, scores = reference.sets, reference.cells, reference.scores
    assert not cells.duplicated(["dataset", "model"]).any()
    assert not scores.duplicated(["dataset", "model", "repeat", "fold"]).any()
    counted = scores.groupby(["dataset", "model"]).size()
    found = cells.set_index(["dataset", "model"])
    assert (counted == found["folds"][counted.index]).all()
    complete = found["state"] == "complete"
    assert (found["folds"][complete] == found["expected_folds"][complete]).all()
    assert (found["reason"][~complete] != "").all()
    assert (sets["splits"].str.split().str.len() == sets["folds"] * sets["repeats"]).all()
    assert np.isfinite(scores[reference.measure_names].to_numpy()).all()
    assert set(cells["model"]) == set(reference.models["model"])
