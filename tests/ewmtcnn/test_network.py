"""EW-MTCNN's forward pass, loss and SGD steps against a NumPy version written from the formulas."""

from __future__ import annotations

import numpy as np
import pytest

from ewmtcnn.wheel import prior_distributions
from features.networks import backend

backend.start(threads=1)

from ewmtcnn.losses import mixed_targets  # noqa: E402
from ewmtcnn.network import NetworkSettings, build_network, reset_network  # noqa: E402
from ewmtcnn.trainer import Trainer, TrainingSettings  # noqa: E402

LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
SIZE, N = 16, 5
RATES = TrainingSettings(backbone_rate=0.002, head_rate=0.05, momentum=0.9, weight_decay=0.01)


def settings(**more):
    return NetworkSettings(
        len(LABELS), "small", SIZE, "random", **{"dropout": 0.0, "reading": "mixture", **more}
    )


def problem():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 256, (N, SIZE, SIZE, 3), dtype=np.uint8)
    D = rng.dirichlet(np.ones(len(LABELS)), size=N)
    return X, mixed_targets(D, 0.7)


# --- The NumPy version: layers as pairs of forward and backward ----------------------------------


def windows(x):
    """The 3 x 3 neighbourhoods of every pixel, zeros outside: (n, h, w, 3, 3, c)."""
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    h, w = x.shape[1:3]
    return np.stack(
        [np.stack([padded[:, i : i + h, j : j + w] for j in range(3)], 3) for i in range(3)], 3
    )


def convolve(x, kernel, bias):
    return np.einsum("nhwijc,ijcd->nhwd", windows(x), kernel) + bias


def convolve_back(x, kernel, g):
    padded = np.zeros((len(x), x.shape[1] + 2, x.shape[2] + 2, x.shape[3]))
    for i in range(3):
        for j in range(3):
            part = np.einsum("nhwd,cd->nhwc", g, kernel[i, j])
            padded[:, i : i + x.shape[1], j : j + x.shape[2]] += part
    kernel_g = np.einsum("nhwijc,nhwd->ijcd", windows(x), g)
    return padded[:, 1:-1, 1:-1], kernel_g, g.sum(axis=(0, 1, 2))


def pool(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def pool_back(x, y, g):
    """Give each gradient to the pixel that was the largest; no two are alike in these images."""
    grown = np.repeat(np.repeat(y, 2, axis=1), 2, axis=2)
    return (x == grown) * np.repeat(np.repeat(g, 2, axis=1), 2, axis=2)


def softmax(u):
    e = np.exp(u - u.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(weights, X, W, reading):
    """Return p, and what the backward pass needs."""
    x, kept = X / 127.5 - 1, []
    for kernel, bias in weights[:4]:
        u = convolve(x, kernel, bias)
        a = np.maximum(u, 0)
        y = pool(a)
        kept.append((x, u, a, y))
        x = y
    x = x.reshape(len(X), -1)
    for kernel, bias in weights[4:6]:
        u = x @ kernel + bias
        kept.append((x, u))
        x = np.maximum(u, 0)
    z = x @ weights[6][0] + weights[6][1]
    kept.append((x, z))
    p = softmax(z @ W) if reading == "logit" else softmax(z) @ W
    return p, kept


def loss_and_gradients(weights, X, T, W, reading):
    p, kept = forward(weights, X, W, reading)
    loss = -(T * np.log(p)).sum() / len(X)
    x, z = kept[6]
    if reading == "logit":
        g = (p - T) @ W.T / len(X)
    else:
        v = softmax(z)
        dv = -(T / p) @ W.T  # dL/dv, and through the softmax
        g = v * (dv - (v * dv).sum(axis=1, keepdims=True)) / len(X)
    gradients = [(x.T @ g, g.sum(axis=0))]
    g = g @ weights[6][0].T
    for (kernel, _), (x, u) in zip(weights[5:3:-1], kept[5:3:-1], strict=True):
        g = g * (u > 0)
        gradients.append((x.T @ g, g.sum(axis=0)))
        g = g @ kernel.T
    g = g.reshape(kept[3][3].shape)
    for (kernel, _), (x, u, a, y) in zip(weights[3::-1], kept[3::-1], strict=True):
        g = pool_back(a, y, g) * (u > 0)
        g, kernel_g, bias_g = convolve_back(x, kernel, g)
        gradients.append((kernel_g, bias_g))
    return loss, gradients[::-1]


def pairs(model):
    """Kernel and bias of every layer, as float64."""
    flat = [np.asarray(w, np.float64) for w in model.get_weights()[:14]]
    return list(zip(flat[::2], flat[1::2], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["mixture", "logit"])
def test_two_steps_equal_numpys(reading):
    X, T = problem()
    W = prior_distributions(LABELS, 0.6)
    trainer = Trainer(settings(reading=reading), RATES)
    trainer.reset(np.random.SeedSequence(1), W)
    weights = pairs(trainer.model)
    found = np.exp(np.asarray(trainer.model.predict_on_batch(X)))
    np.testing.assert_allclose(found, forward(weights, X, W, reading)[0], rtol=2e-4, atol=1e-6)

    velocity = [(np.zeros_like(k), np.zeros_like(b)) for k, b in weights]
    for _ in range(2):  # the second shows the momentum
        loss, gradients = loss_and_gradients(weights, X, T, W, reading)
        ours = trainer.step((X, T.astype(np.float32), np.ones(N, np.float32)))
        assert ours == pytest.approx(loss, rel=1e-4)
        for layer in range(7):
            rate = RATES.head_rate if layer == 6 else RATES.backbone_rate
            (k, b), (gk, gb), (vk, vb) = weights[layer], gradients[layer], velocity[layer]
            vk = RATES.momentum * vk - rate * (gk + RATES.weight_decay * k)
            vb = RATES.momentum * vb - rate * gb  # no decay on a bias
            velocity[layer], weights[layer] = (vk, vb), (k + vk, b + vb)
        for (k, b), (k2, b2) in zip(weights, pairs(trainer.model), strict=True):
            np.testing.assert_allclose(k2, k, rtol=1e-3, atol=2e-5)
            np.testing.assert_allclose(b2, b, rtol=1e-3, atol=2e-5)


@pytest.mark.slow
def test_rows_that_fill_a_batch_change_nothing():
    X, T = problem()
    W = prior_distributions(LABELS, 0.6)
    filled = (np.concatenate([X, X[:3]]), np.concatenate([T, T[:3]]).astype(np.float32),
              np.array([1] * N + [0] * 3, np.float32))  # fmt: skip
    states = []
    trainer = Trainer(settings(), RATES)
    for batch in ((X, T.astype(np.float32), np.ones(N, np.float32)), filled):
        trainer.reset(np.random.SeedSequence(1), W)
        loss = trainer.step(batch)
        states.append((loss, pairs(trainer.model)))
    assert states[0][0] == pytest.approx(states[1][0], rel=1e-5)
    for (k, b), (k2, b2) in zip(states[0][1], states[1][1], strict=True):
        np.testing.assert_allclose(k, k2, atol=1e-6)
        np.testing.assert_allclose(b, b2, atol=1e-6)


def predictions(W, **more):
    network = build_network(settings(**more))
    reset_network(network, settings(**more), np.random.SeedSequence(2), W)
    return np.exp(np.asarray(network.model.predict_on_batch(problem()[0])))


def test_a_frozen_identity_is_no_wheel():
    bare = predictions(None, wheel=False)
    for reading in ("mixture", "logit"):
        np.testing.assert_allclose(predictions(np.eye(7), reading=reading), bare, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["mixture", "logit"])
def test_a_trained_wheel_starts_where_the_frozen_one_is_and_keeps_distributions(reading):
    W = prior_distributions(LABELS, 0.6)
    trained = {"wheel_trainable": True, "reading": reading}
    frozen = predictions(0.99 * W + 0.01 / 7, reading=reading)
    np.testing.assert_allclose(predictions(W, **trained), frozen, rtol=1e-4, atol=1e-7)
    X, T = problem()
    trainer = Trainer(settings(**trained), TrainingSettings(head_rate=1.0))
    trainer.reset(np.random.SeedSequence(1), W)
    for _ in range(3):
        trainer.step((X, T.astype(np.float32), np.ones(N, np.float32)))
    rows = np.exp(np.asarray(trainer.network.wheel.log_w.numpy(), np.float64))
    rows /= rows.sum(axis=1, keepdims=True)
    assert not np.allclose(rows, W, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["mixture", "logit"])
def test_a_trained_identity_leaves_the_identity(reading):
    X, T = problem()
    trained = settings(wheel_trainable=True, reading=reading)
    trainer = Trainer(trained, TrainingSettings(backbone_rate=0.0, head_rate=0.05))
    trainer.reset(np.random.SeedSequence(1), np.eye(7))
    before = np.array(trainer.network.wheel.log_w.numpy())
    for _ in range(30):
        trainer.step((X, T.astype(np.float32), np.ones(N, np.float32)))
    moved = softmax(np.array(trainer.network.wheel.log_w.numpy())) - softmax(before)
    assert np.abs(moved - np.diag(np.diag(moved))).max() > 1e-4


def test_a_frozen_wheel_stays():
    X, T = problem()
    W = prior_distributions(LABELS, 0.6)
    trainer = Trainer(settings(), TrainingSettings(head_rate=1.0))
    trainer.reset(np.random.SeedSequence(1), W)
    before = np.array(trainer.network.wheel.log_w.numpy())
    trainer.step((X, T.astype(np.float32), np.ones(N, np.float32)))
    np.testing.assert_array_equal(trainer.network.wheel.log_w.numpy(), before)


def test_activations_in_place_of_a_backbone():
    head = NetworkSettings(3, "", 4, "", dropout=0.0, wheel=False)
    network = build_network(head)
    reset_network(network, head, np.random.SeedSequence(0), None)
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    kernel, bias = network.model.get_weights()
    found = np.exp(np.asarray(network.model.predict_on_batch(x)))
    np.testing.assert_allclose(found, softmax(x @ kernel + bias), rtol=1e-5)


@pytest.mark.slow
def test_bfloat16_is_near_and_its_variables_are_not_rounded():
    W = prior_distributions(LABELS, 0.6)
    exact = predictions(W)
    rounded = predictions(W, precision="bfloat16")
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, atol=0.05)
    model = build_network(settings(precision="bfloat16")).model
    assert {str(v.dtype) for v in model.trainable_variables} == {"float32"}
