"""What all networks share: frozen backbones, the start at the prior, and early stopping.

Also tests `ewmtcnn.activations` and `ewmtcnn.spaces`.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from baselines import DLDL
from baselines.base import Monitor
from baselines.early_stopping import best_epoch, held_out, kl_divergence
from benchmark.datasets.synthetic.dataset import EMOTION6_LABELS, load_synthetic
from ewmtcnn import EWMTCNN, FineTunedCNN, FrozenCNN
from features.extract import Extraction, extract
from features.networks import backend

backend.start(threads=1)

from ewmtcnn import training  # noqa: E402
from ewmtcnn.activations import activations  # noqa: E402

QUICK = {"backbone": "small", "weights": "random", "batch_size": 16, "random_state": 3}
FROZEN = {**QUICK, "backbone_rate": 0.0, "dropout": 0.0}
N = 60


@pytest.fixture(scope="module")
def data():
    return load_synthetic(N, 32)


@pytest.fixture(scope="module")
def problem(data):
    return np.stack([data.images.load(row, 32) for row in range(N)]), data.D


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write a checkpoint after every epoch, however little time one takes."""
    monkeypatch.setattr(training, "_CHECKPOINT_SHARE", np.inf)


# --- A frozen backbone ---------------------------------------------------------------------------


def test_a_frozen_backbone_gives_the_activations_that_the_harness_keeps(data, problem, tmp_path):
    kept = extract(data.images, Extraction("small", "random", 32), tmp_path)
    found = activations(problem[0], "small", "random", "float32")
    np.testing.assert_allclose(found, np.asarray(kept), atol=1e-6)


def optimum(A, T, decay):
    """Minimise the mean cross entropy of softmax(A W + b) plus decay / 2 |W|^2, by L-BFGS."""
    n, q = A.shape
    c = T.shape[1]

    def objective(theta):
        W, b = theta[: q * c].reshape(q, c), theta[q * c :]
        z = A @ W + b
        log_p = z - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True))
        log_p -= z.max(1, keepdims=True)
        residual = (np.exp(log_p) - T) / n
        value = -(T * log_p).sum() / n + decay / 2 * (W**2).sum()
        return value, np.concatenate([(A.T @ residual + decay * W).ravel(), residual.sum(0)])

    found = minimize(
        objective, np.zeros((q + 1) * c), jac=True, options={"gtol": 1e-9, "ftol": 1e-15},
        method="L-BFGS-B",
    )  # fmt: skip
    return found.fun, objective


def test_a_frozen_head_reaches_the_optimum_of_the_convex_problem():
    """Softmax regression with a bias has one minimum, here found with other code too."""
    data = load_synthetic(40)
    X = np.stack([data.images.load(row, 64) for row in range(40)])
    A = activations(X, "small", "bundled", "float32").astype(float)
    settings = {"weights": "bundled", "dropout": 0.0, "weight_decay": 0.02, "batch_size": 40}
    model = DLDL(**{**FROZEN, **settings, "head_rate": 2.0, "epochs": 300}).fit(X, data.D)
    check_optimum(model, A, data.D, 0.02)
    A = np.random.default_rng(0).normal(size=(40, 5))
    model = FrozenCNN(**{**QUICK, **settings, "head_rate": 0.5, "epochs": 150}).fit(A, data.D)
    check_optimum(model, A, np.eye(7)[data.D.argmax(axis=1)], 0.02)


def check_optimum(model, A, T, decay):
    least, objective = optimum(A, T, decay)
    reached, gradient = objective(np.concatenate([w.ravel() for w in model.weights_], dtype=float))
    assert reached == pytest.approx(least, abs=1e-6)
    assert np.abs(gradient).max() < 1e-3
    start, _ = objective(np.zeros(A.shape[1] * 7 + 7))
    assert start - least > 0.05  # there was something to learn


def test_a_frozen_network_is_one_of_its_scaled_activations(problem):
    X, D = problem
    dominant = np.eye(7)[D.argmax(axis=1)]
    A = activations(X, "small", "random", "float32")
    settings = {"scaling": "standard", "epochs": 3, "head_rate": 0.05}
    frozen = DLDL(**FROZEN, **settings).fit(X[:40], dominant[:40])
    known = FrozenCNN(**{**QUICK, **settings, "dropout": 0.0}).fit(A[:40], dominant[:40])
    np.testing.assert_allclose(frozen.predict(X[40:]), known.predict(A[40:]), atol=1e-4)
    assert known.n_features_in_ == 128


def test_heads_of_one_frozen_backbone_are_fitted_together_as_apart(problem, monkeypatch):
    X, D = problem
    settings = [{"head_rate": 0.1, "epochs": 3}, {"epochs": 2, "scaling": "standard"},
                {"epochs": 2, "start": "prior"}]  # fmt: skip
    apart = [DLDL(**{**FROZEN, **more}).fit(X[:40], D[:40]).predict(X[40:]) for more in settings]
    together = DLDL(**FROZEN).predict_each(settings, X[:40], D[:40], X[40:])
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_array_equal(one, other)
    looked = []

    def look(X, *_):
        looked.append(len(X))
        return np.zeros((len(X), 128), np.float32)

    monkeypatch.setattr("ewmtcnn.activations.activations", look)
    DLDL(**FROZEN).predict_each([{"epochs": 1}, {"epochs": 2}], X[:40], D[:40], X[40:])
    assert looked == [40, 20]


def test_settings_that_do_not_go_together_are_refused(problem):
    for settings, message in (
        ({"scaling": "standard"}, "scaling = 'standard' is for the activations of a frozen"),
        (
            {"scaling": "standard", "backbone_rate": 0, "augmentation": "flip"},
            "for the activations",
        ),
        ({"scaling": "log"}, "scaling must be"),
        ({"start": "mean"}, "start must be"),
        ({"early_stopping": "yes"}, "early_stopping must be True or False"),
        ({"refit": 1.5}, "refit must be True or False"),
        ({"validation_fraction": 1.0}, "validation_fraction must be"),
    ):
        with pytest.raises(ValueError, match=message):
            DLDL(**{**QUICK, **settings}).fit(*problem)


# --- The start at the prior ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"wheel": "none"}, {"wheel": "prior"}, {"wheel": "prior", "reading": "logit"},
     {"wheel": "identity"}],
)  # fmt: skip
def test_a_network_that_starts_at_the_prior_predicts_the_mean_distribution(problem, settings):
    """With no rates nothing moves."""
    X, D = problem
    model = EWMTCNN(
        EMOTION6_LABELS, **{**FROZEN, "head_rate": 0.0, "loss_weight": 1.0, "sigma": 0.3},
        **settings, start="prior", epochs=1,
    )  # fmt: skip
    P = model.fit(X, D).predict(X[:4])
    np.testing.assert_allclose(P, np.tile(D.mean(axis=0), (4, 1)), atol=1e-4)
    usual = model.set_params(start="uniform").fit(X, D).predict(X[:4])
    assert np.abs(usual - D.mean(axis=0)).max() > 0.01


def test_a_label_that_no_row_has_does_no_harm(problem):
    X, _ = problem
    D = np.eye(3)[np.arange(N) % 2]
    P = DLDL(**FROZEN, start="prior", epochs=2).fit(X, D).predict(X)
    assert P[:, 2].max() < 1e-5


# --- Early stopping ------------------------------------------------------------------------------

STOPPING = {**QUICK, "early_stopping": True, "epochs": 4, "head_rate": 0.02, "backbone_rate": 0.001}


def network(cls=DLDL, monitor=None, **more):
    model = cls(**{**STOPPING, **more})
    model.monitor = monitor or Monitor()
    return model


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("cls", [DLDL, FineTunedCNN])
def test_early_stopping_is_a_training_for_the_epochs_that_were_found(problem, cls, refit):
    X, D = problem
    model = network(cls, refit=refit, validation_fraction=0.3).fit(X, D)
    rest, held = held_out(D, 0.3, 3)
    T = D if cls is DLDL else np.eye(7)[D.argmax(axis=1)]
    longest = network(cls, early_stopping=False).fit(X[rest], D[rest])
    assert model.search_history_ == longest.history_
    curve = model.validation_curve_
    assert len(curve) == 5
    assert curve[-1] == pytest.approx(kl_divergence(T[held], longest.predict(X[held])))
    epochs = best_epoch(curve)
    assert model.n_iter_ == len(model.history_) == epochs
    rows = np.arange(N) if refit else rest
    if epochs:
        again = network(cls, early_stopping=False, epochs=epochs).fit(X[rows], D[rows])
        np.testing.assert_array_equal(model.predict(X), again.predict(X))
        assert model.history_ == again.history_


def test_where_nothing_can_be_learnt_the_start_is_kept(problem):
    X, _ = problem
    D = np.random.default_rng(0).permutation(np.eye(7)[np.arange(N) % 7])
    model = network(start="prior", head_rate=1.0).fit(X, D)
    assert best_epoch(model.validation_curve_) == model.n_iter_ == 0
    assert model.history_ == []
    np.testing.assert_allclose(model.predict(X), np.tile(D.mean(axis=0), (N, 1)), atol=1e-6)
    entropy = -(D.mean(axis=0) * np.log(D.mean(axis=0))).sum()
    assert model.objective_ == pytest.approx(entropy, abs=1e-5)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("line", ["search: epoch 2/4", "search: epoch 4/4", "epoch 1/", "epoch 2/"])
def test_a_killed_search_or_refit_goes_on_with_the_same_result(problem, tmp_path, line):
    X, D = problem
    lines = []
    whole = network(monitor=Monitor(None, lines.append)).fit(X, D)
    assert sum(text.startswith("search: ") for text in lines) == 4
    assert len(lines) == 4 + whole.n_iter_
    assert whole.n_iter_ > 2  # so that the refit can be killed in the middle

    def stop(text):
        if text.startswith(line):
            raise KilledError

    with pytest.raises(KilledError):
        network(monitor=Monitor(tmp_path, stop)).fit(X, D)
    told = []
    resumed = network(monitor=Monitor(tmp_path, told.append)).fit(X, D)
    assert told == lines[lines.index(next(t for t in lines if t.startswith(line))) + 1 :]
    assert resumed.history_ == whole.history_
    assert resumed.search_history_ == whole.search_history_
    assert resumed.validation_curve_ == whole.validation_curve_
    np.testing.assert_array_equal(resumed.predict(X), whole.predict(X))
    found = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(found) == {"found.npz", "checkpoint.npz"}
    assert found["found.npz"] < 10_000


def test_what_a_search_found_is_left_aside_where_it_cannot_be_read(problem, tmp_path):
    X, D = problem
    whole = network(monitor=Monitor(tmp_path)).fit(X, D)
    (tmp_path / "found.npz").write_bytes(b"nothing")
    (tmp_path / "checkpoint.npz").unlink()
    with pytest.warns(UserWarning, match=r"found.npz is damaged"):
        again = network(monitor=Monitor(tmp_path)).fit(X, D)
    np.testing.assert_array_equal(again.predict(X), whole.predict(X))


# --- Search spaces -------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [DLDL, EWMTCNN, FineTunedCNN, FrozenCNN])
def test_each_network_has_eight_configurations_that_are_settings_of_it(cls):
    found = list(ParameterGrid(list(cls.search_space)))
    model = cls(EMOTION6_LABELS) if cls is EWMTCNN else cls()
    kept = model.get_params()
    assert len({str(sorted({**kept, **more}.items())) for more in [{}, *found]}) == 8
    for more in found:
        # On top of the demo's settings, where images are mirrored, too.
        demo = {"augmentation": "flip"} if "augmentation" in kept else {}
        clone(model).set_params(**demo).set_params(**more).check_settings()


@pytest.mark.parametrize("cls", [DLDL, EWMTCNN])
def test_the_simplest_configuration_is_near_the_mean_distribution(cls, problem):
    X, D = problem
    simplest = {name: values[0] for name, values in cls.search_space[0].items()}
    model = cls(**QUICK).set_params(**simplest).fit(X[:40], D[:40])
    mean = np.tile(D[:40].mean(axis=0), (20, 1))
    assert kl_divergence(D[40:], model.predict(X[40:])) < 1.01 * kl_divergence(D[40:], mean)
