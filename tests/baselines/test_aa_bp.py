"""AA-BP against explicit loops, difference quotients and real data."""

import json
import math

import numpy as np
import pytest
from sklearn.base import clone

from baselines.aa_bp import AABP, forward, is_saturated, squared_error


def kl(D, P):
    return np.where(D > 0, D * np.log(np.maximum(D, 1e-10) / np.maximum(P, 1e-10)), 0).sum(1).mean()


def small(n=5, q=3, h=2, c=4):
    rng = np.random.default_rng(0)
    D = rng.dirichlet(np.ones(c), n)
    D[0] = [0.0, 1.0, 0.0, 0.0]
    D[1] *= 1.00009  # a legal row that does not sum to exactly 1
    return rng.normal(size=h * (q + 1) + c * (h + 1)), rng.normal(size=(n, q)), D


def test_outputs_and_loss_match_a_loop():
    (n, q, h, c), (weights, X, D) = (5, 3, 2, 4), small()
    loss = 0.0
    for i in range(n):
        z = []
        for k in range(h):
            w = weights[k * (q + 1) : (k + 1) * (q + 1)]
            z.append(math.tanh(sum(w[t] * X[i, t] for t in range(q)) + w[q]))
        f = []
        for j in range(c):
            v = weights[h * (q + 1) + j * (h + 1) :]
            f.append(sum(v[k] * z[k] for k in range(h)) + v[h])
        p = [math.exp(value) / sum(math.exp(other) for other in f) for value in f]
        loss += sum((p[j] - D[i, j]) ** 2 for j in range(c)) / (2 * n)
        np.testing.assert_allclose(forward(weights, X, c)[1][i], p, rtol=1e-13)
    assert squared_error(weights, X, D)[0] == pytest.approx(loss, rel=1e-13)


def test_gradient_matches_differences():
    weights, X, D = small(h=3)
    step = 1e-6
    for p in range(weights.size):
        up, down = weights.copy(), weights.copy()
        up[p] += step
        down[p] -= step
        slope = (squared_error(up, X, D)[0] - squared_error(down, X, D)[0]) / (2 * step)
        assert squared_error(weights, X, D)[1][p] == pytest.approx(slope, abs=1e-9)


def test_a_small_step_lowers_the_loss(problem):
    X, D = problem
    losses = [
        AABP(epochs=epochs, learning_rate=1e-3, random_state=0).fit(X, D).objective_
        for epochs in (1, 2, 5)
    ]
    assert losses[0] > losses[1] > losses[2]


def test_beats_the_mean_distribution_in_training(problem):
    X, D = problem
    model = AABP(random_state=0).fit(X, D)
    assert kl(D, model.predict(X)) < 0.5 * kl(D, np.tile(D.mean(axis=0), (len(D), 1)))


def test_reports_how_training_ended(problem):
    X, D = problem
    short = AABP(epochs=7, random_state=0).fit(X, D)
    assert (short.n_iter_, short.converged_) == (7, False)
    assert short.objective_ == pytest.approx(0.5 * ((short.predict(X) - D) ** 2).sum() / len(D))
    # One distribution for all rows is learned to the end.
    ended = AABP(epochs=5000, learning_rate=1.0, random_state=0).fit(X, np.tile(D[:1], (len(D), 1)))
    assert ended.converged_
    assert ended.n_iter_ < 5000


def test_the_defaults_are_the_documented_ones():
    assert AABP().get_params() == {
        "n_hidden": 60,
        "epochs": 200,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "init_scale": 0.05,
        "scaling": "standard",
        "random_state": None,
        "components": None,
        "start": "uniform",
        "early_stopping": False,
        "validation_fraction": 0.2,
        "refit": True,
        "batch_size": None,
    }


@pytest.mark.parametrize(
    "changed", [{}, {"learning_rate": 0.3}, {"momentum": 0.5}, {"init_scale": 0.2}, {"n_hidden": 5}]
)
def test_training_is_momentum_descent_with_the_given_settings(problem, changed):
    X, D = problem
    settings = {"learning_rate": 0.1, "momentum": 0.9, "init_scale": 0.05, "n_hidden": 3}
    settings |= changed
    h = settings["n_hidden"]
    weights = np.random.default_rng(0).uniform(-1, 1, h * 6 + 4 * (h + 1)) * settings["init_scale"]
    move = np.zeros(weights.size)
    for _ in range(12):
        slope = squared_error(weights, X, D)[1]
        move = settings["momentum"] * move - settings["learning_rate"] * slope
        weights = weights + move
    model = AABP(epochs=12, scaling="none", random_state=0, **settings).fit(X, D)
    np.testing.assert_allclose(model.weights_, weights, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rate", [100.0, 1e3, 1e6])
def test_saturated_outputs_are_no_convergence(problem, rate):
    X, D = problem
    model = AABP(learning_rate=rate, random_state=0).fit(X, D)
    assert model.n_iter_ < 200  # the gradient vanished
    assert model.objective_ > 0.1
    assert model.converged_ is False


def test_is_saturated():
    one_hot, even = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert is_saturated(one_hot, even)
    assert is_saturated(one_hot, one_hot[:, ::-1])
    assert is_saturated(np.vstack([even, one_hot]), np.vstack([even, even]))
    assert not is_saturated(one_hot, one_hot)
    assert not is_saturated(even, one_hot)


def test_same_seed_same_result(problem):
    X, D = problem
    before = X.copy(), D.copy()
    model = AABP(epochs=20, random_state=3).fit(X, D)
    np.testing.assert_array_equal(model.predict(X), clone(model).fit(X, D).predict(X), strict=True)
    assert not np.array_equal(model.predict(X), AABP(epochs=20).fit(X, D).predict(X))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(D, before[1])


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_extreme_features_give_distributions(scaling, problem):
    X, D = problem
    X = np.column_stack([X * 1e6, np.full(len(X), 3.0)])
    model = AABP(epochs=30, scaling=scaling, random_state=0).fit(X, D)
    for features in (X, X * 1e6, -X):
        P = model.predict(features)
        assert np.isfinite(P).all()
        assert (P >= 0).all()
        np.testing.assert_allclose(P.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *[("n_hidden", value) for value in (0, 2.5, True, None, "5", np.inf)],
        *[("epochs", value) for value in (0, 2.5, True, None, "5", np.inf)],
        *[("learning_rate", value) for value in (0.0, np.nan, np.inf, None, "0.1")],
        *[("momentum", value) for value in (-0.1, 1.0, None, "0.9")],
        *[("init_scale", value) for value in (0.0, np.inf, None, "0.5")],
        *[("random_state", value) for value in (-1, 0.5, "0")],
    ],
)
def test_bad_settings_are_named(setting, value, problem):
    with pytest.raises(ValueError, match=setting):
        AABP(**{setting: value}).fit(*problem)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bound"), [("emotion6", 0.60), ("SJAFFE", 0.060)])
def test_learns_something_from_real_features(name, bound, shared, load_real):
    # Fold 0; the mean training distribution reaches 0.62 on emotion6 and 0.07 on SJAFFE, the
    # untrained defaults of another implementation 0.83 and 0.11.
    X, D = load_real(name)
    test = np.array(json.loads((shared / "reference" / f"folds_{name}.json").read_text())["0"])
    train = np.setdiff1d(np.arange(len(X)), test)
    model = AABP(random_state=0).fit(X[train], D[train])
    result = kl(D[test], model.predict(X[test]))
    assert result < bound
    assert result < kl(D[test], np.tile(D[train].mean(axis=0), (len(test), 1)))


def test_an_epoch_in_batches_by_hand():
    """25 rows by 10 are batches of 9, 8 and 8; the order follows the first weights' draws."""
    rng = np.random.default_rng(5)
    X, D = rng.normal(size=(25, 3)), rng.dirichlet(np.ones(4), 25)
    model = AABP(epochs=2, batch_size=10, n_hidden=2, scaling="none", random_state=8).fit(X, D)
    rng = np.random.default_rng(8)
    weights, move = rng.uniform(-0.05, 0.05, 2 * 4 + 4 * 3), 0.0
    for _ in range(2):
        order = rng.permutation(25)
        for rows in (order[:9], order[9:17], order[17:]):
            gradient = np.empty_like(weights)
            for k in range(len(weights)):
                ahead, behind = weights.copy(), weights.copy()
                ahead[k] += 1e-5
                behind[k] -= 1e-5
                errors = [
                    sum(((forward(w, X[[i]], 4)[1][0] - D[i]) ** 2).sum() / 2 for i in rows)
                    for w in (ahead, behind)
                ]
                gradient[k] = (errors[0] - errors[1]) / (2e-5 * len(rows))
            move = 0.9 * move - 0.1 * gradient
            weights = weights + move
    np.testing.assert_allclose(model.weights_, weights, atol=1e-9)
    assert model.objective_ == pytest.approx(((forward(weights, X, 4)[1] - D) ** 2).sum() / 50)


def test_many_labels_need_another_rate_and_are_told_which():
    """What the warning names is then learned with, without another warning."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 4))
    D = np.exp(np.tanh(X @ rng.normal(size=(4, 60))) + rng.normal(size=60))
    D /= D.sum(axis=1, keepdims=True)
    mean = kl(D[200:], np.tile(D[:200].mean(axis=0), (100, 1)))
    with pytest.warns(UserWarning, match=r"\(60\); give learning_rate=7.2, ") as told:
        model = AABP(random_state=0).fit(X[:200], D[:200])
    assert told[0].filename == __file__
    assert kl(D[200:], model.predict(X[200:])) > mean
    better = AABP(random_state=0, learning_rate=7.2).fit(X[:200], D[:200])
    assert kl(D[200:], better.predict(X[200:])) < 0.6 * mean
