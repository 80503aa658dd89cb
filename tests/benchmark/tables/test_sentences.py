"""The paragraph for a paper: its numbers are those of the tables."""

from __future__ import annotations

import re
from dataclasses import replace

from made import make_evidence

from benchmark.analysis.comparisons import rank_across
from benchmark.metrics import BY_NAME
from benchmark.tables.latex import paragraphs_in_latex
from benchmark.tables.sentences import paragraphs
from benchmark.tables.significance import seen_from
from benchmark.wording import p_equals, signed, value

KL = BY_NAME["kl_divergence"]
MODELS = {"A_1": 0.1, "B": 0.5, "C": 0.9, "D": 0.11}


def test_every_other_model_is_told_once_with_its_p_value(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"x": 60}, folds=5)
    (text,) = paragraphs(evidence, KL)
    part = evidence.summary.set_index("model")
    best = part.index[part["kl_divergence_rank"] == 1][0]
    assert f"{best} ({value(part.loc[best, 'kl_divergence'], KL)} ± " in text
    assert "5 stratified folds" in text
    assert "corrected resampled t-test" in text
    rows = seen_from(evidence.pairs[evidence.pairs["measure"] == KL.name], best)
    better, _, open_ = text.partition("The test does not tell it from")
    assert len(rows) == 3
    for row in rows.to_dict("records"):
        told = f"{row['model_b']} ({signed(row['difference'], KL)}, 95 % interval "
        assert told in (better if row["p_holm"] < 0.05 else open_)
        assert f"{p_equals(row['p_holm'])}, d = " in text.partition(told)[2]
    latex = paragraphs_in_latex([text])
    assert r"A\_1" in latex
    assert re.search(r"95\s\\% interval", latex)


def test_latex_breaks_no_line_where_it_would_print_a_space():
    words = [f"{'x' * number}SA-BFGS" for number in range(1, 40)]
    latex = paragraphs_in_latex([" ".join(words)])
    assert latex.split()[-len(words) :] == words


def test_across_datasets_it_has_mean_ranks_and_the_critical_difference(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"x": 40, "y": 40, "z": 40}, folds=3)
    *each, across = paragraphs(evidence, KL)
    assert [text.partition(" (")[0] for text in each] == ["On x", "On y", "On z"]
    ranking = rank_across(evidence.summary, KL)
    assert f"critical difference of mean ranks {ranking.critical_difference:.2f}" in across
    assert p_equals(ranking.friedman.p_value) in across
    for model, rank in zip(ranking.models, ranking.friedman.mean_ranks, strict=True):
        assert f"{model} {rank:.2f}" in across


def test_what_could_not_be_tested_is_said(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.5}, {"x": 40}, folds=2)
    lacking = {
        task: r for task, r in evidence.results.items() if (task.model, task.fold) != ("B", 1)
    }
    (text,) = paragraphs(replace(evidence, results=lacking), KL)
    assert "Without results in all folds, and so left out: B." in text
    assert "On x (40 instances, " in text
