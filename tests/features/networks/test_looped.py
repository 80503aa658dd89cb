"""A loop over the steps of a training gives what the steps give one by one, on JAX and PyTorch.

`tests/ewmtcnn/test_resident.py` has TensorFlow's.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from features.networks import backend
backend.start(threads=1)
import keras
from keras import layers, ops
from features.networks.compiled import compile_training, to_numpy
from features.networks.looped import compile_loop

inputs = keras.Input((6, 6, 3), dtype="uint8")
x = layers.Conv2D(4, 3, activation="relu", name="conv")(ops.cast(inputs, "float32") / 255)
x = layers.Dropout(0.5, seed=1)(layers.Flatten()(x))
model = keras.Model(inputs, layers.Dense(2, name="head")(x))
optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
optimizer.build(model.trainable_variables)
state = [*model.variables, *optimizer.variables]
def host(variable):
    value = variable.value
    return np.array(to_numpy(value.detach() if hasattr(value, "detach") else value))
start = [host(v) for v in state]
rng = np.random.default_rng(0)
X = rng.integers(0, 256, (12, 6, 6, 3), dtype=np.uint8)
T = rng.normal(size=(12, 2)).astype(np.float32)
rows = rng.permutation(12).reshape(4, 3).astype(np.int32)
weights = np.array([[1, 1, 1]] * 3 + [[1, 0, 0]], np.float32)

def loss(targets, outputs, weights):
    return ops.sum(weights * ops.sum((outputs - targets) ** 2, axis=1)) / ops.sum(weights)

def read(data, part):
    return ops.take(data[0], part[0], axis=0), ops.take(data[1], part[0], axis=0), part[1]

def ended(losses):
    values = [host(v) for v in state]
    for variable, value in zip(state, start):
        variable.assign(value.astype(variable.dtype))
    return [np.array(losses, np.float32), *values]

with compile_training(model, optimizer, loss)() as step:
    single = [float(step(X[r], T[r], w)) for r, w in zip(rows, weights)]
expected = ended(single)
loop = compile_loop(model, optimizer, loss, read)
data = ops.convert_to_tensor(X), ops.convert_to_tensor(T)
for cuts in ((0, 4), (0, 1, 4)):
    with loop(data, [rows, weights]) as advance:
        found = np.concatenate([advance(a, b) for a, b in zip(cuts, cuts[1:])])
    for one, two in zip(expected, ended(found), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)
assert len(expected) == 1 + 4 + 1 + 6 and abs(expected[1] - start[0]).max() > 1e-3
"""


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_losses_and_variables_are_those_of_single_steps(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "KERAS_BACKEND": name},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
