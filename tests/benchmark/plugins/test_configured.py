"""A learner with settings as a class: defaults, clones, code, and what cannot be one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor, StackingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from baselines import AAKNN, SABFGS, from_regressor
from baselines.regressors import FromRegressor
from baselines.simplex import project
from benchmark.errors import UsageError
from benchmark.plugins import registry
from benchmark.plugins.configured import class_of, code_of, origin
from benchmark.plugins.contract import check_model, check_plugin
from benchmark.plugins.registry import find_model, load_plugin, register
from benchmark.running.worker import dumps, loads


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Forget afterwards what a test registers."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


def test_the_settings_are_the_defaults_of_the_class(problem):
    X, D = problem
    learner = from_regressor(Ridge(alpha=7.0), "clip")
    cls = class_of(learner, "Mine")
    made = cls()
    assert made.get_params()["estimator__alpha"] == 7.0
    assert made.output == "clip"
    assert clone(made).set_params(estimator__alpha=1.0).estimator.alpha == 1.0
    made.set_params(estimator__alpha=2.0)
    assert cls().estimator.alpha == learner.estimator.alpha == 7.0, "made anew each time"
    expected = learner.fit(X, D).predict(X)
    np.testing.assert_array_equal(cls().fit(X, D).predict(X), expected)
    np.testing.assert_array_equal(loads(dumps([cls]))[0]().fit(X, D).predict(X), expected)
    assert class_of(AAKNN(k=9), "Nine")().k == 9
    with pytest.raises(TypeError, match="Mine has no setting 'colour'"):
        cls(colour="red")


def test_such_a_class_follows_the_contract():
    assert check_model(class_of(from_regressor(Ridge()), "Mine")) == []


@pytest.mark.parametrize("thing", [Ridge, 3, object()])
def test_what_is_no_learner_is_refused(thing):
    with pytest.raises(UsageError, match="'Mine' cannot be registered"):
        class_of(thing, "Mine")


def test_code_is_told_by_versions_and_files():
    assert origin(AAKNN) == ""
    assert origin(Ridge).startswith("scikit-learn==")
    assert code_of(AAKNN(k=9)) == "session"
    assert code_of(from_regressor(Ridge())) == f"session  {origin(Ridge)}"


PLUGIN = """
from sklearn.linear_model import Ridge
from baselines import from_regressor
from benchmark import register

register("My-ridge", from_regressor(Ridge(alpha=3.0), "softmax"))
"""


def test_a_plugin_registers_a_learner(tmp_path, problem):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    assert load_plugin(path) == ["My-ridge"]
    entry = loads(dumps(find_model("my-ridge").portable()))
    assert entry.load()().get_params()["estimator__alpha"] == 3.0
    path.write_text(PLUGIN.replace("My-ridge", "AA-kNN"))
    with pytest.raises(UsageError, match="the name 'AA-kNN' is taken by baselines:AAKNN"):
        load_plugin(path)


def test_a_session_registers_a_learner_again_with_other_settings():
    with pytest.raises(UsageError, match="the name 'AA-kNN' is taken by baselines:AAKNN"):
        register("AA-kNN", AAKNN(k=9))  # which was silently the one with the published settings
    register("Session-kNN", AAKNN(k=9))
    register("Session-kNN", AAKNN(k=11))
    assert find_model("Session-kNN").load()().k == 11
    assert find_model("Session-kNN").source == "session"


def test_a_class_may_be_registered_at_once():
    register("Session-BFGS", SABFGS)
    assert find_model("Session-BFGS").load() is SABFGS


@pytest.mark.filterwarnings("ignore")  # of the search, of what cannot be fitted
def test_a_search_over_a_learner_follows_the_contract():
    register("Searched", GridSearchCV(AAKNN(), {"k": [2, 4, 8]}, cv=3))
    assert check_model(find_model("Searched").load()) == []


def test_the_adapter_is_put_around_a_plain_regressor(problem):
    """scikit-learn's regressors become learners; what holds a learner, or is somebody's own, not.

    Also of a class in a session: ``register("RF")(RandomForestRegressor)``.
    """
    X, D = problem
    assert register("RF-class")(RandomForestRegressor) is RandomForestRegressor
    register("RF", RandomForestRegressor(n_estimators=7))
    made = loads(dumps(find_model("RF").portable())).load()(random_state=3)
    forest = RandomForestRegressor(n_estimators=7, random_state=3).fit(X, D)
    np.testing.assert_allclose(made.fit(X, D).predict(X), project(forest.predict(X)), atol=1e-12)
    assert find_model("RF-class").load()().estimator.n_estimators == 100
    register("Steps", make_pipeline(StandardScaler(), Ridge()))
    assert issubclass(find_model("Steps").load(), FromRegressor)
    register("Steps-kNN", make_pipeline(StandardScaler(), AAKNN()))
    assert issubclass(find_model("Steps-kNN").load(), Pipeline)
    search = GridSearchCV(AAKNN(), {"k": [2, 4, 8]}, cv=3)
    register("Searched", search)
    tuned = find_model("Searched").load()()
    np.testing.assert_array_equal(tuned.fit(X, D).predict(X), search.fit(X, D).predict(X))
    register("Own", Own)
    assert find_model("Own").load() is Own
    with pytest.raises(UsageError, match=r"register\(NAME, StackingRegressor\(..\)\)"):
        register("Stack", StackingRegressor)


class Own(Ridge):
    """A regressor of this file, which may keep the contract by itself."""


RANDOM_FOREST = """
from sklearn.ensemble import RandomForestRegressor
from benchmark import register

register("RF", RandomForestRegressor(n_estimators=5))
"""


def test_a_registered_random_forest_passes_the_check_and_runs(command, small, tmp_path):
    path = tmp_path / "forest.py"
    path.write_text(RANDOM_FOREST)
    assert check_plugin(path) == []
    done = command("run", "RF", "AA-kNN", "--plugin", path, "--dataset", small, "--folds", "2",
                   "--jobs", "1", "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "run" / "table3.csv").set_index("model")
    assert table.loc["RF", "kl_divergence"] < table.loc["uniform", "kl_divergence"]
    assert "RandomForestRegressor" in (tmp_path / "run" / "run.json").read_text()
