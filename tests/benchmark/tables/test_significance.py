"""Tests of significance as tables: which pairs, which way round, and what too little data gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made import make_evidence

from benchmark.analysis.comparisons import pairwise, rankings_frame
from benchmark.analysis.statistics import ALPHA
from benchmark.columns import PAIRS, RANKINGS
from benchmark.metrics import BY_NAME, MEASURES
from benchmark.tables.significance import (
    ranking_sentences,
    significance_grid,
    significance_table,
)

KL = BY_NAME["kl_divergence"]
MODELS = {"Poor": 0.9, "Good": 0.1, "Fair": 0.5}


@pytest.fixture
def three(tmp_path):
    return make_evidence(tmp_path, MODELS, {"a": 60, "b": 50, "c": 40}, folds=3)


def test_the_best_of_each_dataset_is_held_against_all_others(three):
    table = significance_table(three.summary, three.pairs, KL)
    assert list(table.columns) == list(PAIRS)
    assert table["model_a"].tolist() == ["Good"] * 6
    assert table["dataset"].tolist() == ["a", "a", "b", "b", "c", "c"]
    assert (table["difference"] > 0).all()
    assert (table["low"] < table["difference"]).all()
    assert (table["difference"] < table["high"]).all()


def test_a_star_is_where_the_written_p_value_is_below_the_level(three):
    table = significance_table(three.summary, three.pairs, KL).iloc[:5].copy()
    table["p_holm"] = [0.0, 0.0496, 0.049996, 0.05, 0.3]
    grid = significance_grid(table, three.summary, KL, three.plan)
    column = grid.headers.index("p (Holm)")
    assert [row[column] for row in grid.rows] == [
        "< 0.001 *", "0.0496 *", "0.049996 *", "0.0500", "0.300",
    ]  # fmt: skip
    assert any(f"significant at {ALPHA:g}" in note for note in grid.notes)


def test_a_missing_fold_leaves_a_gap(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"a": 60}, folds=3, missing=1)
    grid = significance_grid(
        significance_table(evidence.summary, evidence.pairs, KL),
        evidence.summary,
        KL,
        evidence.plan,
    )
    assert ["a", "Good", "Fair", "2 of 3 folds", *["-"] * 5] in grid.rows


def test_no_ranked_model_no_rows(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.5}, {"a": 60}, folds=3, missing=1)
    assert significance_table(evidence.summary, evidence.pairs, KL).empty


def test_rankings_have_a_row_per_measure_and_pair(three):
    frame = rankings_frame(three.summary, MEASURES)
    assert list(frame.columns) == list(RANKINGS)
    assert len(frame) == len(MEASURES) * 3
    row = frame[(frame["measure"] == KL.name) & (frame["model_b"] == "Good")].iloc[0]
    assert (row["mean_rank_a"], row["mean_rank_b"], row["datasets"]) == (3, 1, 3)
    assert row["effect_size"] == -1


def test_too_few_datasets_give_no_rows_and_a_reason(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"a": 60, "b": 50}, folds=3)
    frame = rankings_frame(evidence.summary, MEASURES)
    assert frame.empty
    assert list(frame.columns) == list(RANKINGS)
    assert ranking_sentences(evidence.summary, KL) == [
        "Tests across datasets need at least 3 datasets and 3 models with results on all of them; "
        "there are 2 and 3."
    ]


def test_sentences_tell_the_verdict_and_its_p_value(three):
    first = ranking_sentences(three.summary, KL)[0]
    assert first.startswith("Over 3 datasets the 3 models rank differently in KLdiv (Friedman: chi")
    assert "chi square 6.00, p = 0.0498, Kendall's W 1.00)" in first
    tied = pd.concat(
        [three.summary[three.summary["dataset"] == name] for name in "abc"], ignore_index=True
    )
    tied[KL.name] = np.where(tied["kind"] == "model", 0.5, tied[KL.name])
    assert ranking_sentences(tied, KL) == [
        "The 3 models are tied in KLdiv on all 3 datasets, so there is nothing to test."
    ]
    apart = tied.copy()
    for name, numbers in {"a": [0.1, 0.2, 0.3], "b": [0.3, 0.1, 0.2], "c": [0.2, 0.3, 0.1]}.items():
        here = (apart["dataset"] == name) & (apart["kind"] == "model")
        apart.loc[here, KL.name] = numbers
    assert "cannot be told apart by rank" in ranking_sentences(apart, KL)[0]


def test_without_a_test_there_is_no_p_value_and_a_sentence(tmp_path):
    """Two folds are too few; of three, one model differs by the same in all, one is tied."""
    two = make_evidence(tmp_path / "two", MODELS, {"a": 60}, folds=2)
    table = significance_table(two.summary, two.pairs, KL)
    assert table["p_holm"].isna().all()
    assert (table["difference"] > 0).all()
    grid = significance_grid(table, two.summary, KL, two.plan)
    for row in grid.rows:
        assert row[4:7] == ["-", "no test", "-"]
        assert row[3].startswith("+0.")
        assert row[8].endswith(" %")
    assert "No test of 2 of 2 pairs (fewer than 3 folds: 2)." in grid.notes
    three = make_evidence(tmp_path / "three", MODELS, {"a": 60}, folds=3)
    folds = three.scores.set_index(["model", "measure", "fold"])["value"].to_dict()
    made = three.scores.copy()
    made["value"] = [
        folds["Good", row.measure, row.fold] + {"Poor": 0.25, "Fair": 1e-8}.get(row.model, 0.0)
        for row in made.itertuples()
    ]
    pairs = pairwise(three.plan, made, three.values)
    grid = significance_grid(
        significance_table(three.summary, pairs, KL), three.summary, KL, three.plan
    )
    assert [row[2:6] for row in grid.rows] == [
        ["Poor", "+0.2500", "-", "no test"], ["Fair", "0.0000", "-", "no test"],
    ]  # fmt: skip
    reasons = "the same difference in all folds: 1; tied in all folds: 1"
    assert f"No test of 2 of 2 pairs ({reasons})." in grid.notes
