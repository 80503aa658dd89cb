"""PT-SVM (with `baselines.svm_size`) against LIBSVM's machines, limits and real data."""

import json
import re
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.svm import SVC

from baselines import pt_svm, size
from baselines.pairwise import couple, fit_sigmoids
from baselines.pt_svm import PTSVM
from baselines.svm_size import exact_memory


def kl(D, P):
    return (D * np.log(np.maximum(D, 1e-10) / np.maximum(P, 1e-10))).sum(axis=1).mean()


def test_it_learns_and_reports(problem):
    X, D = problem
    model = PTSVM(random_state=0).fit(X, D)
    P = model.predict(X)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)
    assert (P >= 0).all()
    assert kl(D, P) < 0.8 * kl(D, np.tile(D.mean(axis=0), (len(D), 1)))
    assert model.converged_
    assert model.violation_ <= model.tol
    assert 0 < model.n_iter_ < model.max_iter
    assert np.isfinite(model.objective_)
    assert (model.sigmoids_[:, 0] < 0).all()


def test_a_spent_budget_is_reported(problem):
    model = PTSVM(random_state=0, max_iter=2, tol=1e-8).fit(*problem)
    assert model.n_iter_ == 2
    assert not model.converged_
    assert model.violation_ > 1e-8


def test_the_seed_decides_the_folds_and_nothing_else(problem):
    X, D = problem
    before = X.copy(), D.copy()
    model = PTSVM(random_state=1)
    P = model.fit(X, D).predict(X)
    np.testing.assert_array_equal(P, clone(model).fit(X, D).predict(X))
    other = PTSVM(random_state=2).fit(X, D)
    np.testing.assert_array_equal(model.beta_, other.beta_)
    assert not np.array_equal(P, other.predict(X))
    assert np.isfinite(PTSVM(random_state=None).fit(X, D).predict(X)).all()
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(D, before[1])


def test_a_rows_own_labels_do_not_reach_its_held_out_decision_values(problem):
    """Other rows' values do change: they were trained with this row."""
    X, D = problem
    changed = D.copy()
    changed[7] = np.roll(D[7], 1)
    a, b = (
        PTSVM(random_state=0, tol=1e-8, max_iter=20_000).fit(X, labels) for labels in (D, changed)
    )
    difference = np.abs(a.held_out_decisions_ - b.held_out_decisions_).max(axis=0)
    assert difference[7] < 1e-5
    assert difference.max() > 1e-3


def test_probabilities_rise_with_the_decision_values(problem):
    """Two labels: the coupling leaves the sigmoid as it is."""
    X, D = problem
    two = D[:, :2] / D[:, :2].sum(axis=1, keepdims=True)
    model = PTSVM(random_state=0, scaling="none").fit(X, two)
    order = np.argsort(model._decision_values(X)[:, 0])
    p = model.predict(X)[order, 0]
    assert (np.diff(p) >= 0).all()
    assert p[-1] > p[0]
    assert np.corrcoef(p, two[order, 0])[0, 1] > 0.7


def test_a_label_without_weight_gets_next_to_nothing(problem):
    X, D = problem
    D = np.insert(D, 2, 0.0, axis=1)
    D = np.insert(D, 0, 0.0, axis=1)
    model = PTSVM(random_state=0).fit(X, D)
    P = model.predict(X)
    assert model.converged_
    assert P[:, [0, 3]].max() < 0.05
    without = PTSVM(random_state=0).fit(*problem).predict(X)
    np.testing.assert_allclose(P[:, [1, 2, 4, 5]], without, atol=0.06)


@pytest.mark.parametrize(
    ("X", "D"),
    [
        (np.zeros((1, 2)), np.array([[0.3, 0.7]])),
        (np.zeros((4, 2)), np.eye(4)),
        (np.arange(3.0)[:, None], np.eye(3)),
        (np.random.default_rng(0).normal(size=(6, 30)), np.full((6, 3), 1 / 3)),
    ],
)
def test_tiny_and_degenerate_problems(X, D):
    P = PTSVM(random_state=0).fit(X, D).predict(np.concatenate([X, X * 1e6, X + 1e6]))
    assert np.isfinite(P).all()
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)


def test_far_features_give_a_distribution(problem):
    X, D = problem
    P = PTSVM(random_state=0).fit(X * [1, 1e-6, 1e6, 0, 1], D).predict(X * 1e6)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("C", [0, -1.0, "a", None, True, np.inf, np.nan]),
        ("gamma", [0, -1.0, "max", True, np.inf, np.nan]),
        ("gamma_factor", [0, "scale", None, np.inf]),
        ("tol", [0, "a", None, True, np.inf]),
        ("kernel_approximation", ["rbf", None]),
        ("kernel_components", [0, 2.5, None]),
        ("max_iter", [0, 2.5, "a", None, True, np.inf]),
        ("random_state", [-1, 0.5, "a", True]),
        ("scaling", ["max", None]),
    ],
)
def test_hyper_parameters_without_meaning_are_refused(problem, name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} must be"):
            PTSVM(**{name: value}).fit(*problem)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "q", "c"), [(700, 5, 2), (150, 5, 7), (60, 5, 24), (60, 2000, 2)])
@pytest.mark.parametrize("tol", [1e-2, 1e-6])
@pytest.mark.parametrize("approximation", ["none", "nystroem"])
def test_the_memory_is_bounded(n, q, c, tol, approximation):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(n, q)), rng.dirichlet(np.ones(c), n)
    tracemalloc.start()
    try:
        model = PTSVM(
            tol=tol, max_iter=12, random_state=0, kernel_approximation=approximation,
            kernel_components=50,
        ).fit(X, D)  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.4 < peak / model.peak_memory(n, q, c) < 1


def test_too_much_memory_is_refused_before_any_is_taken(problem, monkeypatch):
    X, D = problem
    monkeypatch.setenv(size.VARIABLE, str(exact_memory(60, 5, 4) / 1e9))
    PTSVM(random_state=0).fit(X, D)
    with pytest.raises(ValueError, match="for 60 training rows with 5 features and 5 lab"):
        PTSVM(random_state=0).fit(X, np.insert(D, 0, 0.0, axis=1))
    monkeypatch.undo()
    assert exact_memory(18_000, 168, 8) < size.MAX_MEMORY < exact_memory(19_000, 168, 8)
    # Many labels count: 68 of them are 2278 pairs.
    assert exact_memory(18_500, 36, 68) > size.MAX_MEMORY > exact_memory(18_500, 36, 8)


def test_the_refusal_names_an_approximation_that_is_not_refused(monkeypatch):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(900, 4)), rng.dirichlet(np.ones(3), 900)
    monkeypatch.setenv(size.VARIABLE, "0.02")
    with pytest.raises(ValueError, match=r"PTSVM needs 0\.0 GB for 900 .*in place of") as refused:
        PTSVM(kernel_components=40).fit(X, D)
    ((name, value),) = re.findall(r'set (\w+)="(\w+)", which with kernel_c', str(refused.value))
    model = PTSVM(kernel_components=40, random_state=0, **{name: value}).fit(X, D)
    assert model.beta_.shape == (3, 40)
    monkeypatch.undo()
    # The size of EmoSet: what its matrix needs is said, and what an approximation does.
    whole = PTSVM()._memory_advice(118_000, 280, 8)
    assert re.search(
        r"takes 3\.\d GB and roughly .* in place of 28\d\.\d GB and roughly \d+ h", whole
    )


def test_an_approximation_with_all_rows_is_the_kernel(problem):
    """Folds, sigmoids and coupling are then the same too; of the rows too few are no mistake."""
    X, D = problem
    exact, approximate = (
        PTSVM(tol=1e-7, max_iter=20_000, random_state=0, kernel_approximation=kind).fit(
            X[:50], D[:50]
        )
        for kind in ("none", "nystroem")
    )
    assert approximate.converged_
    np.testing.assert_allclose(
        approximate.held_out_decisions_, exact.held_out_decisions_, atol=1e-5
    )
    np.testing.assert_allclose(approximate.predict(X), exact.predict(X), atol=1e-5)


@pytest.mark.parametrize(("kind", "few", "many"), [("nystroem", 5, 40), ("fourier", 20, 4000)])
def test_more_components_come_near_the_exact_predictions(problem, kind, few, many):
    X, D = problem
    P = PTSVM(random_state=0).fit(X, D).predict(X)
    rough, fine = (
        np.abs(
            PTSVM(random_state=0, kernel_approximation=kind, kernel_components=components)
            .fit(X, D)
            .predict(X)
            - P
        ).mean()
        for components in (few, many)
    )
    assert fine < 0.02
    assert fine < 0.4 * rough


def test_a_common_offset_changes_nothing(problem):
    X, D = problem
    P = PTSVM(scaling="none", gamma="auto", tol=1e-7, random_state=0).fit(X, D).predict(X)
    far = X + np.array([1e8, 0, -1e8, 0, 0])
    Q = PTSVM(scaling="none", gamma="auto", tol=1e-7, random_state=0).fit(far, D).predict(far)
    np.testing.assert_allclose(Q, P, atol=1e-5)


def test_groups_far_apart_are_fine(problem):
    """All distances between the groups are infinite: 1e8 or 1e4 is the same."""
    X, D = problem
    P, Q = (
        PTSVM(scaling="none", gamma="auto", random_state=0).fit(far, D).predict(far)
        for far in (X + offset * (np.arange(60) < 30)[:, None] for offset in (1e4, 1e9))
    )
    np.testing.assert_allclose(Q, P, atol=1e-4)


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_a_fitted_model_does_not_follow_its_training_data(problem, scaling):
    X, D = (array.copy() for array in problem)
    model = PTSVM(scaling=scaling, random_state=0).fit(X, D)
    P = model.predict(problem[0])
    X[:], D[:] = 7.0, 0.25
    np.testing.assert_array_equal(model.predict(problem[0]), P)


def test_batches_of_pairs_change_nothing(problem, monkeypatch):
    X, D = problem
    model = PTSVM(tol=1e-7, max_iter=20_000, random_state=0).fit(X, D)
    monkeypatch.setattr(pt_svm, "PAIRS_AT_ONCE", 4)
    batches = PTSVM(tol=1e-7, max_iter=20_000, random_state=0).fit(X, D)
    for name in ("beta_", "bias_", "held_out_decisions_", "sigmoids_", "objective_"):
        np.testing.assert_allclose(getattr(batches, name), getattr(model, name), atol=1e-5)


def test_gamma_scale_is_that_of_scikit_learn(problem):
    """Told by the preprocessed features; 1 / q on standardised ones."""
    X, D = problem
    far = X * [1, 2, 3, 4, 5] + 1
    model = PTSVM(scaling="none", random_state=0).fit(far, D)
    assert model.gamma_ == pytest.approx(SVC(gamma="scale").fit(far, np.arange(60) % 2)._gamma)
    assert PTSVM(random_state=0).fit(far, D).gamma_ == pytest.approx(1 / 5)
    for gamma in ("auto", None):
        model = PTSVM(scaling="none", gamma=gamma, gamma_factor=3.0).fit(far, D)
        assert model.gamma_ == pytest.approx(3 / 5)
    assert PTSVM(random_state=0).fit(np.ones((60, 2)), D).gamma_ == 1.0


def test_units_do_not_matter_by_default_nor_without_standardising(problem):
    X, D = problem
    for scaling in ("auto", "none"):
        P = PTSVM(scaling=scaling, tol=1e-7, random_state=0).fit(X, D).predict(X)
        Q = PTSVM(scaling=scaling, tol=1e-7, random_state=0).fit(1e6 * X, D).predict(1e6 * X)
        np.testing.assert_allclose(Q, P, atol=1e-5)


def test_principal_components_are_not_whitened_by_default():
    """Two that tell the labels and 40 of noise: whitened, the noise is the distance."""
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(240, 42)) * np.concatenate([[3, 2], np.linspace(0.3, 0.1, 40)])
    U, s, _ = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)
    X = U * s
    D = np.exp(X[:, :2] @ rng.normal(size=(2, 3)))
    D /= D.sum(axis=1, keepdims=True)
    score = {}
    for scaling in ("auto", "none", "standard"):
        P = PTSVM(scaling=scaling, random_state=0).fit(X[::2], D[::2]).predict(X[1::2])
        score[scaling] = kl(D[1::2], P)
    assert score["auto"] == score["none"] < 0.7 * score["standard"]


def test_a_search_predicts_as_separate_fits_do(problem):
    X, D = problem
    configurations = [
        {"C": 10.0},
        {},
        {"C": 0.1},
        {"C": 0.1, "scaling": "none", "gamma_factor": 3.0},
        {"components": 2, "scaling": "standard"},
        {"kernel_approximation": "nystroem", "kernel_components": 10},
        {"kernel_approximation": "nystroem", "kernel_components": 20},
        {"kernel_approximation": "nystroem", "kernel_components": 20, "C": 3.0},
    ]
    model = PTSVM(random_state=0)
    together = model.predict_each(configurations, X[:40], D[:40], X[40:])
    for configuration, found in zip(configurations, together, strict=True):
        alone = clone(model).set_params(**configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_allclose(found, alone, rtol=0, atol=1e-12)


def test_labels_without_signal_are_predicted_by_their_mean_at_the_simple_end():
    rng = np.random.default_rng(1)
    X, D = rng.normal(size=(400, 8)), rng.dirichlet([4, 2, 1, 1], 400)
    simple = {name: values[0] for name, values in PTSVM.search_space[0].items()}
    P = PTSVM(random_state=0, **simple).fit(X[:200], D[:200]).predict(X[200:])
    mean = np.tile(D[:200].mean(axis=0), (200, 1))
    assert kl(D[200:], P) < 1.02 * kl(D[200:], mean)


def weighted_svc(X, positive, negative, at):
    """LIBSVM's decision values with its default C = 1 and gamma = 1 / n_features."""
    both, y = np.concatenate([X, X]), np.repeat([1, -1], len(X))
    weight = np.concatenate([positive, negative])
    used = weight > 0
    svc = SVC(C=1.0, gamma=1 / X.shape[1], tol=1e-8)
    return svc.fit(both[used], y[used], sample_weight=weight[used]).decision_function(at)


def test_every_step_is_that_of_libsvm_on_the_weighted_examples(problem):
    """Defaults but for the tolerance: machines, five folds, sigmoids with the exact weights."""
    X, D = problem
    D = np.where(D < 0.03, 0.0, D)
    D /= D.sum(axis=1, keepdims=True)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    at = np.random.default_rng(1).normal(size=(10, 5))
    model = PTSVM(tol=1e-7, max_iter=50_000, random_state=4).fit(X, D)
    decisions = model._decision_values((at - X.mean(axis=0)) / X.std(axis=0))
    fold = np.random.default_rng(4).permutation(60) % 5
    r = np.zeros((10, 4, 4))
    for k, (i, j) in enumerate(combinations(range(4), 2)):
        positive, negative = D[:, i], D[:, j]
        expected = weighted_svc(Z, positive, negative, (at - X.mean(axis=0)) / X.std(axis=0))
        np.testing.assert_allclose(decisions[:, k], expected, atol=1e-4)
        held_out = np.empty(60)
        for f in range(5):
            own = fold == f
            held_out[own] = weighted_svc(Z[~own], positive[~own], negative[~own], Z[own])
        np.testing.assert_allclose(model.held_out_decisions_[k], held_out, atol=1e-4)
        (A, B), _ = (
            part[0] for part in fit_sigmoids(held_out[None], positive[None], negative[None])
        )
        np.testing.assert_allclose(model.sigmoids_[k], [A, B], atol=1e-3)
        r[:, i, j] = 1 / (1 + np.exp(A * expected + B))
        r[:, j, i] = 1 - r[:, i, j]
    np.testing.assert_allclose(model.predict(at), couple(r), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_emotion6_lies_among_the_reference_variants(shared, load_real, scaling):
    X, D = load_real("emotion6")
    test = np.zeros(len(X), dtype=bool)
    test[json.loads((shared / "reference" / "folds_emotion6.json").read_text())["0"]] = True
    model = PTSVM(random_state=0, scaling=scaling).fit(X[~test], D[~test])
    P = model.predict(X[test])
    assert model.converged_
    assert (model.sigmoids_[:, 0] < 0).all()
    assert 0.54 < kl(D[test], P) < 0.60
    assert (P.argmax(axis=1) == D[test].argmax(axis=1)).mean() >= 0.28
