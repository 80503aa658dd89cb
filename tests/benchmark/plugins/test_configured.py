"""A learner with settings as a class: defaults, clones, code, and what cannot be one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from baselines import AAKNN, SABFGS, from_regressor
from benchmark.errors import UsageError
from benchmark.plugins import registry
from benchmark.plugins.configured import class_of, code_of, origin
from benchmark.plugins.contract import check_model
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
    register("Session-kNN", AAKNN(k=9))
    register("Session-kNN", AAKNN(k=11))
    assert find_model("Session-kNN").load()().k == 11
    assert find_model("Session-kNN").source == "session"


def test_a_class_may_be_registered_at_once():
    register("Session-BFGS", SABFGS)
    assert find_model("Session-BFGS").load() is SABFGS
