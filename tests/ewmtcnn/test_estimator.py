"""The networks as estimators: what they are settings of, and what they say to bad input.

Also tests `baselines.dldl`.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from baselines import DLDL
from benchmark.datasets.synthetic.dataset import EMOTION6_LABELS, load_synthetic
from ewmtcnn import EWMTCNN, FineTunedCNN, FrozenCNN
from features.networks import backend
from features.storage.sharded_array import Rows

QUICK = {"backbone": "small", "weights": "random", "epochs": 2, "batch_size": 8, "random_state": 3}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    backend.start(threads=1)


@pytest.fixture(scope="module")
def problem():
    data = load_synthetic(20, 32)
    return np.stack([data.images.load(row, 32) for row in range(20)]), data.D


def ew(**more):
    return EWMTCNN(**{"labels": EMOTION6_LABELS, **QUICK, **more})


@pytest.mark.slow
def test_fit_and_predict(problem):
    X, D = problem
    model = ew()
    assert model.fit(X[:15], D[:15]) is model
    P = model.predict(X[15:])
    assert P.shape == (5, 7)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert len(model.history_) == model.n_iter_ == 2
    assert model.objective_ == model.history_[-1]
    assert model.matrix_.shape == (7, 7)
    np.testing.assert_array_equal(ew().fit(X[:15], D[:15]).predict(X[15:]), P)
    assert not np.array_equal(ew(random_state=4).fit(X[:15], D[:15]).predict(X[15:]), P)
    # One image alone gets what it gets among others, but for rounding.
    np.testing.assert_allclose(model.predict(X[15:16]), P[:1], rtol=1e-4)


def test_images_may_be_views_that_are_read_when_asked_for(problem):
    X, D = problem
    order = np.array([3, 1, 14, 7, 9, 0, 2, 11])
    lazy = ew().fit(Rows(X, order), D[order]).predict(Rows(X, order))
    np.testing.assert_array_equal(lazy, ew().fit(X[order], D[order]).predict(X[order]))


def test_estimators_that_share_a_compiled_network_do_not_mix(problem):
    X, D = problem
    one, other = ew().fit(X, D), ew(random_state=9).fit(X, D)
    mine, theirs = one.predict(X), other.predict(X)
    assert not np.array_equal(mine, theirs)
    np.testing.assert_array_equal(one.predict(X), mine)
    loaded = pickle.loads(pickle.dumps(one))  # noqa: S301 - what was pickled here
    np.testing.assert_array_equal(loaded.predict(X), mine)


@pytest.mark.slow
def test_all_are_settings_of_one_network(problem):
    X, D = problem
    dldl = DLDL(**QUICK).fit(X, D).predict(X)
    np.testing.assert_array_equal(ew(wheel="none", loss_weight=1.0).fit(X, D).predict(X), dldl)
    tuned = FineTunedCNN(**QUICK).fit(X, D).predict(X)
    np.testing.assert_array_equal(ew(wheel="none", loss_weight=0.0).fit(X, D).predict(X), tuned)
    assert not np.array_equal(tuned, dldl)
    dominant = np.eye(7)[D.argmax(axis=1)]  # what classifiers see of D
    np.testing.assert_array_equal(FineTunedCNN(**QUICK).fit(X, dominant).predict(X), tuned)


@pytest.mark.slow
def test_the_frozen_network_learns_a_linear_rule_from_activations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    D = np.eye(3)[np.argmax(X[:, :3], axis=1)]
    model = FrozenCNN(backbone="small", weights="random", dropout=0.0, epochs=30, random_state=0)
    P = model.fit(X[:150], D[:150]).predict(X[150:])
    assert (P.argmax(axis=1) == D[150:].argmax(axis=1)).mean() > 0.85
    assert FrozenCNN.consumes == "activations"


def test_defaults_are_the_papers():
    params = EWMTCNN().get_params()
    stated = {
        "backbone": "vgg16", "weights": "imagenet", "sigma": 0.6, "loss_weight": 0.7,
        "dropout": 0.5, "backbone_rate": 0.001, "head_rate": 0.01, "epochs": 20, "batch_size": 32,
        "wheel": "prior", "wheel_trainable": False,
    }  # fmt: skip
    assert {key: params[key] for key in stated} == stated
    assert EWMTCNN.consumes == DLDL.consumes == "images"


@pytest.mark.parametrize("cls", [EWMTCNN, DLDL, FineTunedCNN, FrozenCNN])
def test_they_can_be_cloned(cls):
    model = cls(epochs=3, random_state=1)
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "vgg61"}, "no backbone 'vgg61'"),
        ({"wheel": "ring"}, "wheel must be"),
        ({"reading": "both"}, "reading must be"),
        ({"augmentation": "all"}, "augmentation must be"),
        ({"precision": "half"}, "precision must be"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"head_rate": -1}, "head_rate must be a finite number, at least 0"),
        ({"loss_weight": 1.1}, "loss_weight must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"momentum": 1.0}, "momentum must be"),
        ({"sigma": -1}, "sigma must be"),
        ({"labels": None}, "needs the names of the labels"),
        ({"labels": ("fear", "joy")}, "labels has 2 names, but D has 7 columns"),
        ({"size": 64}, "must be square images of 64 pixels, not 32 x 32"),
        ({"backbone": "alexnet"}, "alexnet needs images of at least 63 pixels"),
    ],
)
def test_bad_settings(settings, message, problem):
    with pytest.raises(ValueError, match=message):
        ew(**settings).fit(*problem)


@pytest.mark.slow
def test_bad_images(problem):
    X, D = problem
    for images, message in (
        (X / 255.0, "type uint8"),
        (X[..., :2], r"shape \(n, h, w, 3\)"),
        (X[:, :16], "must be square"),
        (X[:5], "X has 5 rows but D has 20"),
    ):
        with pytest.raises(ValueError, match=message):
            ew().fit(images, D)
    model = ew().fit(X, D)
    with pytest.raises(ValueError, match="fit saw"):
        model.predict(X[:, :16, :16])


@pytest.mark.slow
def test_importing_loads_no_keras():
    import subprocess
    import sys

    code = (
        "import sys; from ewmtcnn import EWMTCNN; from baselines import DLDL; EWMTCNN(), DLDL(); "
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
