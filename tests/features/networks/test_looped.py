"""A loop over the steps of a training gives what the steps give one by one, on JAX and PyTorch.

`tests/ewmtcnn/test_resident.py` has TensorFlow's. On JAX folds are also trained side by side
(`ewmtcnn/side_by_side.py`), as docs/guides/gpu.md tells, and casts of a step in bfloat16 counted.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
STEPS = """
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

FOLDS = """
import numpy as np
import pytest
from features.networks import backend
backend.start(threads=1)
from ewmtcnn import FrozenCNN, side_by_side, training
from ewmtcnn.side_by_side import fit_folds

rng = np.random.default_rng(0)
X, D = rng.normal(size=(20, 6)), rng.dirichlet(np.ones(3), 20)
folds = [np.delete(np.arange(20), [k, k + 5]) for k in range(3)]
models = lambda **more: [FrozenCNN(**{"epochs": 3, "batch_size": 8, **more}, random_state=k)
                         for k in range(3)]
together, alone = models(), models()
fit_folds(together, X, D, folds)
fit_folds(models(), X, D, folds)  # compiles nothing
assert [loop._cache_size() for loop in side_by_side._compiled.values()] == [1]
for fits in (False, True):  # in a loop it gives the same
    training.fits = lambda _: fits
    for one, other, rows in zip(alone, together, folds):
        one.fit(X[rows], D[rows])
        np.testing.assert_allclose(other.history_, one.history_, rtol=1e-5)
        np.testing.assert_allclose(other.predict(X), one.predict(X), atol=1e-6)
assert abs(together[0].predict(X) - together[1].predict(X)).max() > 1e-3

def refused(match, made, parts):
    with pytest.raises(ValueError, match=match):
        fit_folds(made, X, D, parts)
refused("2 models for 3 folds", models()[:2], folds)
refused("alike in all but random_state", [*models()[:2], *models(epochs=4)[:1]], folds)
refused("not trained side by side with early_stopping", models(early_stopping=True), folds)
refused("have 18, 18, 4 rows", models(), [*folds[:2], folds[2][:4]])
refused("the loss became .* in epoch . of fold 1; lower", models(head_rate=1e38), folds)
"""

# The example of docs/guides/gpu.md.
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/guides/gpu.md").read_text(encoding="utf-8")
EXAMPLE = (
    """
X, D = rng.normal(size=(40, 6)), rng.dirichlet(np.ones(3), 40)
"""
    + re.search(r"^```python no-run[^\n]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
    + """
assert [len(one) for one in P] == [4] * 10
for number in (0, 9):
    train, test = splits[number]
    one = FrozenCNN(epochs=20, random_state=number).fit(X[train], D[train])
    np.testing.assert_allclose(P[number], one.predict(X[test]), atol=1e-6)
"""
)

# Weights are kept in float32 and computed with in bfloat16: each kernel and bias is cast once to
# compute, and its gradient once back. Of activations only what enters the first layer and what
# leaves the last one is cast, and the gradient of the latter; the images' cast is not counted.
CASTS = """
import jax
from ewmtcnn.network import NetworkSettings
from ewmtcnn.trainer import Trainer, TrainingSettings, mean_loss
from features.networks import accelerated
from features.networks.compiled import gradient_step, take_values

batch = np.zeros((4, 16, 16, 3), np.uint8), np.full((4, 3), 1 / 3, np.float32), np.ones(4, "f4")

def program():
    trainer = Trainer(NetworkSettings(3, "small", 16, "random", precision="bfloat16"),
                      TrainingSettings())
    step = gradient_step(trainer.model, trainer.optimizer, mean_loss)
    state = take_values(trainer.model, trainer.optimizer)
    return trainer, list(equations(jax.make_jaxpr(step)(state, *batch).jaxpr))

def equations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", None)
            if inner is not None:
                yield from equations(getattr(inner, "jaxpr", inner))

def casts(equations):
    for equation in equations:
        if equation.primitive.name == "convert_element_type":
            kinds = str(equation.invars[0].aval.dtype), str(equation.outvars[0].aval.dtype)
            if set(kinds) == {"float32", "bfloat16"}:
                yield kinds[0], equation.invars[0].aval.shape

accelerated.has_accelerator = lambda: False  # wherever this runs
trainer, here = program()
found = list(casts(here))
body = [tuple(v.shape) for v in trainer.network.backbone.trainable_variables]
down = [shape for kind, shape in found if kind == "float32"]
up = [shape for kind, shape in found if kind == "bfloat16"]
for shape in body:
    down.remove(shape)
    up.remove(shape)
print("beside the weights:", down, up)
assert sorted(down) == [(4, 16, 16, 3), (4, 128)]
assert up == [(4, 128)]

# What scatters adds in any order on a GPU. Pooling by halves, which is taken there, does not.
def scatters(equations):
    return [e.primitive.name for e in equations if "scatter" in e.primitive.name]
assert set(scatters(here)) == {"select_and_scatter_add"}
accelerated.has_accelerator = lambda: True
assert not scatters(program()[1])
"""

CODE = {"torch": STEPS, "jax": FOLDS + EXAMPLE + CASTS}


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_losses_and_variables_are_those_of_single_steps(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", CODE[name]],
        env={**os.environ, "KERAS_BACKEND": name, "XLA_FLAGS": QUICK},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
