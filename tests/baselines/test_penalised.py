"""Maximum entropy models with further terms, against their objectives written out.

`baselines.penalised`, `baselines.ldllc`, `baselines.ldl_lclr`, `baselines.ldl_lrr`,
`baselines.ldl_scl`. What holds of the linear maps too (`baselines.linear_maps`) is tested here.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax, softmax, xlogy

from baselines import LDLLC, LDLLCLR, LDLLRR, LDLSCL, LDLSF, TKLRLDL, TLRLDL
from baselines.ldl_lclr import misfit, nuclear
from baselines.ldl_lrr import pairs_of, ranking
from baselines.ldllc import distances, signs_of
from baselines.penalised import cross_entropy, probabilities_of, pulled_back
from benchmark.metrics import kl_divergence
from benchmark.plugins.spaces import configurations

MAXENT = [LDLLC, LDLLCLR, LDLLRR, LDLSCL]
ALL = [*MAXENT, LDLSF, TLRLDL, TKLRLDL]


def make(cls, **own):
    """Make a learner with a seed."""
    return cls(**({"random_state": 0} if cls is LDLSCL else {}), **own)


def divergence(X, D, W, b=0.0):
    """Sum of the Kullback-Leibler divergences."""
    return float(xlogy(D, D).sum() - (D * log_softmax(X @ W + b, axis=1)).sum())


def test_slopes_of_terms_are_those_of_finite_differences():
    rng = np.random.default_rng(0)
    squares, signs = rng.uniform(0.1, 2, 3), signs_of(rng.normal(size=(5, 4)))
    D, P = rng.dirichlet(np.ones(4), 6).T, rng.dirichlet(np.ones(4), 6).T
    S, scores = rng.uniform(size=(4, 4)), rng.normal(size=(4, 6))
    pairs = pairs_of(4)
    apart = pairs @ D

    def ranked(F):
        P = probabilities_of(F)[1]
        loss, slope = ranking(P, pairs, apart, 20.0)
        return loss, pulled_back(P, slope)

    for term, start in [
        (lambda A: distances(A, squares, signs, 1e-3), rng.normal(size=(4, 3))),
        (lambda F: cross_entropy(D, F)[:2], scores),
        (ranked, scores),
        (lambda Q: misfit(D, Q, S)[:2], P),
        (lambda R: misfit(D, P, R)[::2], S),
        (nuclear, S),
    ]:
        error = check_grad(
            lambda x, term=term, shape=start.shape: term(x.reshape(shape))[0],
            lambda x, term=term, shape=start.shape: term(x.reshape(shape))[1].ravel(),
            start.ravel(),
        )
        assert error < 2e-5


@pytest.mark.parametrize("relative", [False, True])
def test_ldllc_is_the_minimum_for_its_signs(relative, problem):
    X, D = problem
    X = X[:, :3] * 2 + 1
    unit = {"fit_intercept": True, "unit": "data"} if relative else {}
    scale = 0.02 if relative else 1.0
    model = LDLLC(alpha=1.0 * scale, beta=0.5 * scale, tol=1e-9, **unit).fit(X, D)
    n, size = len(X), np.sqrt(((X - X.mean(axis=0)) ** 2).sum() / len(X))
    alpha, beta = 1.0, 0.5
    if relative:
        alpha, beta = scale * n * size / 6, 0.5 * scale * n * size**2
    signs = np.sign(np.corrcoef(model.weights_.T))

    def objective(flat):
        W, b = flat[:12].reshape(3, 4), flat[12:] if relative else 0.0
        apart = sum(
            signs[j, k] * np.linalg.norm(W[:, j] - W[:, k]) for j in range(4) for k in range(j)
        )
        return divergence(X, D, W, b) + beta * (W**2).sum() + alpha * apart

    start = np.append(model.weights_.ravel(), model.intercept_ if relative else [])
    assert model.objective_ == pytest.approx(objective(start), rel=1e-9)
    again = minimize(objective, start + 0.01, method="Powell", options={"ftol": 1e-12})
    assert model.objective_ <= again.fun + 1e-5
    assert model.converged_
    plain = LDLLC(alpha=0.0, beta=0.5 * scale, **unit).fit(X, D)
    flat = np.append(plain.weights_.ravel(), plain.intercept_)
    assert objective(flat[: len(start)]) > model.objective_ + 1e-3


def test_ldl_lrr_is_at_a_minimum_and_keeps_more_pairs_in_order(problem):
    X, D = problem
    X = X[:, :2]

    def objective(flat, alpha=2.0):
        W = flat.reshape(2, 4)
        P = softmax(X @ W, axis=1)
        lost = 0.0
        for j in range(4):
            for k in range(j):
                apart = D[:, j] - D[:, k]
                u = 30 * np.sign(apart) * (P[:, j] - P[:, k])
                lost += (apart**2 * np.log1p(np.exp(-u))).sum()
        return (divergence(X, D, W) + alpha * lost) / len(X) + 0.05 * (W**2).sum()

    model = LDLLRR(alpha=2.0, beta=0.1, sigma=30.0, tol=1e-9).fit(X, D)
    assert model.objective_ == pytest.approx(objective(model.weights_.ravel()), rel=1e-9)
    again = minimize(objective, model.weights_.ravel(), method="Nelder-Mead")
    assert model.objective_ <= again.fun + 1e-7
    plain = LDLLRR(alpha=0.0, beta=0.1, tol=1e-9).fit(X, D)
    free = minimize(lambda flat: objective(flat, 0.0), np.zeros(8), method="BFGS")
    assert plain.objective_ == pytest.approx(free.fun, rel=1e-6)  # convex without the ranking

    def kept(model):
        P = model.predict(X)
        return (np.sign(D[:, :, None] - D[:, None]) == np.sign(P[:, :, None] - P[:, None])).mean()

    assert kept(model) > kept(plain)


def test_ldl_lclr_is_at_a_minimum_of_weights_and_correlations(problem):
    X, D = problem
    X = X[:, :2]
    own = dict(zip(("lambda1", "lambda2", "lambda3", "lambda4"), (0.3, 2.0, 0.4, 0.2), strict=True))
    model = LDLLCLR(**own, tol=1e-8, max_iter=5000).fit(X, D)
    apart = ((D[:, :, None] - D[:, None]) ** 2).sum(axis=0)

    def objective(flat):
        W, S = flat[:8].reshape(2, 4), np.maximum(flat[8:], 0).reshape(4, 4)
        E = D - softmax(X @ W, axis=1) @ S
        rank = np.sqrt(np.linalg.svd(S, compute_uv=False) ** 2 + 1e-4).sum()
        return (
            divergence(X, D, W) + 0.3 * (W**2).sum() + 2 * np.linalg.norm(E, axis=0).sum()
            + 0.4 * rank + 0.1 * (S * apart).sum()
        )  # fmt: skip

    found = np.append(model.weights_.ravel(), model.correlations_.ravel())
    assert model.objective_ == pytest.approx(objective(found), rel=1e-5)
    again = minimize(objective, found, method="Powell", options={"ftol": 1e-10})
    assert model.objective_ <= again.fun + 1e-4
    assert model.correlations_.min() >= 0


@pytest.mark.parametrize("barrier", [0.0, 0.1])
def test_ldl_scl_is_at_a_minimum_of_weights_and_codes(barrier, problem, monkeypatch):
    X, D = problem
    X, D = X[:15, :2], D[:15, :3] / D[:15, :3].sum(axis=1, keepdims=True)
    kept = {}
    monkeypatch.setattr(LDLSCL, "__delattr__", lambda self, name: kept.update(codes=self.codes_))
    own = dict(zip(("lambda1", "lambda2", "lambda3"), (0.3, 0.2, 0.7), strict=True))
    model = make(LDLSCL, n_clusters=2, barrier=barrier, **own, tol=1e-8, max_iter=5000).fit(X, D)
    C = kept["codes"]
    nearest = np.argmax(C, axis=1)  # one of the two clusterings that two centres allow
    assert set(nearest) <= {0, 1}

    def objective(flat, centres):
        W, V = flat[:6].reshape(2, 3), flat[6:12].reshape(2, 3)
        C = np.maximum(flat[12:], 1e-6 if barrier else 0.0).reshape(15, 2)
        P = softmax(X @ W + C @ V, axis=1)
        far = ((P[:, None] - centres) ** 2).sum(axis=2)
        value = divergence(X, D, W, C @ V) + 0.3 * (W**2).sum() + 0.2 * (V**2).sum()
        return value + 0.7 * (C * far).sum() + (barrier * (1 / C).sum() if barrier else 0.0)

    from baselines.ldl_scl import clustered

    centres = clustered(D, 2, 0)[1]
    found = np.concatenate([model.weights_.ravel(), model.code_weights_.ravel(), C.ravel()])
    assert model.objective_ == pytest.approx(objective(found, centres), rel=1e-8)
    again = minimize(
        objective, found + 0.003, (centres,), method="L-BFGS-B",
        bounds=[(None, None)] * 12 + [(1e-6 if barrier else 0.0, None)] * 30,
    )  # fmt: skip
    assert model.objective_ <= again.fun + 1e-3


def test_codes_of_new_rows_come_from_a_linear_regression():
    """Where codes are a linear map of the features, and there are many rows, as themselves."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    D = softmax(3 * (X @ rng.normal(size=(3, 4))), axis=1)
    model = make(LDLSCL, n_clusters=3, fit_intercept=True).fit(X, D)
    ones = np.column_stack((np.ones(80), X))
    new = rng.normal(size=(5, 3))
    codes = model.code_mean_ + new @ model.code_map_
    again = model.code_mean_ + X @ model.code_map_
    # A projection onto the span of the features and ones leaves what is in it as it is.
    np.testing.assert_allclose(
        np.column_stack((np.ones(5), new)) @ np.linalg.lstsq(ones, again, rcond=None)[0], codes
    )
    assert np.abs(again.mean(axis=0)).max() > 0


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_the_space_begins_near_the_mean(cls, problem):
    X, D = problem
    mean = np.tile(D.mean(axis=0), (len(X), 1))
    for space in cls.search_space:
        simplest = {name: values[0] for name, values in space.items()}
        predicted = make(cls, **simplest).fit(X, D).predict(X)
        assert kl_divergence(mean, predicted).mean() < 0.05 * kl_divergence(D, mean).mean()


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_configurations_that_share_work_equal_separate_fits(cls, problem):
    X, D = problem
    tried = configurations(cls, cls().get_params(deep=False), 24, 0)[::4]
    shared = make(cls).predict_each(tried, X[:40], D[:40], X[40:])
    for configuration, predicted in zip(tried, shared, strict=True):
        alone = make(cls, **configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_allclose(predicted, alone, atol=1e-10)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 15), st.integers(2, 6)),
    relative=st.booleans(),
    kind=st.sampled_from(["usual", "constant", "zero", "single labels", "large", "twice"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
def test_any_data_gives_distributions(cls, shape, relative, kind, seed):
    rng = np.random.default_rng(seed)
    n, q, c = shape
    X, D = rng.normal(size=(n, q)), rng.dirichlet(np.full(c, 0.5), n)
    if kind in ("constant", "zero"):
        X[:] = 3.0 if kind == "constant" else 0.0
    elif kind == "single labels":
        D = np.eye(c)[rng.integers(0, c, n)]
    elif kind == "large":
        X = 1e9 + 1e5 * X
    elif kind == "twice":
        X = np.repeat(X, 2, axis=1)
    own = {"fit_intercept": True, "unit": "data", "scaling": "auto"} if relative else {}
    model = make(cls, max_iter=30, **own).fit(X, D)
    predicted = model.predict(np.vstack((X, 2 * X + 1)))
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0, atol=1e-9)
    assert np.isfinite([model.objective_, model.n_iter_]).all()


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_settings_without_meaning_are_refused(cls, problem):
    wrong = {"max_iter": 0, "tol": 0.0, "unit": "two", "fit_intercept": 1}
    terms = ("alpha", "beta", "gamma", "rho", "sigma", "barrier", "lambda1", "lambda4", "k",
             "threshold", "n_clusters", "smoothing")  # fmt: skip
    known = cls().get_params()
    wrong |= {name: -1 for name in terms if name in known}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=f"^{name} must be"):
            cls(**{name: value}).fit(*problem)
