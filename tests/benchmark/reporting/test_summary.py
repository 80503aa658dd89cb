"""Sentences say what the numbers say, and nothing that they do not."""

from __future__ import annotations

from made import make_evidence

from benchmark.metrics import MEASURES
from benchmark.reporting.summary import summary_sentences


def text(evidence):
    return " ".join(summary_sentences(evidence))


def test_the_best_model_leads_and_is_significantly_better_than_what_is_far_worse(tmp_path):
    said = text(make_evidence(tmp_path, {"Poor": 0.9, "Good": 0.05}, {"faces": 200}))
    assert "On faces (200 instances, 3 labels, 5 test folds) Good has the best mean rank" in said
    assert "1.00, before Poor with 2.00" in said
    assert "Good leads in 7 of the 7 measures (Cheb, Clark, Canber, KLdiv, Cos, Int" in said
    assert "In KLdiv, Good is significantly better than Poor" in said


def test_what_cannot_be_told_apart_is_named(tmp_path):
    models = {"A": 0.30, "B": 0.301, "Poor": 0.95}
    evidence = make_evidence(tmp_path, models, {"faces": 200})
    said = text(evidence)
    summary = evidence.summary.set_index("model")
    best = summary["kl_divergence_rank"].idxmin()
    other = {"A": "B", "B": "A"}[best]
    assert (
        f"In KLdiv, {best} is significantly better than 1 of 2 others (corrected resampled "
        f"t-test, Holm), but cannot be told from {other}." in said
    )


def test_no_difference_is_claimed_where_there_is_none(tmp_path):
    said = text(make_evidence(tmp_path, {"A": 0.3, "B": 0.3}, {"faces": 60}, folds=3))
    assert "no difference from another model is significant" in said
    assert "significantly better" not in said.replace("no difference", "")


def test_models_that_lose_to_the_mean_are_counted_as_the_table_counts(tmp_path):
    evidence = make_evidence(tmp_path, {"Poor": 1.0, "Good": 0.05}, {"faces": 200})
    lost = evidence.summary.set_index("model").loc["Poor", "not_better_than_mean"].split()
    counted = [m.name for m in MEASURES if m.in_mean_rank and m.name in lost]
    assert counted
    assert f"looks at no instance: Poor in {len(counted)} of the 7 measures" in text(evidence)


def test_every_model_better_than_the_mean(tmp_path):
    said = text(make_evidence(tmp_path, {"Good": 0.05, "Better": 0.01}, {"faces": 200}))
    assert "Every model beats the mean training distribution in every measure." in said


def test_the_distance_to_the_oracle_is_told_where_there_is_one(tmp_path):
    models = {"Poor": 0.9, "Good": 0.3}
    evidence = make_evidence(tmp_path, models, {"faces": 200}, oracle=True)
    gap = evidence.summary.set_index("model").loc["Good", "oracle_gap"]
    assert (
        f"is Good: in the median of the measures its distance is {100 * gap:.0f} % of that"
        in text(evidence)
    )
    assert "oracle" not in text(make_evidence(tmp_path, models, {"faces": 200}))


def test_missing_results_come_first(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.2}, {"faces": 60}, missing=1)
    said = summary_sentences(evidence)
    assert said[0].startswith("1 of 10 results are missing")
    assert "On faces (60 instances, 3 labels, 5 test folds) there is one model, A." in said[1]


def test_no_model_is_complete(tmp_path):
    said = text(make_evidence(tmp_path, {"A": 0.1}, {"faces": 60}, missing=1))
    assert "no model has all of its folds" in said


def test_one_model_is_no_race(tmp_path):
    said = text(make_evidence(tmp_path, {"A": 0.1}, {"faces": 60}))
    assert "there is one model, A." in said
    assert "significant" not in said


def test_many_datasets_are_summed_up_together(tmp_path):
    models = {"Poor": 0.9, "Good": 0.05, "Fair": 0.4}
    said = text(make_evidence(tmp_path, models, {f"set{i}": 40 for i in range(6)}, folds=2))
    assert "Over 6 datasets the best mean ranks" in said
    assert "Good (1.00), Fair (2.00) and Poor (3.00); Good is first on 6 of them" in said
    assert "Friedman" in said
    assert "On set0" not in said


def test_a_model_that_did_not_run_everywhere_is_named(tmp_path):
    models = {"A": 0.1, "B": 0.5, "C": 0.7}
    evidence = make_evidence(
        tmp_path, models, {f"set{i}": 40 for i in range(5)}, folds=2, missing=1
    )
    assert "C did not run, or not completely, on every dataset." in text(evidence)


def test_sentences_are_plain_text_of_the_names(tmp_path):
    said = text(make_evidence(tmp_path, {"<b>": 0.9, "a & b": 0.05}, {"faces": 100}))
    assert "<b>" in said
    assert "a & b" in said
