"""The tests say which splits they fit, and why there is none; nothing new where rows are split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made import make_evidence

from benchmark.analysis.assumptions import assumptions, name_of_test, of_tests, why_untested
from benchmark.metrics import BY_NAME
from benchmark.tables.significance import significance_grid, significance_table

MODELS = {"Good": 0.1, "Poor": 0.9}
KL = BY_NAME["kl_divergence"]


def made(tmp_path, **how):
    return make_evidence(tmp_path, MODELS, {"a": 60}, **how)


def text(evidence):
    frame = significance_table(evidence.summary, evidence.pairs, KL)
    return " ".join(significance_grid(frame, evidence.summary, KL, evidence.plan).notes)


def test_folds_of_rows_are_described_as_ever(tmp_path):
    evidence = made(tmp_path)
    first, bayes, means, _ = assumptions(evidence.plan)
    assert first.startswith("Within a dataset: corrected resampled t-test over the folds")
    assert "a test fold. p-values are adjusted" in first
    assert bayes.startswith("P(better)")
    assert means.endswith("bootstrap over the test instances, the trained models held fixed.")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"split": "hold-out"}, ["a: one split, so no t-test", "Bootstrap over the test rows"]),
        ({"split": "hold-out", "groups": 30}, ["Bootstrap over the test groups alone"]),
        ({"split": "hold-out", "repeats": 3}, ["t-test", "drawn several times counts as so many"]),
        ({"groups": 10}, ["that share is the mean over the folds"]),
        ({"groups": 10, "split": "leave-one-group-out"}, ["this is a test over groups"]),
    ],
)
def test_the_notes_under_the_tests_fit_the_split(tmp_path, how, said):
    found = text(made(tmp_path, **how))
    for words in said:
        assert words in found
    if "one split" in said[0]:
        assert "corrected resampled" not in found


def test_several_datasets_have_each_their_sentence(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"a": 60, "b": 40})
    plan, single = evidence.plan, made(tmp_path / "b", split="hold-out").plan
    plan.truths["a"] = single.truths["a"]
    found = of_tests(plan)
    assert len(found) == 3
    assert found[2].startswith("a: one split")
    assert name_of_test(plan.truths.values()) == (
        "corrected resampled t-test or bootstrap over the test rows"
    )


def test_a_pair_without_a_test_says_why(tmp_path):
    few = made(tmp_path, split="hold-out:0.2", groups=6)
    reasons = {why_untested(row) for row in few.pairs.to_dict("records")}
    assert reasons == {"one split with fewer than 5 test rows or groups, or the same in all"}
    assert "No test of 1 of 1 pair (one split with fewer than 5" in text(few)
    enough = made(tmp_path, split="hold-out:0.2")
    assert {why_untested(row) for row in enough.pairs.to_dict("records")} == {""}
    kept = {task: result for task, result in enough.results.items() if task.model == "Good"}
    lost = replace(enough, results=kept)
    assert {why_untested(row) for row in lost.pairs.to_dict("records")} == {"0 of 1 folds"}
    two = made(tmp_path, split="hold-out", repeats=2)
    assert {why_untested(row) for row in two.pairs.to_dict("records")} == {"fewer than 3 folds"}
