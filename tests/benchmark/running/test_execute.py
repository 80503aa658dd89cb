"""A task is done: predictions where it goes well, and a sentence where it does not."""

from __future__ import annotations

import numpy as np
from openmp_copy import copy_openmp, load_with_threads

from baselines.base import LDLEstimator
from benchmark.planning.inputs import Matrix
from benchmark.planning.models import Model
from benchmark.planning.tasks import Task
from benchmark.plugins.registry import Entry, find_model
from benchmark.running.execute import Work, execute
from features import one_thread


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


def test_a_library_that_a_model_loads_has_one_thread_in_the_next_task(
    problem, tmp_path, monkeypatch
):
    """Libraries are looked for again then, and only then."""
    scans, seen, path = [], [], copy_openmp(tmp_path)
    scan = one_thread.ThreadpoolController

    class Loads(LDLEstimator):
        def _fit(self, X, D):
            if not seen:
                seen.append(load_with_threads(path, 3))
            seen.append(seen[0].omp_get_max_threads())
            self.mean = D.mean(axis=0)

        def _predict(self, X):
            return np.tile(self.mean, (len(X), 1))

    model = Model("m", Entry("m", Loads), {}, 1)
    run_one(problem, Model("m", find_model("AA-kNN"), {}, 1), tmp_path / "marker")  # loads others
    monkeypatch.setattr(one_thread, "ThreadpoolController", lambda: scans.append(1) or scan())
    outcomes = [run_one(problem, model, tmp_path / "marker") for _ in range(3)]
    assert [outcome.error for outcome in outcomes] == [""] * 3
    assert (seen[1:], len(scans)) == ([3, 1, 1], 1)
