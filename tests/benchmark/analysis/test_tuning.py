"""What tuning chose and gained, on records made up so that the answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import make_evidence
from scipy import stats

from benchmark.analysis.tuning import tuned_frame, tuning_frame, untuned
from benchmark.metrics import BY_NAME
from benchmark.planning.plan import Result

TRIED = [{}, {"k": 50}, {"k": 9, "scaling": "standard"}]
SEARCH = {"configurations": TRIED, "measure": "kl_divergence", "folds": 2}


@pytest.fixture
def evidence(tmp_path):
    """Two models of 0.5 and 0.3, one of which is the other tuned, and a third beside them."""
    made = make_evidence(tmp_path, {"A": 0.5, "A (tuned)": 0.3, "B": 0.4}, {"one": 40, "two": 30})
    models = dict(made.plan.models)
    models["A"] = {"model": "A", "params": {"k": 4}, "source": ""}
    models["A (tuned)"] = {**models["A"], "search": SEARCH}
    plan = replace(made.plan, models=models)
    results = {}
    for task, old in zip(plan.tasks, made.results.values(), strict=True):
        record = dict(old.record)
        if task.model == "A (tuned)":
            chosen = 2 if task.fold < 3 else 1
            record["tuning"] = {
                "chosen": chosen, "failed": {"1": "no k"}, "seconds": 1.0,
                "scores": [[0.5, 0.7], [None, 0.2], [0.125, 0.25]],
            }  # fmt: skip
        results[task] = Result(old.predictions, record)
    return replace(made, plan=plan, results=results)


def test_a_tuned_row_is_found_by_its_settings_not_its_name(evidence):
    assert untuned(evidence.plan) == {"A (tuned)": "A"}
    models = {f"{name} (x)": model for name, model in evidence.plan.models.items()}
    assert untuned(replace(evidence.plan, models=models)) == {"A (tuned) (x)": "A (x)"}
    models = {**evidence.plan.models, "A": {"model": "A", "params": {"k": 5}, "source": ""}}
    assert untuned(replace(evidence.plan, models=models)) == {}


def test_every_configuration_of_every_fold_is_listed(evidence):
    frame = tuning_frame(evidence.plan, evidence.results)
    assert len(frame) == 2 * 5 * 3
    first = frame[(frame["dataset"] == "two") & (frame["fold"] == 4)].to_dict("records")
    assert [row["settings"] for row in first] == [
        "own settings", "k = 50", "k = 9, scaling = standard",
    ]  # fmt: skip
    assert [row["chosen"] for row in first] == [False, True, False]
    assert [row["times_chosen"] for row in first] == [0, 2, 3]
    assert first[0]["inner_score"] == pytest.approx(0.6)
    assert np.isnan(first[1]["inner_score"])
    assert first[1]["inner_scores"] == "nan 0.2"
    assert [row["failed"] for row in first] == ["", "no k", ""]


def test_the_gain_is_that_of_the_scores_with_their_test(evidence):
    kl = BY_NAME["kl_divergence"]
    tried = tuning_frame(evidence.plan, evidence.results)
    frame = tuned_frame(evidence.plan, evidence.summary, evidence.pairs, tried, kl)
    assert list(frame["dataset"]) == ["one", "two"]
    row = frame.iloc[0]
    scores = evidence.scores
    here = scores[(scores["dataset"] == "one") & (scores["measure"] == "kl_divergence")]
    per_fold = here.pivot_table(index="fold", columns="model", values="value")
    d = (per_fold["A"] - per_fold["A (tuned)"]).to_numpy()
    assert row["gain"] == pytest.approx(d.mean())
    assert row["gain"] > 0
    assert row["relative_gain"] == pytest.approx(d.mean() / per_fold["A"].mean())
    # The corrected resampled t-test by its formula; one comparison in the dataset, so Holm is none.
    t = d.mean() / np.sqrt((1 / 5 + 1 / 4) * d.var(ddof=1))
    assert row["p_value"] == row["p_holm"] == pytest.approx(2 * stats.t.sf(abs(t), 4))
    assert row["low"] < row["gain"] < row["high"]
    assert (row["chosen_most"], row["times_chosen"], row["different_choices"]) == (
        "k = 9, scaling = standard", 3, 2,
    )  # fmt: skip


def test_without_tuned_rows_there_is_nothing(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.5, "B": 0.3}, {"one": 40})
    frame = tuning_frame(evidence.plan, evidence.results)
    assert len(frame) == 0
    kl = BY_NAME["kl_divergence"]
    assert len(tuned_frame(evidence.plan, evidence.summary, evidence.pairs, frame, kl)) == 0
