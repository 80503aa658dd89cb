"""The table of the wheel ablation: gains fold by fold, their signs, and what is left open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import UsageError
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Truth
from benchmark.tables.wheel import wheel_grid, wheel_table

FOLDS = Folds(np.array([[0], [1], [0], [1]]))


def make_plan(models, datasets=("art", "photo")):
    D = np.eye(2)[[0, 1, 0, 1]]
    truths = {
        name: Truth(name=name, fingerprint=name, label_names=("a", "b"), ids=tuple("0123"), D=D,
                    folds=FOLDS)
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
    assert grid.rows[0] == ["art", "no wheel", "55.00", "", "1.1000", ""]
    assert grid.rows[1] == ["art", "prior", "60.00", "+5.00 (1/2)", "0.9500", "+0.1500 (2/2)"]
    assert grid.rows[2] == ["art", "lacks a fold", "-", "", "-", ""]


def test_a_run_without_networks_has_no_wheel_table():
    plan = make_plan({"AA-kNN": {"k": 4}})
    with pytest.raises(UsageError, match="no network without a wheel"):
        wheel_table(plan, scores_of({}))
