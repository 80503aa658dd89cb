"""Models and datasets given in Python as they are.

Tests `benchmark.plugins.given`, `benchmark.plugins.session`, `benchmark.plugins.model_names` and
`benchmark.datasets.given`.
"""

from __future__ import annotations

import linecache
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from baselines import AAKNN, SABFGS, LDLEstimator, from_regressor
from benchmark import UsageError, make_dataset, models, register
from benchmark.datasets.given import tell_apart
from benchmark.files.reading import make_reading
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import load_protocol
from benchmark.plugins.configured import class_code
from benchmark.plugins.given import offered, row_name
from benchmark.plugins.regressors import add_regressors


class Mine(LDLEstimator):
    """A method of one's own, with a setting."""

    def __init__(self, power=1.0):
        self.power = power

    def _fit(self, X, D):
        self.mean_ = D.mean(axis=0)

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))


def chosen(*given):
    """Return the rows that `run` makes of what is given."""
    protocol = load_protocol("paper")
    with offered(given) as offer:
        return choose_models(replace(protocol, models=offer.rows), offer.names)


def by_name(name, **settings):
    """Return what determines the results of a protocol's row of the same settings."""
    protocol = load_protocol("paper")
    row = {"row": {"model": name, **settings}}
    return choose_models(replace(protocol, models=row), ["row"])[0].describe()


def test_a_configured_model_is_the_row_of_a_protocol_with_the_same_settings(clean_registry):
    rows = chosen(
        AAKNN(k=3), AAKNN, SABFGS(), Mine, Mine(power=2),
        RandomForestRegressor(n_estimators=5, random_state=1), RandomForestRegressor,
        Ridge(alpha=3), from_regressor(Ridge(), smoothing=0.1),
    )  # fmt: skip
    assert {row.name for row in rows} == {
        "AA-kNN (k=3)", "AA-kNN", "SA-BFGS", "Mine", "Mine (power=2)",
        "RandomForestRegressor (n_estimators=5, random_state=1)", "RandomForestRegressor",
        "Ridge (sklearn.linear_model, alpha=3)", "Ridge (sklearn.linear_model, smoothing=0.1)",
    }  # fmt: skip
    found = {row.name: row.describe() for row in rows}
    assert "Mine" not in models()  # it was registered for this run alone
    assert found["AA-kNN (k=3)"] == by_name("AA-kNN", k=3)
    assert found["AA-kNN"] == by_name("AA-kNN")
    add_regressors(["sklearn.ensemble:RandomForestRegressor", "sklearn.linear_model:Ridge"])
    forest = by_name("RandomForestRegressor", estimator__n_estimators=5, estimator__random_state=1)
    assert found["RandomForestRegressor (n_estimators=5, random_state=1)"] == forest
    name = "Ridge (sklearn.linear_model)"
    assert found["Ridge (sklearn.linear_model, alpha=3)"] == by_name(name, estimator__alpha=3)
    register("Mine", Mine)
    assert found["Mine (power=2)"] == by_name("Mine", power=2)


def test_learners_that_are_made_of_others_have_names_and_what_is_no_model_is_told(clean_registry):
    rows = chosen(
        make_pipeline(StandardScaler(), Ridge()),
        GridSearchCV(AAKNN(), {"k": [2, 4]}),
    )
    assert [row.name for row in rows] == ["StandardScaler + Ridge", "GridSearchCV (AAKNN)"]
    assert isinstance(rows[0].params["estimator"].steps[0][1], StandardScaler)
    for wrong in (42, None, np.ones(3), object):
        with pytest.raises(UsageError, match="is no model: give a name, a class or a learner"):
            chosen(wrong)
    with pytest.raises(UsageError, match=r"'AA-kNN \(k=3\)' is named twice"):
        chosen(AAKNN(k=3), AAKNN(k=3))
    two = [make_pipeline(StandardScaler(), Ridge(alpha=alpha)) for alpha in (1, 9)]
    with pytest.raises(UsageError, match=r"'StandardScaler \+ Ridge' is named twice; .*register"):
        chosen(*two)
    register("Nine", two[1])  # as the message says
    assert [row.name for row in chosen(two[0], "Nine")] == ["StandardScaler + Ridge", "Nine"]


def test_names_of_rows_fit_a_table_and_stay_different():
    one, two = (row_name("A", {"weights": [*range(60), last]}) for last in (1, 2))
    assert len(one) <= 80
    assert one != two
    assert row_name("A", {"x": None, "estimator__x": True}) == "A (x=None, estimator__x=True)"


CELL = """
from baselines import LDLEstimator
SHARE = 0.5
def blend(D):
    return SHARE * D.mean(axis=0) + (1 - SHARE) * D.mean()
class Cell(LDLEstimator):
    def _fit(self, X, D):
        self.mean_ = blend(D)
    def _predict(self, X):
        return self.mean_ + 0 * X[:, :1]
"""


def of_cell(text, name):
    """Run a text as a kernel runs a cell, and identify the class that it defines."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {"__name__": "cells_of_a_test"}
    exec(compile(text, name, "exec"), space)  # noqa: S102 - as a kernel does
    return class_code(space["Cell"])


def test_a_class_of_a_cell_is_known_by_its_text_and_by_all_that_it_uses():
    first = of_cell(CELL, "<cell 1>")
    assert first.startswith("session:")
    assert of_cell(f"# run again\n{CELL}\nunused = 1", "<cell 2>") == first
    changes = {"SHARE = 0.5": "SHARE = 0.6", "D.mean()": "D.max()", "+ 0 *": "- 0 *"}
    changed = {of_cell(CELL.replace(*change), "<cell 3>") for change in changes.items()}
    assert len(changed | {first}) == 4
    space = {"__name__": "cells_of_a_test"}
    exec(CELL, space)  # noqa: S102 - no text is kept
    assert class_code(space["Cell"]) == ""


def test_what_is_around_a_class_of_a_function_counts():
    def make(share):
        class Local(LDLEstimator):
            def _predict(self, X):
                return X * share

        return Local

    assert class_code(make(1)) == class_code(make(1)) != class_code(make(2))
    large, other = np.zeros(10**6), np.zeros(10**6)
    other[-1] = 1
    assert class_code(make(large)) == class_code(make(large.copy())) != class_code(make(other))


def test_datasets_are_names_arrays_frames_and_several_of_them(problem):
    X, D = problem
    usual = make_reading()
    frame = pd.DataFrame({**{f"x{j}": X[:, j] for j in range(X.shape[1])},
                          **{f"label:{j}": D[:, j] for j in range(4)}})  # fmt: skip
    votes = frame.rename(columns=lambda name: name.replace("label:", "emo_"))

    def names(datasets, reading=usual):
        given, named, _ = tell_apart(datasets, reading)
        return [data.name for data in given], named

    assert names("a.csv") == ([], ["a.csv"])
    assert names(("a.csv", "b.csv")) == ([], ["a.csv", "b.csv"])
    assert names((X, D)) == (["data"], [])
    assert names((X.tolist(), D.tolist())) == (["data"], [])
    assert names(frame) == (["data"], [])
    assert names([(X, D), "a.csv", frame]) == (["data", "data-2"], ["a.csv"])
    assert names({"one": (X, D), "two": frame}) == (["one", "two"], [])
    assert names([make_dataset("three", X, D), {"one": (X, D)}]) == (["three", "one"], [])
    assert names({"one": make_dataset("three", X, D)}) == (["one"], [])
    with pytest.raises(UsageError, match=r"'a\.csv' has a name already; give it in a list"):
        tell_apart({"one": "a.csv"}, usual)
    (data,), _, read = tell_apart(votes, make_reading(labels="emo_*", normalise=True))
    assert data.label_names == ("emo_0", "emo_1", "emo_2", "emo_3")
    assert read
    for wrong in (X, [X, D], 42, [None], (X, D, D)):
        with pytest.raises(UsageError, match="is no dataset: give a name, a file, a pair"):
            tell_apart(wrong, usual)
