"""The loss: that it is both of the paper's tasks, and its gradient in both readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewmtcnn.wheel import MIKELS, prior_distributions
from features.networks import backend

backend.start(threads=1)

import keras  # noqa: E402 - the backend is started first
from keras import ops  # noqa: E402

from ewmtcnn.losses import cross_entropy, mixed_targets  # noqa: E402
from ewmtcnn.network import Wheel  # noqa: E402


def problem(n=5, c=8, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, c)) * 2
    D = rng.dirichlet(np.ones(c) * 0.5, size=n)
    return z, D


def softmax(u):
    e = np.exp(u - u.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@given(st.floats(0, 1), st.integers(0, 1000))
def test_it_is_the_sum_of_both_tasks(loss_weight, seed):
    z, D = problem(seed=seed)
    p = softmax(z)
    classify = np.array([-np.log(p[i, D[i].argmax()]) for i in range(len(D))])
    distribute = np.array([-sum(d * np.log(q) for d, q in zip(D[i], p[i], strict=True))
                           for i in range(len(D))])  # fmt: skip
    expected = (1 - loss_weight) * classify + loss_weight * distribute
    found = cross_entropy(mixed_targets(D, loss_weight), np.log(p))
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-6)


def test_the_first_of_tied_labels_is_dominant():
    assert mixed_targets([[0.4, 0.2, 0.4]], 0.0).tolist() == [[1.0, 0.0, 0.0]]
    np.testing.assert_allclose(mixed_targets([[0.4, 0.2, 0.4]], 0.5), [[0.7, 0.1, 0.2]])
    assert mixed_targets([[0.4, 0.2, 0.4]], 1.0).tolist() == [[0.4, 0.2, 0.4]]


def reference_p(z, W, reading):
    return softmax(z @ W) if reading == "logit" else softmax(z) @ W


def reference_loss(z, W, D, reading, loss_weight=0.7):
    t = mixed_targets(D, loss_weight)
    return -(t * np.log(reference_p(z, W, reading))).sum(axis=1)


def wheel_layer(W, reading, trainable=False):
    layer = Wheel(reading, trainable=trainable, dtype="float64")
    layer.build((None, len(W)))
    layer.set_matrix(W)
    return layer


def gradient(function, x, step=1e-6):
    """Central differences of a function that is the sum of its values."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        found[place] = (function(up).sum() - function(down).sum()) / (2 * step)
    return found


def tensor_gradient(function, x):
    """Gradient by the backend that is running; these tests run under TensorFlow."""
    if backend.backend_name() != "tensorflow":
        pytest.skip("the gradient is taken with TensorFlow's tape")
    import tensorflow as tf

    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(function(variable))
    return tape.gradient(total, variable).numpy()


@pytest.mark.parametrize("reading", ["mixture", "logit"])
@pytest.mark.parametrize("sigma", [0.3, 0.6, 1.0])
def test_values_and_gradient_by_differences(reading, sigma):
    z, D = problem()
    W = prior_distributions(MIKELS, sigma)
    layer, t = wheel_layer(W, reading), mixed_targets(D, 0.7)

    def loss(x):
        return cross_entropy(t, layer(x))

    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(z)), reference_loss(z, W, D, reading), rtol=1e-6
    )
    expected = gradient(lambda x: reference_loss(x, W, D, reading), z)
    np.testing.assert_allclose(tensor_gradient(loss, z), expected, rtol=1e-5, atol=1e-7)


def test_in_the_reading_logit_the_gradient_is_the_papers_eq_4():
    z, D = problem()
    W = prior_distributions(MIKELS, 0.6)
    loss_weight = 0.7
    y = np.eye(8)[D.argmax(axis=1)]
    u = z @ W
    eq4 = softmax(u) - (1 - loss_weight) * y - loss_weight * D
    t = mixed_targets(D, loss_weight)
    found = tensor_gradient(lambda x: cross_entropy(t, ops.log_softmax(x, axis=-1)), u)
    np.testing.assert_allclose(found, eq4, rtol=1e-9, atol=1e-12)
    # Through the wheel it is eq. 4 times W transposed, and in the mixture it is something else.
    for reading, same in (("logit", True), ("mixture", False)):
        layer = wheel_layer(W, reading)
        through = tensor_gradient(lambda x, layer=layer: cross_entropy(t, layer(x)), z)
        assert np.allclose(through, eq4 @ W.T, rtol=1e-5, atol=1e-6) is same


def test_a_share_of_zero_is_no_nan():
    """In the mixture a frozen one-hot row leaves a label to its own score alone."""
    layer = wheel_layer(np.eye(3), "mixture")
    log_p = ops.convert_to_numpy(layer(np.array([[200.0, 0.0, -200.0]])))
    np.testing.assert_allclose(log_p, [[0.0, -200.0, -400.0]], atol=1e-9)
    assert keras.backend.backend()  # the layer ran on a backend, not on NumPy
