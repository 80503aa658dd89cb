"""Figures 1 and 4: which rows are shown, and that bars and markers are their shares."""

from __future__ import annotations

import numpy as np
import pytest
from made import make_evidence, make_pictures

from benchmark.figures.base import written
from benchmark.figures.choice import Choice
from benchmark.figures.samples import make_predicted, make_true


@pytest.fixture
def evidence(tmp_path):
    return make_evidence(tmp_path, {"A": 0.4, "B": 0.1, "C": 0.7, "D": 0.9}, {"d": 60})


def entropy(row):
    return -sum(p * np.log(p) for p in row if p > 0)


def divergence(d, p):
    return sum(a * np.log(a / b) for a, b in zip(d, p, strict=True) if a > 0)


def bars(panel):
    return [patch.get_width() for patch in panel.patches]


def test_figure_1_shows_the_true_shares_from_clear_to_mixed(evidence):
    drawing = make_true(evidence, Choice())
    D = evidence.plan.truths["d"].D
    order = sorted(range(60), key=lambda row: (round(entropy(D[row]), 12), row))
    expected = [order[(2 * i + 1) * 60 // 12] for i in range(6)]
    assert list(drawing.data["row"].unique()) == expected
    panels = drawing.figure.axes
    assert len(panels) == 6  # no place for pictures, where there are none
    for panel, row in zip(panels, expected, strict=True):
        np.testing.assert_allclose(bars(panel), D[row])
        assert [text.get_text() for text in panel.texts] == [f" {share:.2f}" for share in D[row]]
        assert panel.get_title() == f"d/{row}.jpg"
    labels = [text.get_text() for text in panels[0].get_yticklabels()]
    assert labels == ["anger", "joy", "sadness"]
    assert panels[0].get_ylim() == (2.5, -0.5)  # the first label is on top
    assert "8.33 %, 25 %" in drawing.caption


def test_figure_4_shows_the_predictions_of_the_best_models(evidence):
    drawing = make_predicted(evidence, Choice())
    truth = evidence.plan.truths["d"]
    predicted = {name: np.empty_like(truth.D) for name in "ABCD"}
    for task, result in evidence.results.items():
        predicted[task.model][truth.folds.test(0, task.fold)] = result.predictions
    of_best = [divergence(d, p) for d, p in zip(truth.D, predicted["B"], strict=True)]
    order = sorted(range(60), key=lambda row: (round(of_best[row], 12), row))
    expected = [order[(2 * i + 1) * 60 // 8] for i in range(4)]
    assert list(drawing.data["row"].unique()) == expected
    assert list(drawing.data["model"].unique()) == ["true", "B", "A", "C"]
    for panel, row in zip(drawing.figure.axes, expected, strict=True):
        np.testing.assert_allclose(bars(panel), truth.D[row])
        for line, name in zip(panel.get_lines(), "BAC", strict=True):
            np.testing.assert_allclose(line.get_xdata(), predicted[name][row])
            value = divergence(truth.D[row], predicted[name][row])
            assert f"{value:.3f}  {name}" in panel.get_xlabel().split("\n")
    assert "KL divergence of B " in drawing.caption


def test_figure_4_prefers_the_models_of_the_paper(tmp_path):
    models = {"X": 0.1, "EW-MTCNN": 0.5, "AA-kNN": 0.9, "Y": 0.2}
    drawing = make_predicted(make_evidence(tmp_path, models, {"d": 30}), Choice())
    assert list(drawing.data["model"].unique()) == ["true", "AA-kNN", "EW-MTCNN", "X"]


def test_figure_4_shows_the_first_repeat_and_says_so(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.4}, {"d": 30}, repeats=2)
    assert "in the first repeat" in make_predicted(evidence, Choice()).caption


def test_pictures_stand_above_their_samples(evidence):
    rows = [3, 8, 15, 22, 31, 44, 50, 59]
    make_pictures(evidence, "d", rows)
    for make, count in ((make_true, 6), (make_predicted, 4)):
        drawing = make(evidence, Choice())
        assert set(drawing.data["row"]) <= set(rows)
        assert [len(panel.images) for panel in drawing.figure.axes] == [1] * count + [0] * count
        assert "the nearest of which there is a picture" in drawing.caption


def test_where_pictures_are_too_few_their_lack_is_shown(evidence):
    make_pictures(evidence, "d", [3])
    figure = make_true(evidence, Choice()).figure
    lacking = [text.get_text() for panel in figure.axes[:6] for text in panel.texts]
    assert set(lacking) == {"no picture"}
    assert written(figure, "png")


def test_of_many_labels_those_with_the_largest_shares_are_drawn(evidence, monkeypatch):
    monkeypatch.setattr("benchmark.figures.samples.MOST_LABELS", 2)
    for drawing in (make_true(evidence, Choice()), make_predicted(evidence, Choice())):
        largest = drawing.data.groupby("label")["share"].max().nlargest(2).index
        drawn = [text.get_text() for text in drawing.figure.axes[0].get_yticklabels()]
        assert drawn == [label for label in ("anger", "joy", "sadness") if label in largest]
        assert len(bars(drawing.figure.axes[0])) == 2
        assert "Of 3 labels those 2 are drawn" in drawing.caption
        assert set(drawing.data["label"]) == {"anger", "joy", "sadness"}  # the CSV has all
