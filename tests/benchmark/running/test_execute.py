"""A task is done: predictions where it goes well, and a sentence where it does not."""

from __future__ import annotations

import numpy as np

from benchmark.planning.inputs import Matrix
from benchmark.planning.models import Model
from benchmark.planning.tasks import Task
from benchmark.plugins.registry import find_model
from benchmark.running.execute import Work, execute


def run_one(problem, model, marker):
    X, D = problem
    task = Task("d", "m", 0, 0, None, "0" * 64)
    rows = np.arange(len(X))
    return execute(task, marker, Work(model, Matrix(X), D, rows[:40], rows[40:]))


def test_execute_is_fit_and_predict(problem, tmp_path):
    from baselines import AAKNN

    model = Model("m", find_model("AA-kNN"), {"k": 3, "scaling": "none"}, 1)
    outcome = run_one(problem, model, marker=tmp_path / "marker")
    X, D = problem
    expected = AAKNN(k=3).fit(X[:40], D[:40]).predict(X[40:])
    assert np.array_equal(outcome.predictions, expected)
    assert outcome.error == ""
    assert outcome.fit_seconds > 0
    assert outcome.predict_seconds > 0
    assert not (tmp_path / "marker").exists()


def test_execute_tells_what_went_wrong(problem, tmp_path):
    model = Model("m", find_model("AA-kNN"), {"k": 0}, 1)
    outcome = run_one(problem, model, marker=tmp_path / "marker")
    assert outcome.predictions is None
    assert outcome.error.startswith("ValueError: k must be")
    assert "Traceback" in outcome.trace
