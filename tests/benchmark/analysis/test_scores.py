"""Scores: means and ranks worked by hand, gaps, and what a reader is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.analysis import scores as tables
from benchmark.metrics import BY_NAME, MEASURES, scores
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
    shares = {}
    for measure in MEASURES:
        if measure.name != "tie_aware_accuracy":
            best, mean = (table.loc[row, measure.name] for row in ("oracle", "mean distribution"))
            shares[measure.name] = (table.loc["uniform", measure.name] - best) / (mean - best)
            assert table.loc["uniform", f"{measure.name}_gap"] == pytest.approx(
                shares[measure.name], abs=1e-12
            )
    assert gap["uniform"] == pytest.approx(np.median(list(shares.values())))


@pytest.mark.parametrize("measure", ["clark", "accuracy"])
def test_no_measure_rules_the_gap_to_the_oracle(finished, measure):
    """A measure in which oracle and mean distribution nearly meet, or in which it is the worse."""
    plan, results = finished
    frame = tables.scores_frame(plan, results)
    before = tables.summarise(plan, frame).set_index("model")
    parts = [f"{m.name}_gap" for m in MEASURES if m.in_mean_rank and m.name != measure]
    lowest, highest = before[parts].min(axis=1), before[parts].max(axis=1)
    means = before.loc["mean distribution", measure]
    for shift in (2e-6, -2e-6):
        closer = frame.copy()
        chosen = (closer["model"] == "oracle") & (closer["measure"] == measure)
        better = 1 if BY_NAME[measure].higher_is_better else -1
        closer.loc[chosen, "value"] = means + better * shift
        after = tables.summarise(plan, closer).set_index("model")
        part, gap = after[f"{measure}_gap"].drop("Partial"), after["oracle_gap"].drop("Partial")
        assert (
            (part.drop("mean distribution").abs().max() > 1000) if shift > 0 else part.isna().all()
        )
        assert (gap >= lowest[gap.index] - 1e-9).all()
        assert (gap <= highest[gap.index] + 1e-9).all()


def test_where_true_shares_are_zero_it_is_said_what_clark_rewards(finished):
    plan, results = finished
    truth = plan.truths["data_1"]
    D = np.eye(truth.D.shape[1])[truth.D.argmax(axis=1)]
    for labels, said in ((D, f"{len(D) * 3:,} of {D.size:,} true shares are 0"), (truth.D, "")):
        changed = replace(plan, truths={"data_1": replace(truth, D=labels)})
        summary = tables.summarise(changed, tables.scores_frame(changed, results))
        notes = tables.notes(changed, results, summary)
        found = [note for note in notes if "true shares are 0" in note]
        assert [note.partition(". ")[0] for note in found] == ([said] if said else [])


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
