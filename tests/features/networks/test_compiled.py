"""The compiled forward pass and training step, against the same computed by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from features.networks import backend

backend.start()

import keras  # noqa: E402

from features.networks.compiled import compile_forward, compile_training, to_numpy  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype(np.float32)
T = RNG.normal(size=(6, 3)).astype(np.float32)
WEIGHTS = np.array([1, 1, 1, 1, 0, 0], np.float32)  # the last two rows only fill the batch


@pytest.fixture
def model():
    inputs = keras.Input((4,))
    dropped = keras.layers.Dropout(0.5, seed=1)(inputs)
    outputs = keras.layers.Dense(3, name="linear")(dropped)
    made = keras.Model(inputs, outputs)
    made.get_layer("linear").kernel.assign(RNG.normal(size=(4, 3)).astype(np.float32))
    return made


def plain():
    inputs = keras.Input((4,))
    made = keras.Model(inputs, keras.layers.Dense(3, name="linear")(inputs))
    start = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    made.get_layer("linear").kernel.assign(start)
    return made, start


def loss(targets, outputs, weights):
    squares = keras.ops.sum(keras.ops.square(outputs - targets), axis=1)
    return keras.ops.sum(weights * squares) / keras.ops.sum(weights)


def test_the_forward_pass_drops_nothing_and_follows_assigned_weights(model):
    forward = compile_forward(model)
    for _ in range(2):
        kernel = to_numpy(model.get_layer("linear").kernel.value)
        np.testing.assert_allclose(to_numpy(forward(X)), X @ kernel, rtol=1e-5, atol=1e-6)
        model.get_layer("linear").kernel.assign(kernel + 1)


def test_a_step_is_one_of_gradient_descent_and_gives_the_loss_before_it():
    model, W = plain()
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    steps = compile_training(model, optimizer, loss)
    b = np.zeros(3, np.float32)
    with steps() as step:
        for _ in range(3):
            errors = WEIGHTS[:, None] * (X @ W + b - T)
            assert float(step(X, T, WEIGHTS)) == pytest.approx((errors**2).sum() / 4, rel=1e-5)
            W, b = W - 0.1 * 2 * X.T @ errors / 4, b - 0.1 * 2 * errors.sum(axis=0) / 4
    layer = model.get_layer("linear")
    np.testing.assert_allclose(to_numpy(layer.kernel.value), W, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(to_numpy(layer.bias.value), b, rtol=1e-4, atol=1e-6)
