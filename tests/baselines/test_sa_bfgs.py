"""SA-BFGS: against the known minima, an independent Newton method, and reference results."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import OptimizeResult
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import ParameterGrid

from baselines import coordinates, sa_bfgs
from baselines.sa_bfgs import SABFGS
from baselines.sa_iis import SAIIS

CASES = [("SJAFFE", "none"), ("SJAFFE", "standard"), ("emotion6", "none"), ("emotion6", "standard")]
SHORT = {"none": "raw", "standard": "std"}


def fold_rows(shared, name, n, fold):
    """Return the training and the test rows of a reference fold."""
    test = np.array(json.loads((shared / f"reference/folds_{name}.json").read_text())[str(fold)])
    return np.setdiff1d(np.arange(n), test), test


def newton_minimum(X, D, l2, intercept=False):
    """Minimise by damped Newton steps with the full Hessian, written out.

    An intercept is the weight of a last column of ones, which is not penalised.
    """
    if intercept:
        X = np.column_stack([X, np.ones(len(X))])
    (n, q), c = X.shape, D.shape[1]
    W = np.zeros((q, c))
    mass = D.sum(axis=1)
    l2 = np.full((q, 1), l2)
    l2[q - intercept :] = 0.0

    def loss(W):
        return -(D * log_softmax(X @ W, axis=1)).sum() + (l2 * W**2).sum() / 2

    for _ in range(50):
        P = softmax(X @ W, axis=1)
        slope = (X.T @ (mass[:, None] * P - D) + l2 * W).ravel()
        H = np.diag(np.repeat(l2, c))
        for i in range(n):
            H += mass[i] * np.kron(np.outer(X[i], X[i]), np.diag(P[i]) - np.outer(P[i], P[i]))
        step = -(np.linalg.pinv(H) @ slope).reshape(q, c)
        size = 1.0
        while loss(W + size * step) > loss(W) + 1e-10 and size > 1e-12:  # but for rounding
            size /= 2
        W = W + size * step
    return W, loss(W)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_converged_run_reaches_the_known_minimum(shared, load_real, name, scaling):
    known = json.loads((shared / "reference/maxent_minimum_fold0.json").read_text())
    case = known[f"{name}_{SHORT[scaling]}"]
    X, D = load_real(name)
    train, test = fold_rows(shared, name, len(X), 0)
    model = SABFGS(whiten=True, tol=1e-7, fit_intercept=False, scaling=scaling).fit(
        X[train], D[train]
    )
    assert model.converged_
    assert model.n_iter_ < 100
    assert model.objective_ == pytest.approx(case["minimum_sum_cross_entropy"], rel=1e-10)
    kl = rel_entr(D[test], model.predict(X[test])).sum(axis=1).mean()
    assert kl == pytest.approx(case["test_at_minimum"]["kl"], abs=1e-5)


@pytest.mark.slow
def test_plain_coordinates_reach_the_minimum_of_standardised_features(shared, load_real):
    known = json.loads((shared / "reference/maxent_minimum_fold0.json").read_text())
    X, D = load_real("SJAFFE")
    train, _ = fold_rows(shared, "SJAFFE", len(X), 0)
    model = SABFGS(tol=1e-7, fit_intercept=False, scaling="standard").fit(X[train], D[train])
    assert model.converged_
    minimum = known["SJAFFE_std"]["minimum_sum_cross_entropy"]
    assert model.objective_ == pytest.approx(minimum, rel=1e-9)


@pytest.mark.parametrize("l2", [0.0, 0.5, 300.0])
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_minimum_and_weights_equal_those_of_newton(problem, l2, whiten, intercept):
    """To 1e-8, on features that are not centred and labels that are not balanced."""
    X, D = problem
    D = D.copy()
    D[::5] = np.eye(4)[1]
    X = X * np.array([1.0, 3.0, 0.2, 1.0, 1.0]) + np.array([0.0, 1.0, 2.0, -1.0, 0.5])
    expected, lowest = newton_minimum(X, D, l2, intercept)
    model = SABFGS(5000, tol=0.0, l2=l2, whiten=whiten, fit_intercept=intercept).fit(X, D)
    assert model.converged_
    assert model.objective_ == pytest.approx(lowest, rel=1e-12)
    np.testing.assert_allclose(model.weights_, expected[:5], rtol=0, atol=1e-8)
    scores = X @ expected[:5] + (expected[5] if intercept else 0.0)
    np.testing.assert_allclose(model.predict(X), softmax(scores, axis=1), rtol=0, atol=1e-8)
    if intercept:  # those of one row may differ by a constant
        found, known = (b - b.mean() for b in (model.intercept_, expected[5]))
        np.testing.assert_allclose(found, known, rtol=0, atol=1e-8)
    else:
        assert not model.intercept_.any()


def unbalanced(seed, n, q=6, noise=0.1):
    """Return features after PCA, and distributions that depend on them, 70 % on one label."""
    rng = np.random.default_rng(seed)
    X = PCA(q).fit_transform(rng.normal(size=(n, 8)) @ rng.normal(size=(8, 12)) + 4.0)
    scores = X @ rng.normal(size=(q, 5)) * 0.1 + np.array([3.0, 1.0, 0.0, 0.0, 1.0])
    D = softmax(scores + noise * rng.normal(size=scores.shape), axis=1)
    return X, D


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("learner", [SABFGS, SAIIS])
def test_centred_features_and_unbalanced_labels_reach_the_mean_distribution(learner, seed):
    X, D = unbalanced(seed, 400)
    X_new, D_new = X[200:], D[200:]
    mean = rel_entr(D_new, D[:200].mean(axis=0)).sum(axis=1).mean()

    def kl(**settings):
        model = learner(**settings).fit(X[:200], D[:200])
        return rel_entr(D_new, model.predict(X_new)).sum(axis=1).mean()

    assert kl() < 0.5 * mean
    assert kl(fit_intercept=False) > mean  # what the original makes of it


@pytest.mark.parametrize("max_iter", [1, 3, 500])
def test_the_training_objective_never_exceeds_that_of_the_mean_distribution(max_iter):
    """Also on noise, and where a label never occurs."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 20)) - 50.0
    D = np.column_stack([rng.dirichlet([5.0, 0.3, 0.3], size=30), np.zeros(30)])
    mean = D.mean(axis=0)[:3]
    model = SABFGS(max_iter=max_iter).fit(X, D)
    assert model.objective_ <= -len(X) * (mean * np.log(mean)).sum() * (1 + 1e-9)


@pytest.mark.parametrize("whiten", [False, True])
def test_a_large_penalty_leaves_the_mean_distribution(problem, whiten):
    X, D = problem
    model = SABFGS(l2=1e9, whiten=whiten, tol=1e-10).fit(X + 3.0, D)
    np.testing.assert_allclose(model.predict(X), np.tile(D.mean(axis=0), (60, 1)), atol=1e-6)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_a_penalty_in_units_of_the_data_means_the_same_in_every_unit(problem, unit, whiten):
    X, D = problem
    l2 = 0.1 * len(X) * X.var(axis=0).mean()
    expected = SABFGS(l2=l2, tol=0.0).fit(X, D).predict(X)
    model = SABFGS(l2=0.1, l2_unit="data", whiten=whiten, tol=0.0)
    found = model.fit(X * unit, D).predict(X * unit)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", [(60, 5), (12, 30)])
def test_many_configurations_share_a_decomposition(monkeypatch, shape):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=shape), rng.dirichlet(np.ones(3), size=shape[0])
    X_new = rng.normal(size=(7, shape[1]))
    configurations = [
        *({"l2": l2, "l2_unit": "data", "whiten": True} for l2 in (10.0, 1.0, 1e-3)),
        {"l2": 0.1, "whiten": True, "fit_intercept": False},
        {"l2": 0.1, "scaling": "standard"},
        {},
    ]
    alone = [SABFGS(**each).fit(X, D).predict(X_new) for each in configurations]
    made = []
    for name in ("decompose", "decompose_gram"):
        full = getattr(coordinates, name)
        monkeypatch.setattr(coordinates, name, lambda X, full=full: made.append(1) or full(X))
    together = SABFGS().predict_each(configurations, X, D, X_new)
    np.testing.assert_array_equal(together, alone)
    assert len(made) == 2  # with and without intercepts


def test_the_search_space_has_24_settings_and_begins_at_the_mean_distribution(problem):
    X, D = problem
    grid = list(ParameterGrid(SABFGS.search_space))
    distinct = {tuple(sorted({**SABFGS().get_params(), **each}.items(), key=str)) for each in grid}
    distinct.add(tuple(sorted(SABFGS().get_params().items(), key=str)))
    assert len(distinct) == 24
    for part in SABFGS.search_space:
        first = {name: values[0] for name, values in part.items()}
        P = SABFGS(**first).fit(X, D).predict(X)
        np.testing.assert_allclose(P, np.tile(D.mean(axis=0), (60, 1)), atol=0.02)


def fold_means(shared, load_real, model, name):
    """Return the mean Chebyshev distance, KL and intersection over the reference folds."""
    X, D = load_real(name)
    found = []
    for fold in range(10):
        train, test = fold_rows(shared, name, len(X), fold)
        T, P = D[test], clone(model).fit(X[train], D[train]).predict(X[test])
        shared_mass = np.minimum(T, P).sum(axis=1)
        found.append((np.abs(T - P).max(axis=1), rel_entr(T, P).sum(axis=1), shared_mass))
    return np.mean([[measure.mean() for measure in fold] for fold in found], axis=0)


def reference_means(shared, name, scaling, algo):
    with (shared / "reference/cross_validation.csv").open() as lines:
        rows = {(r["dataset"], r["scaling"], r["algo"]): r for r in csv.DictReader(lines)}
    row = rows[name, SHORT[scaling], algo]
    return [float(row[measure]) for measure in ("chebyshev", "kl", "intersection")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scaling"), CASES)
def test_folds_mean_measures_at_the_optimum_equal_the_reference(shared, load_real, name, scaling):
    model = SABFGS(whiten=True, tol=1e-8, fit_intercept=False, scaling=scaling)
    expected = reference_means(shared, name, scaling, "MaxEnt_optimum")
    found = fold_means(shared, load_real, model, name)
    # rel_entr has no floor for zeros in D, which the reference KL has: hence not half a digit.
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("scaling", "rounding"), [("standard", 6e-4), ("none", 4e-3)])
def test_folds_mean_measures_without_intercepts_equal_the_reference(
    shared, load_real, scaling, rounding
):
    """The path on raw features magnifies rounding; the trivial KL is 0.073, the optimum 0.147."""
    expected = reference_means(shared, "SJAFFE", scaling, "LBFGS500_zero")
    found = fold_means(shared, load_real, SABFGS(fit_intercept=False, scaling=scaling), "SJAFFE")
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)


def test_a_spent_budget_is_reported(problem):
    X, D = problem
    model = SABFGS(max_iter=3, tol=1e-12).fit(X, D)
    assert model.n_iter_ == 3
    assert model.converged_ is False
    assert model.objective_ < len(X) * np.log(4)
    P = softmax(X @ model.weights_ + model.intercept_, axis=1)
    assert model.objective_ == pytest.approx(-(D * np.log(P)).sum(), rel=1e-12)
    np.testing.assert_allclose(model.predict(X), P, atol=1e-13)


def test_the_defaults_are_the_documented_ones():
    assert SABFGS().get_params() == {
        "max_iter": 500,
        "tol": 1e-5,
        "l2": 0.0,
        "whiten": False,
        "fit_intercept": True,
        "start": "zeros",
        "scaling": "none",
        "components": None,
        "l2_unit": "one",
    }


def meets(model, X, D, tol):
    """Check the documented test, |g_kj| <= tol sum_i |x_ik|, written out."""
    mass = D.sum(axis=1, keepdims=True)
    X = np.column_stack([X, np.ones(len(X))])
    weights = np.vstack([model.weights_, model.intercept_])
    slope = X.T @ (mass * softmax(X @ weights, axis=1) - D)
    return bool((np.abs(slope) <= 1.001 * tol * np.abs(X).sum(axis=0)[:, None]).all())


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-3, 1e-2, 1e2, 1e3, 1e5])
def test_converged_means_every_feature_in_its_own_unit(problem, unit):
    X, D = problem
    X = X * np.array([unit, 1, 1, 1, 1])
    short, long = (SABFGS(max_iter=n).fit(X, D) for n in (20, 3000))
    for model in (short, long):
        assert model.converged_ is meets(model, X, D, 1e-5)
    assert not short.converged_
    if unit <= 1e3:
        assert long.converged_
        lowest = SABFGS(whiten=True, tol=1e-10).fit(X, D).objective_
        assert long.objective_ == pytest.approx(lowest, abs=1e-5)
        # It ended at the first point that meets the test.
        assert not SABFGS(max_iter=long.n_iter_ - 1).fit(X, D).converged_


def test_features_that_rounding_hides_are_no_convergence(problem):
    X, D = problem
    model = SABFGS(max_iter=5000).fit(X * np.array([1, 1, 1, 1, 1e-9]), D)
    assert model.n_iter_ < 5000
    assert model.converged_ is False
    # Nothing to gain at all is one.
    assert SABFGS(max_iter=5000, tol=0.0).fit(X, D).converged_


@pytest.mark.parametrize("whiten", [False, True])
def test_the_penalty_of_a_feature_without_content_is_judged(problem, whiten):
    X, D = problem
    X = np.column_stack([np.zeros(len(X)), X])
    model = SABFGS(l2=0.5, whiten=whiten, start="identity").fit(X, D)
    assert model.converged_
    assert np.abs(model.weights_[0]).max() <= 1e-5


def test_a_failed_line_search_is_reported_with_the_objective_of_its_weights(problem, monkeypatch):
    X, D = problem

    def fail(evaluate, start, **_):
        return OptimizeResult(x=start, fun=-1.0, nit=0, status=2)

    monkeypatch.setattr(sa_bfgs, "minimize", fail)
    model = SABFGS(fit_intercept=False).fit(X, D)
    assert (model.n_iter_, model.converged_) == (0, False)
    assert model.objective_ == pytest.approx(len(X) * np.log(4), rel=1e-12)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("unit", [1e-99, 1e-14, 1e-7, 1e7, 1e13, 1e98])
def test_features_of_extreme_size(problem, unit, whiten):
    X, D = problem
    expected = SABFGS(tol=1e-8).fit(X, D)
    model = SABFGS(tol=1e-8, whiten=whiten).fit(X * unit, D)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected.objective_, rel=1e-9)
    np.testing.assert_allclose(model.weights_ * unit, expected.weights_, atol=1e-5)
    np.testing.assert_allclose(model.predict(X * unit), expected.predict(X), atol=1e-6)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_start_and_penalty_follow_the_unit_of_the_features(problem, unit):
    X, D = problem
    tied = SABFGS(fit_intercept=False, l2=0.3 * unit**2, tol=1e-9).fit(X * unit, D)
    free = SABFGS(fit_intercept=False, l2=0.3, tol=1e-9).fit(X, D)
    np.testing.assert_allclose(tied.weights_ * unit, free.weights_, atol=1e-6)
    assert tied.objective_ == pytest.approx(free.objective_, rel=1e-9)
    begun = SABFGS(fit_intercept=False, start=free.weights_ / unit, l2=0.3 * unit**2).fit(
        X * unit, D
    )
    assert begun.n_iter_ <= 1


@pytest.mark.parametrize("unit", [1e-160, 1e-200, 1e-310])
def test_features_whose_squares_underflow_are_refused(problem, unit):
    X, D = problem
    with pytest.raises(ValueError, match="rescale the features above 1e-100"):
        SABFGS().fit(X * unit, D)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_tolerance_does_not_depend_on_the_unit_of_the_features(problem, unit):
    X, D = problem
    expected = SABFGS(tol=1e-8).fit(X, D)
    model = SABFGS(tol=1e-8).fit(X * unit, D)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected.objective_, rel=1e-9)


@pytest.mark.parametrize("whiten", [False, True])
def test_more_features_than_rows_and_constant_features(whiten):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(8, 20))
    X[:, 4], X[:, 5], X[:, 6] = 0.0, 7.0, X[:, 7]
    D = rng.dirichlet(np.ones(3), size=8)
    model = SABFGS(whiten=whiten, tol=1e-8).fit(X, D)
    np.testing.assert_allclose(model.predict(X), D, atol=1e-5)
    # From zero weights nothing appears in the directions that no training row has.
    null = np.linalg.svd(X)[2][8:]
    np.testing.assert_allclose(null @ model.weights_, 0.0, atol=1e-9)


def test_whitening_keeps_the_start_where_no_row_looks():
    rng = np.random.default_rng(4)
    X, D = rng.normal(size=(6, 10)), rng.dirichlet(np.ones(3), size=6)
    start = rng.normal(size=(10, 3))
    model = SABFGS(whiten=True, tol=1e-8, start=start).fit(X, D)
    null = np.linalg.svd(X)[2][6:]
    np.testing.assert_allclose(null @ model.weights_, null @ start, atol=1e-9)
    np.testing.assert_allclose(model.predict(X), D, atol=1e-5)
    shrunk = SABFGS(whiten=True, l2=0.1, start=start).fit(X, D)
    np.testing.assert_allclose(null @ shrunk.weights_, 0.0, atol=1e-9)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_features_without_content_predict_the_mean_distribution(whiten, value):
    D = np.random.default_rng(0).dirichlet(np.ones(3), size=5)
    X = np.full((5, 2), value)
    model = SABFGS(whiten=whiten).fit(X, D)
    np.testing.assert_allclose(model.predict(X), np.tile(D.mean(axis=0), (5, 1)), atol=1e-6)
    assert model.converged_
    model = SABFGS(whiten=whiten, fit_intercept=False).fit(np.zeros((5, 2)), D)
    np.testing.assert_allclose(model.predict(X), 1 / 3, atol=1e-15)
    assert model.converged_


def test_predictions_stay_distributions_far_outside(problem):
    X, D = problem
    for model in (SABFGS(), SABFGS(whiten=True)):
        P = model.fit(X, D).predict(X * 1e6)
        assert (P >= 0).all()
        np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_clone_and_repetition(problem):
    X, D = problem
    model = SABFGS(start=np.full((5, 4), 0.5), max_iter=20)
    first = model.fit(X, D).weights_
    np.testing.assert_array_equal(clone(model).fit(X, D).weights_, first)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        *[({"max_iter": value}, "max_iter") for value in (0, 2.5, True, None, "5", np.inf)],
        *[({"tol": value}, "tol") for value in (-1.0, np.nan, np.inf, True, None, "0.1")],
        *[({"l2": value}, "l2") for value in (-0.1, np.inf, True, None, "0.1")],
        *[({"whiten": value}, "whiten") for value in ("no", None, 1)],
        *[({"fit_intercept": value}, "fit_intercept") for value in ("no", None, 1)],
        ({"l2_unit": "row"}, "l2_unit"),
        ({"start": [["a"]]}, "start"),
        ({"start": None}, "start"),
        ({"start": "ones"}, "start"),
        ({"scaling": "unit"}, "scaling"),
    ],
)
def test_settings_that_mean_nothing(problem, settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        SABFGS(**settings).fit(*problem)


def test_the_figures_on_kernels_are_those_measured():
    """The docstring against results/blas_kernels.csv, written by tests/perf/blas_kernels.py."""
    with (Path(__file__).parents[2] / "results/blas_kernels.csv").open() as lines:
        rows = {(row["dataset"], row["model"]): row for row in csv.DictReader(lines)}
    own = [rows[name, "SA-BFGS"] for name in ("emotion6", "SJAFFE")]
    text = " ".join(SABFGS.__doc__.split())
    for row in own:
        one, two = (float(row[f"kl_divergence {kernel}"]) for kernel in ("Haswell", "SkylakeX"))
        assert f"{one:.4f} and {two:.4f} on" in text
    change = "greatest change of a share"
    assert f"differ by up to {max(float(row[change]) for row in own):.3f} (" in text
    converged = [float(row[change]) for (_, model), row in rows.items() if "whitened" in model]
    assert len(converged) == 2
    assert max(converged) < 1e-12
