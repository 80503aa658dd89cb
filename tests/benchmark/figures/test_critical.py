"""Critical-difference diagrams: bars join exactly what the tests do not tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from made import make_evidence

from benchmark.analysis.comparisons import rank_across
from benchmark.figures.base import written
from benchmark.figures.choice import Choice
from benchmark.figures.critical import draw, make, too_few
from benchmark.metrics import MEASURES

KL = MEASURES[3]


@pytest.fixture
def evidence(tmp_path):
    models = {f"m{i}": 0.2 + 0.03 * i for i in range(6)}
    return make_evidence(tmp_path, models, {f"set{i}": 40 for i in range(12)}, folds=2)


def bars(panel, ranking):
    """Sets of models whose mean ranks carry the dots of one bar."""
    ranks = ranking.friedman.mean_ranks
    found = []
    for line in panel.get_lines():
        x, y = map(np.asarray, line.get_data())
        if line.get_marker() == "o":
            assert (y == y[0]).all()
            assert (np.diff(x) >= 0).all()  # whatever order a set has in this process
            found.append({int(np.flatnonzero(np.isclose(ranks, value))[0]) for value in x})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_bars_join_what_is_not_told_apart_and_nothing_else(evidence, number):
    ranking = rank_across(evidence.summary, KL)
    assert len(set(ranking.friedman.mean_ranks)) == 6  # so that a dot tells its model
    panel = draw(ranking).axes[number]
    p_values = (ranking.nemenyi, ranking.wilcoxon)[number]
    joined = {frozenset(pair) for bar in bars(panel, ranking) for pair in combinations(bar, 2)}
    expected = {frozenset((i, j)) for i, j in combinations(range(6), 2) if p_values[i, j] >= 0.05}
    assert joined == expected
    assert 0 < len(expected) < 15  # neither everything nor nothing


@pytest.mark.slow
def test_every_model_stands_there_with_its_mean_rank(evidence):
    ranking = rank_across(evidence.summary, KL)
    for panel in draw(ranking).axes:
        texts = " ".join(text.get_text() for text in panel.texts)
        for name, rank in zip(ranking.models, ranking.friedman.mean_ranks, strict=True):
            assert name in texts
            assert f"{rank:.2f}" in texts


def test_the_measure_can_be_chosen_and_its_direction_counts(evidence):
    drawing = make(evidence, Choice(measure="cosine"))
    assert drawing.name == "critical-cosine"
    rows = drawing.data.set_index(["model_a", "model_b"])
    assert rows.loc[("m0", "m5"), "mean_rank_a"] < rows.loc[("m0", "m5"), "mean_rank_b"]
    assert rows.loc[("m0", "m5"), "effect_size"] > 0


def test_too_few_datasets_are_refused(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.2, "C": 0.3}, {"x": 30, "y": 30})
    assert "at least 3 datasets and 3 models" in too_few(evidence, Choice()).reason


def test_chosen_models_are_ranked_among_themselves(evidence):
    choice = Choice(models=("m5", "m1", "m3"))
    drawing = make(evidence, choice)
    assert {*drawing.data["model_a"], *drawing.data["model_b"]} == {"m1", "m3", "m5"}
    assert drawing.data["mean_rank_b"].max() <= 3
    assert "Only m1, m3 and m5 are ranked." in drawing.caption
    few = evidence.summary[evidence.summary["model"].isin(choice.models)]
    alone = rank_across(few, KL).friedman.mean_ranks
    for panel in drawing.figure.axes:
        texts = " ".join(text.get_text() for text in panel.texts)
        assert all(f"{rank:.2f}" in texts for rank in alone)
        assert "m2" not in texts
    assert too_few(evidence, choice) is None
    assert "there are 12 and 2" in too_few(evidence, Choice(models=("m5", "m1"))).reason


def test_names_are_no_formulas(tmp_path):
    models = {"$x_1$": 0.1, "{label}": 0.4, "100 %_^": 0.7}
    evidence = make_evidence(tmp_path, models, {f"s{i}": 30 for i in range(5)}, folds=2)
    first, second = (written(make(evidence, Choice()).figure, "svg") for _ in range(2))
    assert first == second
    assert b"$x_1$" in first
