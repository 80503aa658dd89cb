"""Replaced layers give the values and gradients of Keras' own, on every backend that is there."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

# Few different values, so that most windows have several that are largest; odd sides.
CODE = """
import json, sys
import numpy as np
from features.networks import backend
backend.start(threads=1)
import keras
from keras import layers, ops
from features.networks.accelerated import rebuild

inputs = keras.Input((11, 9, 3))
x = layers.Conv2D(4, 3, padding="same", name="one")(inputs)
x = layers.Activation("relu")(x)
x = layers.MaxPooling2D(2, name="halves")(x)
x = layers.Conv2D(5, (1, 3), padding="same", activation="relu", name="two")(x)
x = layers.Conv2D(5, 3, 2, padding="same", name="strided")(x)
x = layers.MaxPooling2D(2, 1, name="overlapping")(x)
plain = keras.Model(inputs, x, name="plain")
fast = rebuild(plain, torch=backend.backend_name() == "torch")
assert fast.name == "plain"
kinds = {l.name: type(l).__module__.partition(".")[0] for l in fast.layers}
assert [l.name for l in fast.layers] == [l.name for l in plain.layers]
rng = np.random.default_rng(0)
weights = [rng.integers(-1, 2, w.shape).astype(np.float32) for w in plain.get_weights()]
images = rng.integers(0, 2, (4, 11, 9, 3)).astype(np.float32)

def host(tensor):
    return np.array(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor)

def both(model):
    model.set_weights(weights)
    def loss(values):
        outputs = model(values)
        return ops.sum(outputs * ops.reshape(ops.arange(ops.size(outputs), dtype="float32"),
                                             outputs.shape))
    name = backend.backend_name()
    if name == "tensorflow":
        import tensorflow as tf
        given = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = loss(given)
        got = tape.gradient(value, [given, *[v.value for v in model.trainable_variables]])
        outputs = model(given)
    elif name == "jax":
        import jax
        def stateless(values, trained):
            outputs, _ = model.stateless_call(trained, [], values)
            return ops.sum(outputs * ops.reshape(ops.arange(ops.size(outputs), dtype="float32"),
                                                 outputs.shape))
        first, others = jax.grad(stateless, argnums=(0, 1))(
            images, [v.value for v in model.trainable_variables])
        got, outputs = [first, *others], model(images)
    else:
        import torch
        model.zero_grad()  # some layers are of both
        where = model.trainable_variables[0].value.device
        given = torch.tensor(images, device=where, requires_grad=True)
        loss(given).backward()
        got = [given.grad, *[v.value.grad for v in model.trainable_variables]]
        outputs = model(given).detach()
    return [host(outputs), *map(host, got)]

for one, two in zip(both(plain), both(fast), strict=True):
    np.testing.assert_array_equal(one, two)
    assert one.any()
print(json.dumps(kinds))
"""

REPLACED = {"tensorflow": {"halves"}, "jax": {"halves"}, "torch": {"halves", "one", "two"}}


@pytest.mark.parametrize("name", REPLACED)
def test_values_and_gradients_are_those_of_keras_to_the_bit(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "KERAS_BACKEND": name, "XLA_FLAGS": QUICK},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kinds = json.loads(done.stdout.splitlines()[-1])
    assert {layer for layer, module in kinds.items() if module == "features"} == REPLACED[name]
