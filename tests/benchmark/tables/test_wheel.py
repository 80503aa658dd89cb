"""The table of the wheel ablation: gains fold by fold, their signs, and what is left open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.errors import UsageError
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Truth
from benchmark.tables.wheel import wheel_grid, wheel_table

FOLDS = Folds(np.array([[0], [1], [0], [1]]))


def make_plan(models, datasets=("art", "photo"), folds=FOLDS):
    D = np.eye(2)[[0, 1, 0, 1]]
    truths = {
        name: Truth(name=name, fingerprint=name, label_names=("a", "b"), ids=tuple("0123"), D=D,
                    folds=folds)
        for name in datasets
    }  # fmt: skip
    described = {name: {"model": "EW-MTCNN", "params": params} for name, params in models.items()}
    inputs = {name: dict.fromkeys(models, "") for name in datasets}
    return Plan("p", 0, truths, described, inputs)


def scores_of(values):
    """Values: model -> measure -> one value per fold."""
    rows = [
        ("art", model, 0, fold, measure, value)
        for model, measures in values.items()
        for measure, folds in measures.items()
        for fold, value in enumerate(folds)
    ]
    return pd.DataFrame(rows, columns=["dataset", "model", "repeat", "fold", "measure", "value"])


def test_the_wheel_table_compares_fold_by_fold():
    common = {"wheel_trainable": False, "reading": "mixture"}
    models = {
        "no wheel": {"wheel": "none", **common},
        "prior": {"wheel": "prior", **common},
        "lacks a fold": {"wheel": "random", "wheel_trainable": True, "reading": "logit"},
    }
    scores = scores_of(
        {
            "no wheel": {"accuracy": [0.5, 0.6], "kl_divergence": [1.0, 1.2]},
            "prior": {"accuracy": [0.7, 0.5], "kl_divergence": [0.8, 1.1]},
            "lacks a fold": {"accuracy": [0.9], "kl_divergence": [0.1]},
        }
    )
    table = wheel_table(make_plan(models, ("art",)), scores).set_index("model")
    assert table.loc["prior", "accuracy"] == pytest.approx(0.6)
    assert table.loc["prior", "accuracy_gain"] == pytest.approx(0.05)
    assert table.loc["prior", "accuracy_folds_won"] == 1
    # A smaller divergence is better, so the gain is positive.
    assert table.loc["prior", "kl_divergence_gain"] == pytest.approx(0.15)
    assert table.loc["prior", "kl_divergence_folds_won"] == 2
    assert table.loc["no wheel", "accuracy_gain"] == 0
    assert np.isnan(table.loc["lacks a fold", "accuracy"])
    assert table.loc["lacks a fold", "folds"] == 1
    assert bool(table.loc["lacks a fold", "trained"])
    grid = wheel_grid(table.reset_index(), [])
    untested = ["-", "no test"]  # of two folds
    assert grid.rows[0] == ["art", "no wheel", "55.00", "", "", "", "1.1000", "", "", ""]
    assert grid.rows[1] == [
        "art", "prior", "60.00", "+5.00 (1/2)", *untested, "0.9500", "+0.1500 (2/2)", *untested
    ]  # fmt: skip
    assert grid.rows[2] == ["art", "lacks a fold", *["-"] * 8]
    assert grid.notes[:2] == [
        "art, prior: KLdiv is 0.9500 with the wheel as published and 1.1000 without one: the wheel "
        "gains 0.1500, without a test.",
        "art, prior: Accuracy % is 60.00 with the wheel as published and 55.00 without one: the "
        "wheel gains 5.00 points, without a test.",
    ]


def test_gains_have_the_corrected_test_of_each_variant_against_no_wheel():
    """The numbers by the formula of Nadeau and Bengio, and Holm's by hand."""
    common = {"wheel_trainable": False, "reading": "mixture"}
    models = {name: {"wheel": wheel, **common}
              for name, wheel in (("prior", "prior"), ("no wheel", "none"), ("random", "random"),
                                  ("identity", "identity"))}  # fmt: skip
    bare = np.array([0.40, 0.38, 0.41, 0.39])
    kl = {
        "no wheel": bare,
        "prior": bare + np.array([0.05, 0.03, 0.04, 0.048]),
        "identity": bare + 1e-9,
        "random": bare + np.array([0.1, -0.1, 0.05, 0.0]),
    }
    scores = scores_of(
        {name: {"accuracy": [0.5] * 4, "kl_divergence": values} for name, values in kl.items()}
    )
    plan = make_plan(models, ("art",), Folds(np.arange(4)[:, None]))
    frame = wheel_table(plan, scores)
    table = frame.set_index("model")
    for name in ("random", "prior"):
        d = bare - kl[name]
        scale = np.sqrt((1 / 4 + 1 / 3) * d.var(ddof=1))
        half = stats.t.ppf(0.975, 3) * scale
        row = table.loc[name]
        assert row["kl_divergence_gain"] == pytest.approx(d.mean())
        assert row["kl_divergence_p"] == pytest.approx(2 * stats.t.sf(abs(d.mean() / scale), 3))
        assert row["kl_divergence_low"] == pytest.approx(d.mean() - half)
        assert row["kl_divergence_high"] == pytest.approx(d.mean() + half)
    p = table["kl_divergence_p"]
    assert np.isnan(p["no wheel"])
    assert np.isnan(p["identity"])
    assert table.loc["prior", "kl_divergence_p_holm"] == pytest.approx(2 * p["prior"])
    assert table.loc["random", "kl_divergence_p_holm"] == pytest.approx(p["random"])
    grid = wheel_grid(frame, ["a remark"])
    row = {row[1]: row for row in grid.rows}["prior"]
    tested = [f"{-0.042 - half:+.4f} to {-0.042 + half:+.4f}", f"{2 * p['prior']:.4f} *"]
    assert row[6:] == ["0.4370", "-0.0420 (0/4)", *tested]
    assert grid.notes[0] == (
        f"art, prior: KLdiv is 0.4370 with the wheel as published and 0.3950 without one: the "
        f"wheel costs 0.0420 (gain {tested[0]}, p = {2 * p['prior']:.4f}, significant)."
    )
    assert grid.notes[1] == (
        "art, prior: Accuracy % is 50.00 with the wheel as published and 50.00 without one: the "
        "wheel changes nothing."
    )
    assert grid.notes[-1] == "a remark"


def test_a_run_without_networks_has_no_wheel_table():
    plan = make_plan({"AA-kNN": {"k": 4}})
    with pytest.raises(UsageError, match="no network without a wheel"):
        wheel_table(plan, scores_of({}))
