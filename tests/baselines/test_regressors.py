"""Any regressor as a learner: outputs, seeds, nested parameters, and what is no regressor."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from baselines import AAKNN, from_regressor
from baselines.simplex import clip, from_log_ratios, log_ratios, project


@pytest.fixture
def steep(problem):
    """Training and test rows on which a linear regression leaves the simplex."""
    X, D = problem
    return X[:40], D[:40], X[40:] * 5


def test_outputs_are_made_of_what_the_regressor_predicts(steep):
    X, D, new = steep
    values = Ridge(0.1).fit(X, D).predict(new)
    assert (values < 0).any()
    made = {
        output: from_regressor(Ridge(0.1), output).fit(X, D).predict(new)
        for output in ("project", "clip", "softmax")
    }
    np.testing.assert_allclose(made["project"], project(values), atol=1e-12)
    np.testing.assert_allclose(made["clip"], clip(values, D.mean(axis=0)), atol=1e-12)
    logs = Ridge(0.1).fit(X, log_ratios(D)).predict(new)
    np.testing.assert_allclose(made["softmax"], from_log_ratios(logs), atol=1e-12)
    assert from_regressor(Ridge()).output == "project"


def test_a_row_without_a_positive_value_becomes_the_mean(problem):
    X, D = problem
    model = from_regressor(DummyRegressor(strategy="constant", constant=[-1.0] * 4), "clip")
    np.testing.assert_allclose(model.fit(X, D).predict(X), np.tile(D.mean(axis=0), (60, 1)))


@pytest.mark.parametrize(
    "regressor",
    [SVR(), make_pipeline(StandardScaler(), SVR()), RegressorChain(Ridge()), Ridge()],
    ids=["single", "pipeline", "chain", "several"],
)
def test_regressors_of_one_number_learn_each_label_by_itself(regressor, problem):
    X, D = problem
    model = from_regressor(regressor).fit(X[:40], D[:40])
    predicted = model.predict(X[40:])
    if isinstance(regressor, SVR):
        values = [clone(regressor).fit(X[:40], D[:40, j]).predict(X[40:]) for j in range(4)]
        np.testing.assert_allclose(predicted, project(np.column_stack(values)), atol=1e-12)
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0)
    assert not hasattr(regressor, "n_features_in_"), "the one that was given is not fitted"


def test_the_seed_reaches_every_part_that_has_none(problem):
    X, D = problem
    nested = make_pipeline(StandardScaler(), RandomForestRegressor(5, max_features=0.5))
    model = from_regressor(nested, random_state=3).fit(X, D)
    assert model.regressor_[-1].random_state == 3
    assert nested[-1].random_state is None
    again = from_regressor(nested, random_state=3).fit(X, D)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    own = from_regressor(DecisionTreeRegressor(random_state=8), random_state=3).fit(X, D)
    assert own.regressor_.random_state == 8


def test_parameters_are_nested_and_cloned():
    model = from_regressor(Ridge(alpha=10.0), "clip", smoothing=0.1)
    copy = clone(model).set_params(estimator__alpha=2.0, output="softmax")
    assert model.get_params()["estimator__alpha"] == 10.0
    assert copy.get_params()["estimator__alpha"] == 2.0
    assert (copy.output, copy.smoothing) == ("softmax", 0.1)


class NoMixin(BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X


class Wrong(RegressorMixin, BaseEstimator):
    """Predicts too few numbers, or none."""

    def __init__(self, value=np.nan):
        self.value = value

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full((len(X),), self.value)


@pytest.mark.parametrize(
    ("estimator", "sentence"),
    [
        (Ridge, r"Ridge is a class; give a regressor that is made of it, Ridge\(\)"),
        ("Ridge", "str is no scikit-learn regressor: it has no method fit"),
        (StandardScaler(), "StandardScaler is no scikit-learn regressor: it has no method predict"),
        (LogisticRegression(), "LogisticRegression is no scikit-learn regressor"),
        (AAKNN(), "AAKNN predicts distributions already, and needs no adapter"),
        (NoMixin(), "derive it from sklearn.base.RegressorMixin"),
    ],
)
def test_what_is_no_regressor_is_refused(estimator, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_regressor(estimator)


def test_other_outputs_and_wrong_predictions_are_refused(problem):
    with pytest.raises(ValueError, match="output must be 'project' or 'clip' or 'softmax'"):
        from_regressor(Ridge(), "argmax")
    with pytest.raises(ValueError, match=r"Wrong predicted values of shape .*not finite"):
        from_regressor(Wrong()).fit(*problem).predict(problem[0])
