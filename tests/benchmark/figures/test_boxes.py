"""Box plots: boxes, dots and lines are the values of the folds."""

from __future__ import annotations

import numpy as np
import pytest
from made import make_evidence

from benchmark.figures.boxes import make
from benchmark.figures.choice import Choice
from benchmark.metrics import MEASURES


def fold_values(evidence, name, measure):
    """The measure of every fold, one by one."""
    truth = evidence.plan.truths["d"]
    return [
        measure.function(truth.D[truth.folds.test(task.repeat, task.fold)], result.predictions)
        .mean()
        .item()
        for task, result in evidence.results.items()
        if (task.dataset, task.model) == ("d", name)
    ]


@pytest.mark.parametrize("repeats", [1, 2])
def test_boxes_dots_and_lines_are_the_folds(tmp_path, repeats):
    models = ["A", "B", "C"]
    evidence = make_evidence(
        tmp_path, {"A": 0.6, "B": 0.1, "C": 0.3}, {"d": 50}, oracle=True, repeats=repeats
    )
    drawing = make(evidence, Choice())
    truth = evidence.plan.truths["d"]
    for panel, measure in zip(drawing.figure.axes, MEASURES, strict=True):
        factor = 100 if measure.percent else 1
        of = {name: factor * np.array(fold_values(evidence, name, measure)) for name in models}
        lines = panel.get_lines()
        dots = [line for line in lines if line.get_marker() == "."]
        for place, (line, name) in enumerate(zip(dots, models, strict=True)):
            np.testing.assert_allclose(sorted(line.get_xdata()), sorted(of[name]))
            assert set(line.get_ydata()) == {place}
        medians = [line.get_xdata() for line in lines if line.get_linewidth() == 1.6]
        boxes = [line.get_xdata() for line in lines if len(line.get_xdata()) == 5
                 and line.get_linewidth() == 0.8]  # fmt: skip
        for name, median, box in zip(models, medians, boxes, strict=True):
            np.testing.assert_allclose(median, np.median(of[name]))
            np.testing.assert_allclose((min(box), max(box)), np.percentile(of[name], (25, 75)))
        means, oracles = [], []
        for repeat in range(repeats):
            for fold in range(5):
                D = truth.D[truth.folds.test(repeat, fold)]
                mean = truth.D[truth.folds.train(repeat, fold)].mean(axis=0)
                means.append(measure.function(D, np.tile(mean, (len(D), 1))).mean())
                latent = truth.latent[truth.folds.test(repeat, fold)]
                oracles.append(measure.function(D, latent).mean())
        for values, style in ((means, "--"), (oracles, ":")):
            (line,) = (line for line in lines if line.get_linestyle() == style)
            np.testing.assert_allclose(line.get_xdata(), factor * np.mean(values))
        assert panel.get_title() == f"{measure.title} {'↑' if measure.higher_is_better else '↓'}"
    labels = [text.get_text() for text in drawing.figure.axes[0].get_yticklabels()]
    assert labels == models
    assert drawing.figure.axes[0].get_ylim() == (2.5, -0.5)
    assert f"Values of {5 * repeats} test folds of d" in drawing.caption
    assert "oracle (dotted)" in drawing.caption


def test_the_numbers_are_those_of_the_folds(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.6}, {"d": 50, "e": 30})
    data = make(evidence, Choice(dataset="d")).data
    for measure in MEASURES:
        mine = data[(data["model"] == "A") & (data["measure"] == measure.name)]
        np.testing.assert_allclose(mine["value"], fold_values(evidence, "A", measure))
        assert list(mine["fold"]) == [0, 1, 2, 3, 4]


def test_one_measure_is_one_panel(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.6}, {"d": 50})
    drawing = make(evidence, Choice(measure="cosine"))
    assert [panel.get_title() for panel in drawing.figure.axes] == ["Cos ↑"]
    assert set(drawing.data["measure"]) == {"cosine"}
    assert "oracle" not in drawing.caption


def test_single_folds_are_not_drawn_where_they_are_many(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.6}, {"d": 20}, folds=2, repeats=16)
    drawing = make(evidence, Choice(measure="cosine"))
    dots = [line for line in drawing.figure.axes[0].get_lines() if line.get_alpha() == 0.7]
    assert not dots
    assert "dots" not in drawing.caption


@pytest.mark.slow
def test_what_is_far_out_is_told_and_the_others_stay_apart(tmp_path):
    models = {f"m{i}": 0.02 + 0.002 * i for i in range(7)} | {"bad": 0.95}
    evidence = make_evidence(tmp_path, models, {"d": 200})
    drawing = make(evidence, Choice(measure="chebyshev"))
    assert "so that the others can be told apart: bad in Cheb." in drawing.caption
    values = drawing.data[drawing.data["model"] == "bad"]["value"]
    (label,) = (text.get_text() for text in drawing.figure.axes[0].texts)
    assert label == f"{values.median():.3g} →"
    low, high = drawing.figure.axes[0].get_xlim()
    for name in models:
        values = fold_values(evidence, name, MEASURES[0])
        inside = [low <= value <= high for value in values]
        assert all(inside) if name != "bad" else low < high
