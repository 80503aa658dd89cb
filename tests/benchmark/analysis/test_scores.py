"""Scores: means and ranks worked by hand, gaps, and what a reader is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.analysis import scores as tables
from benchmark.metrics import MEASURES, scores
from benchmark.planning.plan import Result


def test_scores_are_recomputed_from_predictions(finished):
    plan, results = finished
    frame = tables.scores_frame(plan, results)
    assert list(frame.columns) == ["dataset", "model", "repeat", "fold", "measure", "value"]
    truth = plan.truths["data_1"]
    test = truth.folds.test(0, 1)
    expected = scores(truth.D[test], np.full((len(test), 4), 0.25))
    for name in ("Blend & <b>", "uniform"):
        rows = frame[(frame["model"] == name) & (frame["fold"] == 1)]
        assert dict(zip(rows["measure"], rows["value"], strict=True)) == expected
    train_mean = truth.D[truth.folds.train(0, 1)].mean(axis=0)
    row = frame.query("model == 'mean distribution' and fold == 1 and measure == 'kl_divergence'")
    kl = scores(truth.D[test], np.tile(train_mean, (len(test), 1)))["kl_divergence"]
    assert row["value"].item() == pytest.approx(kl, abs=1e-14)
    assert set(frame["model"]) == {*plan.models, "mean distribution", "uniform", "oracle"}


def test_summary(finished):
    plan, results = finished
    frame = tables.scores_frame(plan, results)
    table = tables.summarise(plan, frame).set_index("model")
    assert list(table.index[:3]) == ["Good", "Blend & <b>", "Partial"]
    assert table.loc["Good", "mean_rank"] == 1
    assert table.loc["Good", "chebyshev"] == 0
    assert table.loc["Blend & <b>", "kl_divergence_rank"] == 2
    values = frame.query("model == 'uniform' and measure == 'clark'")["value"]
    assert table.loc["uniform", "clark"] == pytest.approx(values.mean())
    assert table.loc["uniform", "clark_std"] == pytest.approx(np.std(values, ddof=1))
    assert table.loc["Good", "not_better_than_mean"] == ""
    assert "kl_divergence" in table.loc["Blend & <b>", "not_better_than_mean"].split()
    assert table.loc["oracle", "kind"] == "trivial"
    assert np.isnan(table.loc["oracle", "mean_rank"])


def test_the_gap_to_the_oracle_is_a_share_of_the_mean_distributions(finished):
    plan, results = finished
    table = tables.summarise(plan, tables.scores_frame(plan, results)).set_index("model")
    gap = table["oracle_gap"]
    assert gap["oracle"] == gap["Good"] == 0
    assert gap["mean distribution"] == 1
    assert np.isnan(gap["Partial"])
    shares = []
    for measure in MEASURES:
        if measure.name != "tie_aware_accuracy":
            best, mean = (table.loc[row, measure.name] for row in ("oracle", "mean distribution"))
            shares.append((table.loc["uniform", measure.name] - best) / (mean - best))
    assert gap["uniform"] == pytest.approx(np.mean(shares))


def test_without_an_oracle_there_is_no_gap(finished):
    plan, results = finished
    truth = replace(plan.truths["data_1"], latent=None)
    table = tables.summarise(
        replace(plan, truths={"data_1": truth}),
        tables.scores_frame(replace(plan, truths={"data_1": truth}), results),
    )
    assert table["oracle_gap"].isna().all()


def test_a_lacking_fold_is_a_gap_not_a_mean(finished):
    plan, results = finished
    table = tables.summarise(plan, tables.scores_frame(plan, results)).set_index("model")
    assert (table.loc["Partial", "folds"], table.loc["Partial", "expected_folds"]) == (1, 2)
    assert table.loc["Partial", [m.name for m in MEASURES]].isna().all()
    assert np.isnan(table.loc["Partial", "mean_rank"])
    lines = tables.notes(plan, results, table.reset_index())
    assert any("Partial has 1 of 2 folds" in line for line in lines)


def test_notes_tell_convergence_and_mixed_versions(finished):
    plan, results = finished
    summary = tables.summarise(plan, tables.scores_frame(plan, results))
    lines = "\n".join(tables.notes(plan, results, summary))
    assert "Good stopped at its iteration budget, before its tolerance was met, in 1 of 2" in lines
    assert "different versions" not in lines
    first = next(iter(results))
    other = {**results, first: Result(results[first].predictions, {"versions": {"numpy": "3"}})}
    assert "different versions of numpy;" in "\n".join(tables.notes(plan, other, summary))
