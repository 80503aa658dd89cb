"""Figure 5: the curve's numbers, and files that are what they claim."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from PIL import Image

from benchmark.figures.base import written
from benchmark.figures.choice import Choice
from benchmark.figures.sigma import draw_sigma_curve, make, no_curve, sigma_curve
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Truth

FOLDS = Folds(np.array([[0], [1]]))


def make_run(sigmas):
    truths, rows = {}, []
    for sigma in sigmas:
        name = f"art-{sigma}"
        truths[name] = Truth(
            name=name,
            fingerprint=name,
            label_names=("a", "b"),
            ids=("0", "1"),
            D=np.eye(2),
            sigma=sigma,
            folds=FOLDS,
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


def test_a_run_without_sigmas_is_told(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.3}, {"x": 20, "y": 20})
    assert "--protocol figure5" in no_curve(evidence, Choice()).reason


def test_a_curve_needs_a_model_that_is_complete_at_two_widths(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.3, "B": 0.4}, {"x": 20, "y": 20, "z": 20}, missing=1)
    truths = {name: replace(truth, sigma=0.1 * number if name != "z" else None)
              for number, (name, truth) in enumerate(evidence.plan.truths.items())}  # fmt: skip
    inputs = {**evidence.plan.inputs, "y": {"A": ""}}
    evidence = replace(evidence, plan=replace(evidence.plan, truths=truths, inputs=inputs))
    assert no_curve(evidence, Choice()) is None
    assert set(make(evidence, Choice()).data["model"]) == {"A"}
    reason = no_curve(evidence, Choice(models=("B",))).reason
    assert reason.startswith("no model has all of its folds at two widths")
    evidence.plan.models["C"] = {}
    absent = no_curve(evidence, Choice(models=("A", "C")))
    assert absent.reason == "C did not run on a dataset whose labels were spread with a sigma"


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
