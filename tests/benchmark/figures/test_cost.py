"""Time against quality: the front by brute force, in both directions."""

from __future__ import annotations

import numpy as np
import pytest
from made import make_evidence

from benchmark.figures.choice import Choice
from benchmark.figures.cost import make
from benchmark.metrics import MEASURES

MODELS = {"A": 0.5, "B": 0.1, "C": 0.9, "D": 0.3, "E": 0.6, "F": 0.2}


@pytest.fixture
def evidence(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"d": 60, "other": 30}, repeats=2)
    rng = np.random.default_rng(1)
    times = dict(zip(MODELS, [1.0, 30.0, 2.0, 3.0, 0.5, 90.0], strict=True))
    for task, result in evidence.results.items():
        result.record["fit_seconds"] = times[task.model] * rng.uniform(0.9, 1.1)
        result.record["predict_seconds"] = 0.1 * times[task.model]
    return evidence


def brute(evidence, measure):
    """Seconds and quality of every model, fold by fold, and who is not beaten."""
    truth = evidence.plan.truths["d"]
    found = {name: ([], []) for name in MODELS}
    for task, result in evidence.results.items():
        if task.dataset == "d":
            D = truth.D[truth.folds.test(task.repeat, task.fold)]
            seconds = result.record["fit_seconds"] + result.record["predict_seconds"]
            found[task.model][0].append(seconds)
            found[task.model][1].append(measure.function(D, result.predictions).mean())
    means = {name: tuple(map(np.mean, both)) for name, both in found.items()}
    front = []
    for name, (seconds, value) in means.items():
        beaten = False
        for s, v in means.values():
            better = v > value if measure.higher_is_better else v < value
            beaten |= better and s <= seconds
        if not beaten:
            front.append(name)
    return means, front


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_the_front_is_what_nothing_beats(evidence, measure):
    drawing = make(evidence, Choice(measure=measure.name))
    means, front = brute(evidence, measure)
    data = drawing.data.set_index("model")
    np.testing.assert_allclose(data[["seconds", "value"]], list(means.values()))
    assert sorted(data.index[data["front"]]) == sorted(front)
    assert {"B", "E"} <= set(front)  # the best and the quickest
    assert "F" not in front  # slower and worse than B
    (panel,) = drawing.figure.axes
    factor = 100 if measure.percent else 1
    lines = panel.get_lines()
    points = [line.get_xydata()[0] for line in lines if line.get_linestyle() == "None"]
    expected = [(s, factor * v) for s, v in means.values()]
    np.testing.assert_allclose(points, expected)
    (steps,) = (line for line in lines if line.get_drawstyle() == "steps-post")
    ordered = sorted((means[name][0], factor * means[name][1]) for name in front)
    np.testing.assert_allclose(steps.get_xydata(), ordered)
    values = [value for _, value in ordered]  # who takes longer is better
    assert values == sorted(values, reverse=not measure.higher_is_better)
    arrow, word = ("↑", "higher") if measure.higher_is_better else ("↓", "lower")
    assert panel.get_ylabel() == f"{measure.title} {arrow}"
    assert f"{word} is better" in drawing.caption


def test_kl_divergence_is_shown_unless_another_measure_is_chosen(evidence):
    panel = make(evidence, Choice()).figure.axes[0]
    assert panel.get_ylabel() == "KLdiv ↓"
    assert panel.get_xscale() == "log"


def test_the_dashed_line_is_the_mean_distribution(evidence):
    truth = evidence.plan.truths["d"]
    values = []
    for repeat in range(2):
        for fold in range(5):
            D = truth.D[truth.folds.test(repeat, fold)]
            mean = truth.D[truth.folds.train(repeat, fold)].mean(axis=0)
            values.append(100 * np.mean(D.argmax(axis=1) == mean.argmax()))
    panel = make(evidence, Choice(measure="accuracy")).figure.axes[0]
    (line,) = (line for line in panel.get_lines() if line.get_linestyle() == "--")
    np.testing.assert_allclose(line.get_ydata(), np.mean(values))


def test_equal_models_are_both_on_the_front(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.0, "B": 0.0, "C": 0.5}, {"d": 30})
    assert make(evidence, Choice()).data["front"].tolist() == [True, True, False]


def test_of_equally_quick_models_the_best_is_the_front(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.5, "B": 0.1, "C": 0.3}, {"d": 30})
    for result in evidence.results.values():
        result.record["fit_seconds"] = 1.0
    for measure in ("kl_divergence", "cosine"):
        data = make(evidence, Choice(measure=measure)).data
        assert data["front"].tolist() == [False, True, False]


def test_what_is_far_out_is_told(tmp_path):
    models = {f"m{i}": 0.02 + 0.002 * i for i in range(7)} | {"bad": 0.95}
    drawing = make(make_evidence(tmp_path, models, {"d": 200}), Choice(measure="chebyshev"))
    value = drawing.data.set_index("model").loc["bad", "value"]
    assert f"Outside the panel: bad ({value:.4g})." in drawing.caption
    assert "bad" in set(drawing.data["model"])
    legend = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert legend == [f"m{i}" for i in range(7)]


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e5])
def test_ticks_are_plain_numbers(evidence, factor):
    for result in evidence.results.values():
        result.record["fit_seconds"] *= factor
        result.record["predict_seconds"] *= factor
    figure = make(evidence, Choice()).figure
    figure.draw_without_rendering()
    axis = figure.axes[0].xaxis
    for label in (*axis.get_ticklabels("major"), *axis.get_ticklabels("minor")):
        text, place = label.get_text(), label.get_position()[0]
        assert not text or float(text) == pytest.approx(place, rel=1e-5)
    assert any(label.get_text() for label in axis.get_ticklabels("minor"))
