"""SA-IIS: trajectories against reference numbers, the intercepts, the path that tuning shares."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from baselines.iis_steps import StepSolver
from baselines.maxent import objective
from baselines.sa_bfgs import SABFGS
from baselines.sa_iis import SAIIS

#: The learner as published.
ORIGINAL = {"fit_intercept": False, "start": "identity"}

CASES = [("SJAFFE", "none"), ("SJAFFE", "standard"), ("emotion6", "none"), ("emotion6", "standard")]
SHORT = {"none": "raw", "standard": "std"}


def fold_rows(shared, name, n, fold):
    """Return the training and the test rows of a reference fold."""
    test = np.array(json.loads((shared / f"reference/folds_{name}.json").read_text())[str(fold)])
    return np.setdiff1d(np.arange(n), test), test


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_thirty_iterations_from_identity_follow_the_reference(shared, load_real, name, scaling):
    known = json.loads((shared / "reference/iis_trajectory_fold0.json").read_text())
    expected = known["after_30_iterations_from_identity_weights"][f"{name}_{SHORT[scaling]}"]
    X, D = load_real(name)
    train, _ = fold_rows(shared, name, len(X), 0)
    model = SAIIS(max_iter=30, tol=0.0, scaling=scaling, **ORIGINAL).fit(X[train], D[train])
    assert round(model.objective_, 6) == expected
    assert (model.n_iter_, model.converged_) == (30, False)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES[:3])  # the fourth takes as long again
def test_five_hundred_iterations_from_random_follow_the_reference(shared, load_real, name, scaling):
    known = json.loads((shared / "reference/iis_trajectory_fold0.json").read_text())
    after = next(values for key, values in known.items() if key.startswith("after_500"))
    X, D = load_real(name)
    train, _ = fold_rows(shared, name, len(X), 0)
    start = np.random.RandomState(0).random_sample((X.shape[1], D.shape[1]))
    model = SAIIS(500, 0.0, fit_intercept=False, start=start, scaling=scaling)
    model.fit(X[train], D[train])
    assert round(model.objective_, 6) == after[f"{name}_{SHORT[scaling]}"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_folds_mean_measures_equal_the_reference(shared, load_real, name, scaling):
    with (shared / "reference/cross_validation.csv").open() as lines:
        row = next(
            r
            for r in csv.DictReader(lines)
            if (r["dataset"], r["scaling"], r["algo"])
            == (name, SHORT[scaling], "IIS30_eye(toolbox)")
        )
    X, D = load_real(name)
    found = []
    for fold in range(10):
        train, test = fold_rows(shared, name, len(X), fold)
        model = SAIIS(max_iter=30, scaling=scaling, **ORIGINAL).fit(X[train], D[train])
        T, P = D[test], model.predict(X[test])
        found.append(
            (
                np.abs(T - P).max(axis=1).mean(),
                rel_entr(T, P).sum(axis=1).mean(),
                np.minimum(T, P).sum(axis=1).mean(),
            )
        )
    expected = [float(row[m]) for m in ("chebyshev", "kl", "intersection")]
    np.testing.assert_allclose(np.mean(found, axis=0), expected, rtol=0, atol=0.6e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    unit=st.sampled_from([1e-3, 1.0, 50.0]),
    sparsity=st.sampled_from([0.0, 0.6]),
    sign=st.sampled_from(["mixed", "positive"]),
    orders=st.sampled_from([0.0, 3.0]),
    intercept=st.booleans(),
)
def test_the_objective_never_rises(seed, unit, sparsity, sign, orders, intercept):
    """Also where rows differ by orders of magnitude and predictions underflow."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 4)) * unit * 10.0 ** rng.uniform(-orders, orders, size=(12, 1))
    X = np.where(rng.random(X.shape) < sparsity, 0.0, X if sign == "mixed" else np.abs(X))
    D = rng.dirichlet(np.full(3, 0.3), size=12)
    D[D < 0.2] = 0.0
    D /= D.sum(axis=1, keepdims=True)
    model = SAIIS(fit_intercept=intercept, start=rng.normal(size=(4, 3)))
    before = objective(X, D, model.start)
    for _ in model._iterations(X, D, 6):
        assert model.objective_ <= before + 1e-10 * (1 + before)
        ones = np.column_stack([X, np.ones(len(X))])
        weights = np.vstack([model.weights_, model.intercept_])
        assert model.objective_ == pytest.approx(objective(ones, D, weights), rel=1e-12)
        before = model.objective_


def test_the_first_step_of_the_intercepts_is_the_mean_distribution(problem):
    """With features that say nothing it is all there is; a label that never occurs goes to 0."""
    _, D = problem
    D = np.column_stack([D, np.zeros(len(D))])
    X = np.full((len(D), 2), 3.0)
    one = SAIIS(max_iter=1).fit(np.zeros_like(X), D)
    np.testing.assert_allclose(one.predict(X), np.tile(D.mean(axis=0), (60, 1)), atol=1e-11)
    constant = SAIIS().fit(X, D)
    np.testing.assert_allclose(constant.predict(X), np.tile(D.mean(axis=0), (60, 1)), atol=1e-11)


def test_budgets_share_one_path(problem, monkeypatch):
    X, D = problem
    X_new = X[:7] * 2
    configurations = [
        *({"max_iter": budget} for budget in (50, 1, 7, 7, 90)),
        {"max_iter": 20, "scaling": "standard"},
        {"max_iter": 5, "fit_intercept": False, "start": np.eye(5, 4)},
        {"max_iter": 3, "fit_intercept": False, "start": np.ones((5, 4))},
        {"max_iter": 500, "tol": 5.0},  # converges on the way
        {"max_iter": 400, "tol": 5.0},
        {},
    ]
    alone = [SAIIS(**each).fit(X, D).predict(X_new) for each in configurations]
    done = []
    steps = StepSolver.steps
    monkeypatch.setattr(StepSolver, "steps", lambda *args: done.append(1) or steps(*args))
    np.testing.assert_array_equal(SAIIS().predict_each(configurations, X, D, X_new), alone)
    assert len(done) < 90 + 20 + 5 + 3 + 60


def test_the_search_space_has_24_settings_and_begins_near_the_mean_distribution():
    grid = list(ParameterGrid(SAIIS.search_space))
    distinct = {tuple(sorted({**SAIIS().get_params(), **each}.items(), key=str)) for each in grid}
    distinct.add(tuple(sorted(SAIIS().get_params().items(), key=str)))
    assert len(distinct) == 24
    for part in SAIIS.search_space:
        assert kl_on_noise(SAIIS(**{name: values[0] for name, values in part.items()})) < 1.01
    assert kl_on_noise(SAIIS()) > 1.05


def kl_on_noise(model):
    """Return KL on new rows over that of the mean distribution, with 60 rows and 40 features."""
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(600, 40)), rng.dirichlet([3.0, 0.5, 0.5, 0.5], size=600)
    kl = rel_entr(D[60:], model.fit(X[:60], D[:60]).predict(X[60:])).sum(axis=1).mean()
    return kl / rel_entr(D[60:], D[:60].mean(axis=0)).sum(axis=1).mean()


@pytest.mark.parametrize("intercept", [False, True])
def test_it_approaches_the_minimum_of_sa_bfgs(problem, intercept):
    X, D = problem
    lowest = SABFGS(tol=1e-9, whiten=True, fit_intercept=intercept).fit(X + 0.5, D).objective_
    model = SAIIS(max_iter=5000, tol=1e-10, fit_intercept=intercept).fit(X + 0.5, D)
    assert model.converged_
    assert model.n_iter_ < 5000
    assert model.objective_ == pytest.approx(lowest, rel=1e-6)
    assert model.objective_ >= lowest - 1e-9


def test_it_descends_towards_the_minimum_on_real_data(shared, load_real):
    known = json.loads((shared / "reference/maxent_minimum_fold0.json").read_text())
    X, D = load_real("SJAFFE")
    train, _ = fold_rows(shared, "SJAFFE", len(X), 0)
    reached = [
        SAIIS(max_iter=n, tol=0.0, **ORIGINAL).fit(X[train], D[train]).objective_
        for n in (1, 10, 100, 400)
    ]
    assert np.all(np.diff(reached) < 0)
    assert reached[-1] > known["SJAFFE_raw"]["minimum_sum_cross_entropy"]


def test_the_defaults_are_the_documented_ones():
    assert SAIIS().get_params() == {
        "max_iter": 50,
        "tol": 1e-7,
        "fit_intercept": True,
        "start": "zeros",
        "scaling": "none",
        "components": None,
    }


def test_a_rise_of_the_objective_is_no_convergence(problem):
    """Sums of D that are off by 9e-5 put the end of IIS beside the minimum, where this begins."""
    X, D = problem
    D = D * (1 + 9e-5 * np.sign(X[:, :1]))
    lowest = SABFGS(tol=0.0, whiten=True, fit_intercept=False).fit(X, D)
    model = SAIIS(max_iter=1, tol=1e-12, fit_intercept=False, start=lowest.weights_).fit(X, D)
    assert model.objective_ > lowest.objective_ + 1e-10
    assert model.converged_ is False
    # A change below the tolerance is convergence, up or down.
    settled = SAIIS(max_iter=1, tol=1e-2, fit_intercept=False, start=lowest.weights_).fit(X, D)
    assert settled.objective_ == model.objective_
    assert settled.converged_ is True


def test_tiny_features(problem):
    X, D = problem
    for unit in (1e-110, 1e-310):
        with pytest.raises(ValueError, match="rescale the features above 1e-100"):
            SAIIS().fit(X * unit, D)
    small = SAIIS(max_iter=5).fit(X * 1e-90, D)
    usual = SAIIS(max_iter=5).fit(X, D)
    assert small.objective_ == pytest.approx(usual.objective_, rel=1e-9)
    X = X * np.array([1, 1, 1, 1, 1e-310])
    assert np.isfinite(SAIIS(max_iter=5).fit(X, D).predict(X)).all()


def test_the_original_starts_at_the_identity(problem):
    X, D = problem
    original = SAIIS(max_iter=2, **ORIGINAL).fit(X, D)
    given_start = SAIIS(max_iter=2, fit_intercept=False, start=np.eye(5, 4)).fit(X, D)
    np.testing.assert_array_equal(original.weights_, given_start.weights_)
    assert not original.intercept_.any()


def test_predictions_are_the_softmax_and_stay_distributions_far_outside(problem):
    X, D = problem
    model = SAIIS().fit(X, D)
    expected = softmax(X @ model.weights_ + model.intercept_, axis=1)
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-13)
    P = model.predict(X * 1e6)
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert np.isfinite(SAIIS(max_iter=5).fit(X * 1e6, D).objective_)


def test_features_without_content_predict_uniformly():
    D = np.random.default_rng(0).dirichlet(np.ones(3), size=5)
    model = SAIIS(fit_intercept=False).fit(np.zeros((5, 2)), D)
    assert model.converged_
    np.testing.assert_allclose(model.predict(np.ones((4, 2))), 1 / 3, atol=1e-15)


def test_clone_repetition_and_untouched_inputs(problem):
    X, D = problem
    before = X.copy(), D.copy()
    model = SAIIS(max_iter=5)
    first = model.fit(X, D).weights_
    np.testing.assert_array_equal(clone(model).fit(X, D).weights_, first)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(D, before[1])


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        *[({"max_iter": value}, "max_iter") for value in (0, 2.5, True, None, "5", np.inf)],
        *[({"tol": value}, "tol") for value in (-1.0, np.nan, np.inf, True, None, "0.1")],
        *[({"fit_intercept": value}, "fit_intercept") for value in ("no", None, 1)],
        ({"start": "ones"}, "start"),
        ({"start": np.ones((4, 5))}, "start"),
    ],
)
def test_settings_that_mean_nothing(problem, bad, complaint):
    with pytest.raises(ValueError, match=complaint):
        SAIIS(**bad).fit(*problem)
