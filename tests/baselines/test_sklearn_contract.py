"""scikit-learn's contract: its own checks on every learner, and its tools for model selection.

The learners' part of it is `baselines.base` with `baselines.seen`.
"""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags

import baselines
from baselines import AAKNN, DLDL, LogisticLDL, RidgeLDL, from_regressor
from baselines.base import LDLEstimator
from baselines.checks import DENSE_LIMIT
from baselines.early_stopping import EPSILON
from benchmark import metrics
from ewmtcnn import EWMTCNN
from ewmtcnn.estimator import FrozenCNN

#: The checks of scikit-learn that a learner of distributions cannot pass, and why.
EXCEPTIONS = {
    "check_fit_score_takes_y": "targets are called D, as in the field; scikit-learn's tools pass "
    "them by their place",
    "check_n_features_in_after_fitting": "passes targets by the name y",
    "check_dtype_object": "what is no number raises ValueError, as all that is wrong with X, where "
    "scikit-learn raises TypeError",
    "check_estimator_sparse_array": "expects a prediction of one column",
    "check_estimator_sparse_matrix": "expects a prediction of one column",
    "check_regressor_multioutput": "makes its own targets, numbers that are no distributions",
}

#: Where targets are what scikit-learn's checks make of them, those fail too that have to fit.
NUMBERS = "fits numbers, which are no distributions; passes on distributions, see EXCEPTIONS"

CLASSES = [
    getattr(baselines, name)
    for name in baselines.__all__
    if name not in ("LDLEstimator", "DLDL", "from_regressor")
]
FEW = {"max_iter": 20, "n_estimators": 3, "epochs": 3}


def quick(learner):
    """Return a learner with few iterations, since the checks are not about how well it learns."""
    if isinstance(learner, baselines.BoostingLDL):
        return learner.set_params(max_iter=2)
    return learner.set_params(**{k: v for k, v in FEW.items() if k in learner.get_params()})


def distributions(_estimator, y):
    """Make distributions of the targets of a check: a label more than it has columns."""
    y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    with np.errstate(invalid="ignore"):  # infinite ones are refused as NaN
        scores = (y - y.mean()) / (np.abs(y).max() or 1.0)
    return softmax(np.column_stack([scores, -scores.sum(axis=1)]), axis=1)


def outcomes(learner, expected):
    """Run all checks, and return the names of those that passed and of those that failed."""
    found = estimator_checks.check_estimator(
        learner, expected_failed_checks=expected, on_skip=None, on_fail=None
    )
    unexpected = {each["check_name"]: each["exception"] for each in found
                  if each["status"] == "failed"}  # fmt: skip
    assert unexpected == {}
    names = {status: {each["check_name"] for each in found if each["status"] == status}
             for status in ("passed", "xfail")}  # fmt: skip
    return names["passed"], names["xfail"]


@pytest.mark.parametrize(
    "learner",
    [*(cls() for cls in CLASSES), from_regressor(Ridge()),
     pytest.param(FrozenCNN(epochs=1, batch_size=64), marks=pytest.mark.slow)],
    ids=lambda learner: type(learner).__name__,
)  # fmt: skip
def test_learners_pass_the_checks_on_distributions(learner, monkeypatch):
    monkeypatch.setattr(estimator_checks, "_enforce_estimator_tags_y", distributions)
    passed, failed = outcomes(quick(learner), EXCEPTIONS)
    assert failed == EXCEPTIONS.keys(), "an exception that is none any more"
    assert len(passed) > 35


def test_on_numbers_nothing_fails_but_what_fits_them(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(estimator_checks, "_enforce_estimator_tags_y", distributions)
        passed, _ = outcomes(AAKNN(), EXCEPTIONS)
    plain = {each["check_name"] for each in
             estimator_checks.check_estimator(AAKNN(), on_skip=None, on_fail=None)
             if each["status"] == "passed"}  # fmt: skip
    expected = {**dict.fromkeys(passed - plain, NUMBERS), **EXCEPTIONS}
    assert outcomes(AAKNN(), expected)[1] == expected.keys()
    assert {"check_estimator_cloneable", "check_parameters_default_constructible",
            "check_valid_tag_types", "check_set_params"} <= plain  # fmt: skip


@pytest.mark.parametrize("network", [DLDL, EWMTCNN])
def test_networks_say_that_they_take_images_which_no_check_makes(network):
    tags = get_tags(network())
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    with pytest.warns(match="Can't test estimator"):
        estimator_checks.check_estimator(network())
    with pytest.raises(ValueError, match="X must be images"):
        network().fit(scipy.sparse.eye(4), np.eye(4))


def test_the_score_is_minus_the_harness_divergence_and_finite(problem):
    X, D = problem
    sure = from_regressor(Ridge(), "clip").fit(X[:40], D[:40])
    far = X[40:] * 100
    predicted = sure.predict(far)
    assert ((predicted == 0) & (D[40:] > 0)).any()
    expected = -metrics.kl_divergence(D[40:], predicted).mean()
    assert sure.score(far, D[40:]) == pytest.approx(expected, rel=1e-12)
    assert np.isfinite(expected)
    assert metrics.EPS == EPSILON
    assert sure.score(X, sure.predict(X)) == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ValueError, match=r"D has shape \(20, 3\), but the prediction has \(20, 4"):
        sure.score(far, D[40:, :3] / D[40:, :3].sum(axis=1, keepdims=True))
    with pytest.raises(ValueError, match="X has 4 features, but FromRegressor is expecting 5"):
        sure.score(far[:, 1:], D[40:])


def test_cross_validation_and_grid_search(problem):
    X, D = problem
    folds = KFold(3)
    expected = [
        AAKNN().fit(X[train], D[train]).score(X[test], D[test]) for train, test in folds.split(X)
    ]
    np.testing.assert_allclose(cross_val_score(AAKNN(), X, D, cv=folds), expected)
    search = GridSearchCV(AAKNN(), {"k": [2, 4, 8]}, cv=folds).fit(X, D)
    means = [cross_val_score(AAKNN(k), X, D, cv=folds).mean() for k in (2, 4, 8)]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means)
    assert search.best_params_ == {"k": (2, 4, 8)[int(np.argmax(means))]}
    np.testing.assert_allclose(search.predict(X).sum(axis=1), 1.0)
    assert search.score(X, D) == search.best_estimator_.score(X, D)


def test_a_pipeline_scales_and_names_its_columns(problem):
    X, D = problem
    X = X * np.arange(1, 6) ** 3
    scaled = StandardScaler().fit(X[:40])
    expected = AAKNN().fit(scaled.transform(X[:40]), D[:40]).predict(scaled.transform(X[40:]))
    frame = pd.DataFrame(X, columns=list("abcde"))
    labels = pd.DataFrame(D, columns=["joy", "fear", "awe", "怒"])
    pipeline = make_pipeline(StandardScaler(), AAKNN()).set_output(transform="pandas")
    pipeline.fit(frame[:40], labels[:40])
    np.testing.assert_allclose(pipeline.predict(frame[40:]), expected)
    assert pipeline.score(frame[40:], labels[40:]) == pytest.approx(
        -metrics.kl_divergence(D[40:], expected).mean()
    )
    assert list(pipeline[-1].feature_names_in_) == list("abcde")
    search = GridSearchCV(pipeline, {"aaknn__k": [2, 8]}, cv=3).fit(frame, labels)
    assert search.best_estimator_[-1].k in (2, 8)


def test_names_of_features_and_labels_are_kept_and_compared(problem):
    X, D = problem
    frame = pd.DataFrame(X, columns=list("abcde"))
    labels = pd.DataFrame(D, columns=["joy", "fear", "awe", "怒"])
    learner = RidgeLDL().fit(frame, labels)
    assert list(learner.label_names_in_) == ["joy", "fear", "awe", "怒"]
    with pytest.raises(ValueError, match="feature names should match"):
        learner.predict(frame[list("edcba")])
    with pytest.raises(ValueError, match="column 0 of D is 'fear', but fit saw 'joy' there"):
        learner.score(frame, labels[["fear", "joy", "awe", "怒"]])
    with pytest.raises(ValueError, match="feature names should match"):
        RidgeLDL().predict_each([{}], frame, labels, frame[list("edcba")])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(learner.predict(X), learner.predict(frame))
    learner.fit(X, D)  # without names, so that none are left of the last fit
    assert not hasattr(learner, "feature_names_in_")
    assert not hasattr(learner, "label_names_in_")
    assert learner.score(X, labels) == learner.score(X, D)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_sparse_features_give_what_dense_ones_give(kind, problem):
    X, D = problem
    X = np.where(X > 0.5, X, 0.0)
    for learner in (AAKNN(), LogisticLDL(), from_regressor(Ridge())):
        dense = clone(learner).fit(X[:40], D[:40]).predict(X[40:])
        learner.fit(kind(X[:40]), D[:40])
        np.testing.assert_array_equal(learner.predict(kind(X[40:])), dense)
    huge = scipy.sparse.csr_array((60, DENSE_LIMIT))
    with pytest.raises(ValueError, match=r"60 x \d+ numbers take 60 GiB, of which 1 are allowed"):
        AAKNN().fit(huge, D)


def test_it_is_a_regressor_that_is_fitted_copied_and_looked_into(problem):
    X, D = problem
    learner = AAKNN(k=8)
    assert is_regressor(learner)
    with pytest.raises(NotFittedError, match="AAKNN is not fitted"):
        learner.predict(X)
    learner.fit(X, D)
    copy = pickle.loads(pickle.dumps(learner))  # noqa: S301
    np.testing.assert_array_equal(copy.predict(X), learner.predict(X))
    importances = permutation_importance(learner, X, D, n_repeats=2, random_state=0)
    assert importances.importances_mean.shape == (5,)


def test_the_distributions_are_nothing_that_a_pipeline_routes():
    with config_context(enable_metadata_routing=True):
        requests = AAKNN().get_metadata_routing()
        assert requests.fit.requests == requests.score.requests == {}
        assert not hasattr(AAKNN(), "set_fit_request")
        assert not hasattr(LDLEstimator, "set_score_request")
