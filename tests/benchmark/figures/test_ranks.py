"""Ranks: the numbers, and that dark cells (heat) are the best ones.

Also tests `benchmark.figures.heat`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from made import make_evidence
from matplotlib.patches import Rectangle

from benchmark.figures.choice import Choice
from benchmark.figures.heat import luminance
from benchmark.figures.ranks import make
from benchmark.metrics import MEASURES

MODELS = {"A": 0.5, "B": 0.1, "C": 0.9, "D": 0.3}


def brute_ranks(evidence, dataset):
    """Ranks by counting who is better: shape (models, measures)."""
    truth = evidence.plan.truths[dataset]
    means = np.zeros((len(MODELS), len(MEASURES)))
    for task, result in evidence.results.items():
        if task.dataset == dataset:
            D = truth.D[truth.folds.test(task.repeat, task.fold)]
            row = list(MODELS).index(task.model)
            means[row] += [m.function(D, result.predictions).mean() for m in MEASURES]
    signs = np.array([1 if m.higher_is_better else -1 for m in MEASURES])
    means = np.round(signs * means, 10)
    return 1 + (means[None] > means[:, None]).sum(axis=1)


def cells(figure):
    """Texts and lightness of the cells, by row and column."""
    panel = figure.axes[0]
    image = panel.images[0]
    shape = image.get_array().shape
    texts = np.array([text.get_text() for text in panel.texts]).reshape(shape)
    colours = image.to_rgba(image.get_array())
    light = np.array([[luminance(colour) for colour in row] for row in colours])
    return texts, light


@pytest.mark.parametrize("repeats", [1, 2])
def test_one_dataset_shows_the_ranks_of_every_measure(tmp_path, repeats):
    evidence = make_evidence(tmp_path, MODELS, {"d": 60}, repeats=repeats)
    drawing = make(evidence, Choice())
    expected = brute_ranks(evidence, "d")
    assert drawing.name == "ranks-d"
    assert list(drawing.data["model"]) == list(MODELS)
    assert (drawing.data.iloc[:, 1:9].to_numpy() == expected).all()
    np.testing.assert_allclose(drawing.data["mean rank"], expected[:, :7].mean(axis=1))
    texts, light = cells(drawing.figure)
    assert (texts[:, :8] == expected.astype(str)).all()
    for column in range(8):  # the darker, the better, whatever the measure's direction
        order = np.argsort(expected[:, column], kind="stable")
        for a, b in pairwise(order):
            better = expected[a, column] < expected[b, column]
            assert light[a, column] < light[b, column] if better else True
    assert expected[1].max() == 1  # B is the best of all
    assert light[1].max() < light[[0, 2, 3]].min()


def test_datasets_show_their_mean_ranks_and_the_mean_of_these(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"d": 60, "e": 40, "f": 30})
    drawing = make(evidence, Choice())
    expected = np.array([brute_ranks(evidence, name)[:, :7].mean(axis=1) for name in "def"]).T
    np.testing.assert_allclose(drawing.data[["d", "e", "f"]], expected)
    np.testing.assert_allclose(drawing.data["all"], expected.mean(axis=1))
    assert drawing.name == "ranks"
    panel = drawing.figure.axes[0]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["d", "e", "f", "all"]
    assert [text.get_text() for text in panel.get_yticklabels()] == list(MODELS)
    texts, _ = cells(drawing.figure)
    np.testing.assert_allclose(texts.astype(float)[:, :3], expected, atol=0.051)


def test_what_lacks_folds_is_hatched(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"d": 60, "e": 40}, missing=1)
    drawing = make(evidence, Choice())
    texts, _ = cells(drawing.figure)
    gaps = [["-" if number == 3 and column else None for column in range(3)] for number in range(4)]
    assert [[text if text == "-" else None for text in row] for row in texts] == gaps
    hatched = [p for p in drawing.figure.axes[0].patches if isinstance(p, Rectangle)]
    assert [patch.get_xy() for patch in hatched] == [(0.5, 2.5), (1.5, 2.5)]
    assert drawing.data["all"].isna().tolist() == [False, False, False, True]


def test_chosen_models_keep_their_ranks_among_all(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"d": 60})
    drawing = make(evidence, Choice(models=("C", "B")))
    assert list(drawing.data["model"]) == ["C", "B"]
    assert drawing.data["KLdiv"].tolist() == [4, 1]


def test_datasets_may_have_the_names_of_our_columns(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"all": 60, "model": 40})
    data = make(evidence, Choice()).data
    assert list(data.columns) == ["model", "all", "model", "all"]
    expected = [brute_ranks(evidence, name)[:, :7].mean(axis=1) for name in ("all", "model")]
    np.testing.assert_allclose(data.iloc[:, 1:3].T, expected)
    np.testing.assert_allclose(data.iloc[:, 3], np.mean(expected, axis=0))


def test_long_names_of_columns_are_slanted(tmp_path):
    few = make_evidence(tmp_path, MODELS, {"d": 20, "e": 20})
    many = make_evidence(tmp_path, MODELS, {f"dataset {i}": 20 for i in range(12)}, folds=2)
    for evidence, rotation in ((few, 0), (many, 40)):
        labels = make(evidence, Choice()).figure.axes[0].get_xticklabels()
        assert {label.get_rotation() for label in labels} == {rotation}
