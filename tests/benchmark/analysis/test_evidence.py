"""Evidence: computed when asked for, once, and of the plan and results that it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made import make_evidence, make_pictures

from benchmark.analysis import scores
from benchmark.analysis.evidence import gather, read_results
from benchmark.planning.tasks import Outcome
from benchmark.store.run_folder import RunFolder


@pytest.fixture
def evidence(tmp_path):
    return make_evidence(tmp_path, {"A": 0.4, "B": 0.1}, {"d": 30, "e": 20}, repeats=2)


def test_nothing_is_computed_before_it_is_asked_for_and_nothing_twice(evidence, monkeypatch):
    calls = []
    compute = scores.scores_frame

    def counting(*given):
        calls.append(len(given[1]))
        return compute(*given)

    monkeypatch.setattr(scores, "scores_frame", counting)
    assert calls == []
    first = evidence.pairs, evidence.summary, evidence.notes
    assert calls == [len(evidence.results)]
    assert evidence.pairs is first[0]
    assert evidence.summary is first[1]


def test_scores_pairs_and_intervals_are_about_the_same_values(evidence):
    rows = evidence.scores
    means = rows.groupby(["dataset", "model", "measure"])["value"].mean()
    for row in evidence.pairs.to_dict("records"):
        a, b = (means[row["dataset"], row[m], row["measure"]] for m in ("model_a", "model_b"))
        assert abs(row["difference"]) == pytest.approx(abs(a - b))
    for row in evidence.intervals.to_dict("records"):
        mean = means[row["dataset"], row["model"], row["measure"]]
        assert row["low"] - 1e-12 <= mean <= row["high"] + 1e-12
    assert set(evidence.values) == {"d", "e"}


def test_predictions_are_those_of_the_repeat(evidence):
    for repeat in (0, 1):
        found = evidence.predictions("e", repeat)
        for task, result in evidence.results.items():
            if (task.dataset, task.repeat) == ("e", repeat):
                test = evidence.plan.truths["e"].folds.test(repeat, task.fold)
                assert np.array_equal(found[task.model][test], result.predictions)


def test_pictures_are_read_from_the_folders(evidence):
    assert evidence.thumbnails("d") == {}
    make_pictures(evidence, "d", [4, 2])
    assert list(evidence.thumbnails("d")) == [2, 4]
    assert evidence.thumbnails("e") == {}


def test_a_stored_run_comes_back_and_what_is_damaged_is_told(evidence, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_plan(evidence.plan, {"command": "run"})
    for task, result in evidence.results.items():
        folder.write_outcome(Outcome(task, result.predictions), {"numpy": "2.0"})
    with gather(folder.path) as read:
        assert read.missing == 0
        pd.testing.assert_frame_equal(read.scores, evidence.scores)
    lost, damaged = evidence.plan.tasks[:2]
    (folder.path / lost.path).unlink()
    (folder.path / damaged.path).write_bytes(b"nonsense")
    told = []
    found = read_results(folder, evidence.plan, evidence.plan.tasks, told.append)
    assert set(found) == set(evidence.plan.tasks) - {lost, damaged}
    assert len(told) == 1
    assert told[0].endswith("the same run command computes it again.")
