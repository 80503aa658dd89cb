"""What the base class promises to every learner: checks, scaling, and honest errors."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone

import baselines
from baselines.base import LDLEstimator, alike

# DLDL learns from images: tests/ewmtcnn has its tests. A regressor is needed for from_regressor.
OTHERS = {"LDLEstimator", "DLDL", "from_regressor"}
LEARNERS = [getattr(baselines, name) for name in baselines.__all__ if name not in OTHERS]


class Recorder(LDLEstimator):
    """Keeps what the hooks get; predicts equal shares."""

    def __init__(self, scaling="none"):
        self.scaling = scaling

    def _fit(self, X, D):
        self.seen_ = (X, D)

    def _predict(self, X):
        self.asked_ = X
        return np.full((len(X), self.n_labels_), 1 / self.n_labels_)


def test_standard_scaling_uses_the_training_rows(problem):
    X, D = problem
    X = np.column_stack([X * 7 + 3, np.full(len(X), 5.0)])
    model = Recorder(scaling="standard").fit(X[:40], D[:40])
    model.predict(X[40:])
    deviation = X[:40].std(axis=0)
    deviation[-1] = 1.0
    expected = (X - X[:40].mean(axis=0)) / deviation
    assert model.seen_[0] == pytest.approx(expected[:40], abs=1e-12)
    assert model.asked_ == pytest.approx(expected[40:], abs=1e-12)
    with pytest.raises(
        ValueError, match="'none' or 'standard' or 'minmax' or 'auto', not 'whiten'"
    ):
        Recorder(scaling="whiten").fit(X, D)


def test_predictions_of_several_configurations_are_those_of_separate_fits(problem):
    X, D = problem
    configurations = [{"scaling": "standard"}, {}, {"scaling": "minmax"}, {"scaling": "standard"}]

    class Counting(Recorder):
        groups: ClassVar[list] = []

        @classmethod
        def _predict_each(cls, learners, X, D, X_new):
            cls.groups.append((len(learners), float(X.max())))
            return super()._predict_each(learners, X, D, X_new)

        def _predict(self, X):
            return X[:, : self.n_labels_] ** 2 / (X[:, : self.n_labels_] ** 2).sum(1)[:, None]

    learner = Counting()
    made = learner.predict_each(configurations, X[:40], D[:40], X[40:])
    for configuration, predicted in zip(configurations, made, strict=True):
        alone = Counting(**configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_array_equal(predicted, alone)
    assert [number for number, _ in Counting.groups] == [2, 1, 1]  # each scaled once
    assert Counting.groups[2][1] == pytest.approx(1.0)
    assert not hasattr(learner, "n_features_in_")


def test_predict_each_checks_what_fit_and_predict_check(problem):
    X, D = problem
    with pytest.raises(ValueError, match="X has 60 rows but D has 59"):
        Recorder().predict_each([{}], X, D[:-1], X)
    with pytest.raises(ValueError, match="X has 4 features, but Recorder is expecting 5 features"):
        Recorder().predict_each([{}], X, D, X[:, :4])
    with pytest.raises(ValueError, match="scaling"):
        Recorder().predict_each([{"scaling": "whiten"}], X, D, X)
    assert Recorder().predict_each([], X, D, X) == []


def test_errors_say_what_is_wrong(problem):
    X, D = problem
    with pytest.raises(ValueError, match="X has 60 rows but D has 59"):
        Recorder().fit(X, D[:-1])
    with pytest.raises(ValueError, match="is not fitted"):
        Recorder().predict(X)
    model = Recorder().fit(X, D)
    with pytest.raises(ValueError, match="X has 4 features, but Recorder is expecting 5 features"):
        model.predict(X[:, :4])
    with pytest.raises(ValueError, match="row 3 "):
        model.predict(np.where(np.arange(60)[:, None] == 3, np.inf, X))


def test_features_that_overflow_are_refused(problem):
    X, D = problem
    with pytest.raises(ValueError, match="rescale the features below 1e"):
        Recorder().fit(X * 1e150, D)


def test_a_prediction_that_is_no_distribution_is_refused(problem):
    class Wrong(Recorder):
        def _predict(self, X):
            return np.full((len(X), 3), 1 / 3)

    X, D = problem
    with pytest.raises(ValueError, match=r"the prediction of Wrong has shape \(60, 3\)"):
        Wrong().fit(X, D).predict(X)


def test_a_prediction_that_is_negative_by_rounding_alone_is_zero(problem):
    class Rounded(Recorder):
        def _predict(self, X):
            return np.tile([-1e-17, 0.5, 0.5, 0.0], (len(X), 1))

    X, D = problem
    predicted = Rounded().fit(X, D).predict(X)
    assert np.array_equal(predicted, np.tile([0.0, 0.5, 0.5, 0.0], (60, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS, ids=lambda cls: cls.__name__)
def test_every_learner_keeps_its_parameters_and_inputs(learner, problem):
    """Cloning keeps parameters; read-only, Fortran-ordered and single-precision input is fine."""
    X, D = problem
    model = learner()
    assert clone(model).get_params() == model.get_params()
    seeded = {"random_state": 0} if "random_state" in model.get_params() else {}
    plain = learner(**seeded).fit(X, D).predict(X)
    frozen_X, frozen_D = np.asfortranarray(X), np.asfortranarray(D)
    frozen_X.flags.writeable = frozen_D.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(learner(**seeded).fit(frozen_X, frozen_D).predict(frozen_X), plain)
        low = learner(**seeded).fit(X.astype(np.float32), D).predict(X.astype(np.float32))
    assert low.sum(axis=1) == pytest.approx(np.ones(len(X)), abs=1e-12)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("c", [2, 30])
def test_every_learner_survives_one_hot_and_absent_labels(learner, c):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(25, 3))
    D = np.eye(c)[rng.integers(0, 2, 25)]
    predicted = learner().fit(X, D).predict(X)
    assert predicted.min() >= 0
    assert predicted.sum(axis=1) == pytest.approx(np.ones(25), abs=1e-12)


def test_learners_are_alike_where_nothing_but_the_free_settings_differ():
    from baselines import SAIIS

    start = np.zeros((40, 50))
    other = start.copy()
    other[20, 20] = 1.0  # which a shortened text of the matrix does not show
    learners = [
        SAIIS(max_iter=5, start=start),
        SAIIS(max_iter=9, start=other),
        SAIIS(max_iter=7, start=start.copy()),
        SAIIS(max_iter=7),
        SAIIS(max_iter=7, tol=0.0),
    ]
    assert alike(learners, "max_iter") == [[0, 2], [1], [3], [4]]
    assert alike(learners, "max_iter", "tol", "start") == [[0, 1, 2, 3, 4]]
    assert alike([], "k") == []
