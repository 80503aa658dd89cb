"""Figure 5: the curve's numbers, and files that are what they claim."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark.errors import UsageError
from benchmark.figures.base import written
from benchmark.figures.sigma import draw_sigma_curve, sigma_curve
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Truth

FOLDS = Folds(np.array([[0], [1]]))


def make_run(sigmas):
    truths, rows = {}, []
    for sigma in sigmas:
        name = f"art-{sigma}"
        truths[name] = Truth(
            name, name, ("a", "b"), ("0", "1"), np.eye(2), None, FOLDS, sigma=sigma
        )
        rows.append((name, "EW-MTCNN", "model", sigma or 0.3, 0.1, 1.0 - (sigma or 0), 0.2))
        rows.append((name, "uniform", "trivial", 0.0, 0.0, 9.0, 0.0))
    columns = ["dataset", "model", "kind", "accuracy", "accuracy_std", "kl_divergence",
               "kl_divergence_std"]  # fmt: skip
    plan = Plan("p", 0, truths, {"EW-MTCNN": {}}, {name: {"EW-MTCNN": ""} for name in truths})
    return plan, pd.DataFrame(rows, columns=columns)


def test_the_curve_is_in_the_order_of_sigma_and_has_models_only():
    curve = sigma_curve(*make_run([0.6, 0.0, None, 0.3]))
    assert list(curve["sigma"]) == [0.0, 0.3, 0.6]
    assert list(curve["accuracy"]) == [0.3, 0.3, 0.6]
    assert set(curve["model"]) == {"EW-MTCNN"}


def test_a_run_without_sigmas_is_told():
    with pytest.raises(UsageError, match="--protocol figure5"):
        sigma_curve(*make_run([None, 0.6]))


@pytest.mark.slow
def test_files_are_of_their_format_and_repeatable():
    curve = sigma_curve(*make_run([0.0, 0.5, 1.0]))
    first, second = (draw_sigma_curve(curve) for _ in range(2))
    assert written(first, "pdf").startswith(b"%PDF")
    assert b"<svg" in written(first, "svg")
    assert Image.open(io.BytesIO(written(first, "png"))).size == (1400, 600)
    for kind in ("pdf", "svg", "png"):
        assert written(first, kind) == written(second, kind)


def test_lines_are_the_curve():
    curve = sigma_curve(*make_run([0.0, 0.5, 1.0]))
    left, right = draw_sigma_curve(curve).axes
    for panel, column, factor in ((left, "accuracy", 100), (right, "kl_divergence", 1)):
        line = panel.containers[0].lines[0]
        assert list(line.get_xdata()) == [0.0, 0.5, 1.0]
        np.testing.assert_allclose(line.get_ydata(orig=False), factor * curve[column])
    assert left.get_title().endswith("↑")
    assert right.get_title().endswith("↓")
