"""Calibration: means in bins of predicted shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made import make_evidence

from benchmark.figures.calibration import calibration, make
from benchmark.figures.choice import Choice

shares = st.floats(0, 1) | st.sampled_from([i / 10 for i in range(11)])
pairs = arrays(float, st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 4)), elements=shares)


def brute(D, P):
    """Bin by bin and share by share: low, predicted, true, count; and the error."""
    rows, error = [], 0.0
    for place in range(10):
        low, high = place / 10, (place + 1) / 10
        inside = [(p, d) for p, d in zip(P.ravel(), D.ravel(), strict=True)
                  if low <= p < high or (place == 9 and p == 1)]  # fmt: skip
        if inside:
            p, d = np.mean(inside, axis=0)
            rows.append((low, p, d, len(inside)))
            error += len(inside) / P.size * abs(p - d)
    return rows, error


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(pairs)
def test_bins_are_those_of_brute_force(pair):
    D, P = pair
    table = calibration(D, P)
    rows, error = brute(D, P)
    np.testing.assert_allclose(table[["low", "predicted", "true", "count"]], rows)
    np.testing.assert_allclose(table["error"], error, atol=1e-12)
    assert table["count"].sum() == P.size
    assert (table["count"] > 0).all()
    assert (table["low"] <= table["predicted"] + 1e-12).all()
    assert (table["predicted"] <= table["high"] + 1e-12).all()


@settings(deadline=None, max_examples=20)
@given(pairs)
def test_perfect_predictions_lie_on_the_diagonal(pair):
    table = calibration(pair[0], pair[0])
    assert (table["predicted"] == table["true"]).all()
    assert (table["error"] == 0).all()


def test_a_share_on_an_end_is_in_the_upper_bin():
    ends = np.arange(11) / 10
    table = calibration(ends[None], ends[None])
    np.testing.assert_allclose(table["low"], ends[:-1])
    assert table["count"].tolist() == [1] * 9 + [2]


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_drawing_shows_the_numbers(tmp_path, repeats):
    evidence = make_evidence(tmp_path, {"A": 0.5, "B": 0.0}, {"d": 40}, repeats=repeats)
    drawing = make(evidence, Choice())
    truth = evidence.plan.truths["d"]
    for name, panel in zip("AB", drawing.figure.axes, strict=True):
        parts = [(truth.D[truth.folds.test(task.repeat, task.fold)], result.predictions)
                 for task, result in evidence.results.items() if task.model == name]  # fmt: skip
        D, P = (np.concatenate(side) for side in zip(*parts, strict=True))
        rows, error = brute(D, P)
        mine = drawing.data[drawing.data["model"] == name]
        np.testing.assert_allclose(mine[["low", "predicted", "true", "count"]], rows)
        assert mine["count"].sum() == 40 * 3 * repeats
        diagonal, curve = panel.get_lines()
        assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
        np.testing.assert_allclose(curve.get_xydata(), [row[1:3] for row in rows])
        heights = [bar.get_height() for bar in panel.patches]
        np.testing.assert_allclose(heights, [0.3 * row[3] / P.size for row in rows])
        assert [bar.get_x() for bar in panel.patches] == [row[0] for row in rows]
        assert panel.texts[0].get_text() == f"ECE {error:.3f}"
        assert panel.get_title() == name
        assert (panel.get_xlim(), panel.get_ylim()) == ((0, 1), (0, 1))
    assert panel.texts[0].get_text() == "ECE 0.000"  # B is perfect


def test_every_column_of_panels_has_its_axis(tmp_path):
    evidence = make_evidence(tmp_path, {f"m{i}": 0.1 for i in range(7)}, {"d": 20}, folds=2)
    panels = make(evidence, Choice()).figure.axes
    labelled = [i for i, panel in enumerate(panels[:7])
                if panel.xaxis.get_tick_params()["labelbottom"]]  # fmt: skip
    assert labelled == [2, 3, 4, 5, 6]
