"""SA-CPNN (with `baselines.cpnn_network`) against loops, difference quotients and real data."""

import json
import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone

from baselines import cpnn_network, sa_cpnn
from baselines.cpnn_network import (
    Labels,
    augment,
    cpnn_loss,
    cpnn_probabilities,
    hidden_activations,
    label_codes,
    row_blocks,
)
from baselines.sa_cpnn import SACPNN

CODES = ("number", "binary", "augmented")


def kl(D, P):
    return np.where(D > 0, D * np.log(np.maximum(D, 1e-10) / np.maximum(P, 1e-10)), 0).sum(1).mean()


def small(code, n=5, q=3, c=4, h=2, seed=0):
    rng = np.random.default_rng(seed)
    codes = label_codes(code, c)
    weights = rng.normal(size=h * (q + codes.shape[1] + 2))
    D = rng.dirichlet(np.ones(c), n)
    D[0] = [0.0, 1.0, 0.0, 0.0]
    D[1] *= 1.00009  # a legal row that does not sum to exactly 1
    return weights, rng.normal(size=(n, q)), Labels(codes, rng.normal(size=(c, 1))), D


def f_by_loop(weights, x, code_of_label, h):
    """f(x, y) of the network, one multiplication at a time; input (x, code, 1)."""
    inputs = [*x, *code_of_label, 1.0]
    width = len(inputs)
    total = 0.0
    for k in range(h):
        a = sum(weights[k * width + t] * inputs[t] for t in range(width))
        total += weights[h * width + k] / (1.0 + math.exp(-a))
    return total


@pytest.mark.parametrize("code", CODES)
def test_probabilities_and_loss_match_a_loop(code, monkeypatch):
    monkeypatch.setattr(cpnn_network, "BLOCK", 8)  # blocks of two rows, the last of one
    weights, X, labels, D = small(code)
    P, loss = np.empty(D.shape), 0.0
    for i in range(len(X)):
        f = [
            f_by_loop(weights, X[i], labels.codes[j], h=2) + float(labels.log_prior[j, 0])
            for j in range(4)
        ]
        for j in range(4):
            P[i, j] = math.exp(f[j]) / sum(math.exp(value) for value in f)
            loss -= D[i, j] * math.log(P[i, j]) / len(X)
    loss += 0.5 * 0.3 * sum(w * w for w in weights)
    np.testing.assert_allclose(cpnn_probabilities(weights, X, labels), P, rtol=1e-13)
    assert cpnn_loss(weights, X, labels, D, l2=0.3)[0] == pytest.approx(loss, rel=1e-13)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_gradient_matches_differences(code, l2, monkeypatch):
    monkeypatch.setattr(cpnn_network, "BLOCK", 8)
    weights, X, labels, D = small(code, h=3)
    step = 1e-6
    for p in range(weights.size):
        up, down = weights.copy(), weights.copy()
        up[p] += step
        down[p] -= step
        slope = (cpnn_loss(up, X, labels, D, l2)[0] - cpnn_loss(down, X, labels, D, l2)[0]) / (
            2 * step
        )
        assert cpnn_loss(weights, X, labels, D, l2)[1][p] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [(np.float64, 1e-11, 1e-15), (np.float32, 1e-4, 2e-7)]
)
@pytest.mark.parametrize("size", [0.01, 1.0, 10.0, 100.0, 1e3, 1e6])
def test_activations_match_a_library_also_where_they_saturate(size, dtype, rtol, atol):
    rng = np.random.default_rng(1)
    hidden = (size * rng.normal(size=(6, 3 + 2 + 1))).astype(dtype)
    X, codes = (rng.normal(size=shape).astype(dtype) for shape in ((7, 3), (4, 2)))
    a = hidden[:, :3] @ X.T + hidden[:, -1:]
    b = codes @ hidden[:, 3:5].T
    T = hidden_activations(hidden, X, codes)
    assert T.dtype == dtype
    np.testing.assert_allclose(0.5 + 0.5 * T, expit(a[None] + b[:, :, None]), rtol=rtol, atol=atol)


def test_row_blocks_cover_every_row_once(monkeypatch):
    monkeypatch.setattr(cpnn_network, "BLOCK", 10)
    for n, c in ((1, 3), (9, 3), (10, 3), (4, 99)):
        rows = np.arange(n)
        assert np.concatenate([rows[block] for block in row_blocks(n, c)]).tolist() == list(rows)


def test_label_codes():
    assert label_codes("number", 3).tolist() == [[1], [2], [3]]
    assert label_codes("binary", 3).tolist() == np.eye(3).tolist()
    assert label_codes("augmented", 3).tolist() == np.eye(3).tolist()


def test_augment_by_hand():
    # Copies of (0.5, 0.5, 0): (1, .5, 0) / 1.5 and (.75, .5, 0) / 1.25; the first maximum rises.
    D = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    expected = [[(2 / 3 + 3 / 5) / 2, (1 / 3 + 2 / 5) / 2, 0.0], [0.0, 0.0, 1.0]]
    np.testing.assert_allclose(augment(D, copies=2), expected, rtol=1e-14)
    assert D[0].tolist() == [0.5, 0.5, 0.0]


def test_the_mean_of_the_copies_trains_as_the_copies_do():
    weights, X, labels, D = small("augmented")
    copies = []
    for r in (1, 2, 3):
        copy = D.copy()
        for row in copy:
            row[row.argmax()] *= 1 + 1 / r
            row /= row.sum()
        copies.append(copy)
    long = cpnn_loss(weights, np.tile(X, (3, 1)), labels, np.vstack(copies))
    short = cpnn_loss(weights, X, labels, augment(D, copies=3))
    assert short[0] == pytest.approx(long[0], rel=1e-13)
    np.testing.assert_allclose(short[1], long[1], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("code", CODES)
def test_a_small_step_lowers_the_loss(code, problem):
    X, D = problem
    losses = [
        SACPNN(code=code, epochs=epochs, delta0=1e-4, random_state=0).fit(X, D).objective_
        for epochs in (1, 2, 5)
    ]
    assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize("code", CODES)
def test_beats_the_mean_distribution_in_training(code, problem):
    X, D = problem
    model = SACPNN(code=code, random_state=0).fit(X, D)
    assert kl(D, model.predict(X)) < 0.5 * kl(D, np.tile(D.mean(axis=0), (len(D), 1)))


def test_the_defaults_are_the_published_ones():
    assert SACPNN().get_params() == {
        "n_hidden": 50,
        "epochs": 400,
        "code": "number",
        "l2": 0.0,
        "eta_plus": 1.2,
        "eta_minus": 0.5,
        "delta0": 0.1,
        "init_scale": 0.5,
        "precision": "single",
        "scaling": "none",
        "random_state": None,
        "components": None,
        "start": "uniform",
        "early_stopping": False,
        "validation_fraction": 0.2,
        "refit": True,
        "batch_size": None,
    }


def test_augmentation_is_by_five_copies():
    D = np.random.default_rng(0).dirichlet(np.ones(4), 6)
    np.testing.assert_array_equal(augment(D), augment(D, copies=5))
    assert not np.allclose(augment(D), augment(D, copies=4))


@pytest.mark.parametrize(
    "changed",
    [{}, {"eta_plus": 1.5}, {"eta_minus": 0.2}, {"delta0": 0.3}, {"init_scale": 0.1}, {"l2": 0.1}],
)
def test_training_is_rprop_with_the_given_settings(problem, changed):
    """Against RProp weight by weight, in plain numbers."""
    X, D = problem
    settings = {"eta_plus": 1.2, "eta_minus": 0.5, "delta0": 0.1, "init_scale": 0.5, "l2": 0.0}
    settings |= changed
    start = np.random.default_rng(0).uniform(-1, 1, 3 * (5 + 1 + 2)) * settings["init_scale"]
    weights = start.tolist()
    sizes, remembered = [settings["delta0"]] * len(weights), [0.0] * len(weights)
    grown = shrunk = 0
    labels = Labels(label_codes("number", 4))
    for _ in range(15):
        slope = cpnn_loss(np.array(weights), X, labels, D, settings["l2"])[1]
        for p, g in enumerate(slope.tolist()):
            if g * remembered[p] > 0:
                sizes[p] *= settings["eta_plus"]
                grown += 1
            if g * remembered[p] < 0:
                sizes[p] *= settings["eta_minus"]
                shrunk += 1
                remembered[p] = 0.0
                continue
            weights[p] -= math.copysign(sizes[p], g)
            remembered[p] = g
    assert min(grown, shrunk) > 20
    model = SACPNN(n_hidden=3, epochs=15, precision="double", random_state=0, **settings)
    np.testing.assert_allclose(model.fit(X, D).weights_, weights, rtol=0, atol=1e-9)


def test_reports_how_training_ended(problem):
    X, D = problem
    short = SACPNN(epochs=7, random_state=0).fit(X, D)
    assert (short.n_iter_, short.converged_) == (7, False)
    assert short.objective_ == pytest.approx(-(D * np.log(short.predict(X))).sum() / len(D))
    ended = SACPNN(epochs=5000, l2=0.1, random_state=0).fit(X, D)
    assert ended.converged_
    assert ended.n_iter_ < 5000


def test_l2_shrinks_the_weights(problem):
    X, D = problem
    free, tied = (SACPNN(l2=l2, random_state=0).fit(X, D).weights_ for l2 in (0.0, 0.01))
    assert np.linalg.norm(tied) < 0.5 * np.linalg.norm(free)


def test_same_seed_same_result(problem):
    X, D = problem
    before = X.copy(), D.copy()
    model = SACPNN(epochs=20, code="augmented", random_state=3).fit(X, D)
    np.testing.assert_array_equal(model.predict(X), clone(model).fit(X, D).predict(X), strict=True)
    other = SACPNN(epochs=20, code="augmented", random_state=4).fit(X, D)
    assert not np.array_equal(model.predict(X), other.predict(X))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(D, before[1])


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_extreme_features_give_distributions(scaling, problem):
    X, D = problem
    X = np.column_stack([X * 1e6, np.full(len(X), 3.0)])
    model = SACPNN(epochs=30, scaling=scaling, random_state=0).fit(X, D)
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
        *[("code", value) for value in ("one-hot", None, 1)],
        *[("precision", value) for value in ("half", None, np.float32)],
        *[("l2", value) for value in (-1.0, np.nan, np.inf, None, "0")],
        *[("eta_plus", value) for value in (1.0, np.inf, None, "1.2")],
        *[("eta_minus", value) for value in (0.0, 1.0, None, "0.5")],
        *[("delta0", value) for value in (0.0, np.inf, None, "0.1")],
        *[("init_scale", value) for value in (0.0, np.inf, None, "0.5")],
        *[("random_state", value) for value in (-1, 0.5, "0")],
    ],
)
def test_bad_settings_are_named(setting, value, problem):
    with pytest.raises(ValueError, match=setting):
        SACPNN(**{setting: value}).fit(*problem)


@pytest.mark.slow
def test_overfits_sjaffe_no_worse_than_other_implementations(shared, load_real):
    # SJAFFE fold 0, raw: PyLDL's CPNN has a KL of 0.065, the original code 0.063; binary 0.041.
    X, D = load_real("SJAFFE")
    test = np.array(json.loads((shared / "reference" / "folds_SJAFFE.json").read_text())["0"])
    train = np.setdiff1d(np.arange(len(X)), test)
    for code, bound in (("number", 0.075), ("binary", 0.060)):
        model = SACPNN(code=code, scaling="none", random_state=0).fit(X[train], D[train])
        assert kl(D[test], model.predict(X[test])) < bound


@pytest.mark.parametrize("code", CODES)
def test_single_precision_computes_the_same(problem, code):
    """Loss and gradient agree to single precision; training is as good and stays repeatable."""
    X, D = problem
    codes = label_codes(code, 4)
    weights = np.random.default_rng(0).uniform(-1, 1, 8 * (5 + codes.shape[1] + 2))
    value, gradient = cpnn_loss(weights, X, Labels(codes), D)
    w, x, y, d = (array.astype(np.float32) for array in (weights, X, codes, D))
    low_value, low_gradient = cpnn_loss(w, x, Labels(y), d)
    assert low_gradient.dtype == np.float32
    assert low_value == pytest.approx(value, rel=1e-5)
    assert low_gradient == pytest.approx(gradient, rel=1e-3, abs=1e-6)
    ends = {
        precision: SACPNN(code=code, precision=precision, random_state=0).fit(X, D).objective_
        for precision in ("single", "double")
    }
    assert ends["single"] == pytest.approx(ends["double"], rel=0.05)


def test_single_precision_survives_saturated_units(problem):
    X, D = problem
    predicted = SACPNN(epochs=20, random_state=0).fit(X * 1e6, D).predict(X * 1e6)
    assert predicted.sum(axis=1) == pytest.approx(np.ones(len(X)), abs=1e-12)


def test_features_beyond_single_precision(problem):
    X, D = problem
    X = X * 1e39
    with pytest.raises(ValueError, match='scaling="standard" or precision="double"'):
        SACPNN(epochs=5).fit(X, D)
    for settings in ({"scaling": "standard"}, {"precision": "double"}):
        P = SACPNN(epochs=5, random_state=0, **settings).fit(X, D).predict(X)
        assert np.isfinite(P).all()
    largest = X * (sa_cpnn.LARGEST_SINGLE / np.abs(X).max())
    assert np.isfinite(SACPNN(epochs=30, random_state=0).fit(largest, D).predict(X)).all()


def test_weights_and_predictions_are_double_in_both_precisions(problem):
    X, D = problem
    for precision in ("single", "double"):
        model = SACPNN(epochs=5, precision=precision, random_state=0).fit(X, D)
        assert model.weights_.dtype == model.predict(X).dtype == np.float64
        np.testing.assert_array_equal(
            model.predict(X), cpnn_probabilities(model.weights_, X, model.labels_)
        )


@pytest.mark.parametrize("code", ["number", "binary"])
def test_many_labels_are_the_same_arithmetic_in_another_order(code, monkeypatch):
    """Eight rows in blocks of three, with a prior and rows that do not sum to 1."""
    weights, X, labels, D = small(code, n=8)
    monkeypatch.setattr(cpnn_network, "BLOCK", 12)
    value, gradient = cpnn_loss(weights, X, labels, D, 0.1)
    P = cpnn_probabilities(weights, X, labels)
    monkeypatch.setattr(cpnn_network, "MANY_LABELS", 4)
    other, slope = cpnn_loss(weights, X, labels, D, 0.1)
    assert other == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(slope, gradient, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(cpnn_probabilities(weights, X, labels), P, rtol=1e-13)


def test_an_epoch_in_batches_by_hand():
    """The steps of RMSProp at a tenth of delta0, on the gradient of ten rows and of ten others."""
    rng = np.random.default_rng(5)
    X, D = rng.normal(size=(20, 3)), rng.dirichlet(np.ones(4), 20)
    model = SACPNN(
        n_hidden=2, epochs=1, batch_size=10, delta0=0.2, precision="double", random_state=8
    ).fit(X, D)
    rng = np.random.default_rng(8)
    weights = rng.uniform(-0.5, 0.5, 2 * 6)
    order, labels = rng.permutation(20), Labels(label_codes("number", 4), np.zeros((4, 1)))
    gradients = []
    for rows in (order[:10], order[10:]):
        gradients.append(cpnn_loss(weights, X[rows], labels, D[rows])[1])
        mean = gradients[0] ** 2
        if len(gradients) == 2:
            mean = (0.9 * gradients[0] ** 2 + gradients[1] ** 2) / 1.9
        weights = weights - 0.02 * gradients[-1] / (np.sqrt(mean) + 1e-8)
    np.testing.assert_allclose(model.weights_, weights, rtol=1e-12)
