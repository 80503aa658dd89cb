"""Learning curves: mean and band over folds, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pytest
from made import make_evidence
from matplotlib.collections import PolyCollection

from benchmark.figures.base import model_style
from benchmark.figures.choice import Choice
from benchmark.figures.learning import make, no_curves


@pytest.fixture
def evidence(tmp_path):
    return make_evidence(tmp_path, {"plain": 0.5, "N1": 0.3, "N2": 0.1}, {"d": 40}, repeats=2)


def give_histories(evidence, names, epochs=(8, 5)):
    """Losses of every network, of different lengths: model -> list of histories."""
    rng = np.random.default_rng(0)
    found = {name: [] for name in names}
    for task, result in evidence.results.items():
        if task.model in names:
            history = rng.uniform(1, 2, epochs[task.fold % 2]).tolist()
            result.record["history"] = history
            found[task.model].append(history)
    return found


def test_curves_are_means_over_the_folds_that_reach_an_epoch(evidence):
    histories = give_histories(evidence, ["N1", "N2"])
    drawing = make(evidence, Choice())
    (panel,) = drawing.figure.axes
    bands = [c for c in panel.collections if isinstance(c, PolyCollection)]
    assert list(drawing.data["model"].unique()) == ["N1", "N2"]
    for name, line, band in zip(histories, panel.get_lines(), bands, strict=True):
        mine = drawing.data[drawing.data["model"] == name]
        assert mine["epoch"].tolist() == list(range(1, 9))
        for epoch, row in enumerate(mine.itertuples()):
            losses = [history[epoch] for history in histories[name] if epoch < len(history)]
            assert row.folds == len(losses) == (10 if epoch < 5 else 6)
            expected = (sum(losses) / len(losses), min(losses), max(losses))
            assert (row.mean, row.low, row.high) == pytest.approx(expected)
        np.testing.assert_allclose(line.get_ydata(), mine["mean"])
        np.testing.assert_allclose(line.get_xdata(), mine["epoch"])
        corners = band.get_paths()[0].vertices[:, 1]
        assert (corners.min(), corners.max()) == (mine["low"].min(), mine["high"].max())
        assert line.get_color() == model_style(["plain", "N1", "N2"], name)["color"]
    legend = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert legend == ["N1", "N2"]


def test_one_epoch_is_seen_as_a_point(evidence):
    give_histories(evidence, ["N1"], (1, 1))
    (line,) = make(evidence, Choice()).figure.axes[0].get_lines()
    assert line.get_marker() not in ("", "None")
    assert line.get_markevery() == (0, 1)


def test_many_epochs_have_few_markers(evidence):
    give_histories(evidence, ["N1", "N2"], (200, 200))
    starts = [line.get_markevery() for line in make(evidence, Choice()).figure.axes[0].get_lines()]
    assert starts == [(0, 20), (1, 20)]


def test_a_run_without_networks_is_told(evidence):
    reason = no_curves(evidence, Choice()).reason
    assert reason.startswith("no model recorded the loss of its epochs")
    assert ". " not in reason
