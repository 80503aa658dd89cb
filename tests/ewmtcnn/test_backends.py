"""The same training under every Keras backend that is installed gives the same losses.

So it does with deterministic operations, and with images that stay on the device.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
import warnings
from contextlib import redirect_stdout

import numpy as np
import pytest

from features.networks.backend import choose_backend

pytestmark = pytest.mark.slow

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
START = """
import json, os, warnings
from importlib.util import find_spec
import numpy as np
from features.networks import backend
backend.start(threads=1)
from baselines import DLDL
from ewmtcnn import EWMTCNN, training
from ewmtcnn.wheel import MIKELS
name = backend.backend_name()
rng = np.random.default_rng(0)
X = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
D = rng.dirichlet(np.ones(8), size=20)
warnings.simplefilter("error")  # each would be a line of a run's log
"""
CODE = """
common = dict(backbone="small", weights="random", dropout=0.0, epochs=3, batch_size=8,
              weight_decay=0.01, augmentation="flip", random_state=0)
found = {}
def fit(title, model):
    P = model.fit(X, D).predict(X)
    found[title] = [model.history_, P[:3].tolist()]
for reading in ("mixture", "logit"):
    fit(reading, EWMTCNN(labels=MIKELS, wheel_trainable=True, reading=reading, **common))
if name == "torch":  # which compiles nothing: images stay on the device, as on a GPU
    fits, training.fits = training.fits, lambda _: True
    fit("mixture", EWMTCNN(labels=MIKELS, wheel_trainable=True, **common))
if name != "jax" and find_spec("torch"):
    fit("DLDL", DLDL(**common))
if name == "torch":
    training.fits = fits
print(json.dumps([name, found]))
"""

# Dropout and all, so that random numbers are drawn as well.
BITS = """
found = {}
for loop in (False, True):
    training.fits = lambda _: loop
    model = EWMTCNN(labels=MIKELS, backbone="small", weights="random", epochs=2, batch_size=8,
                    augmentation="crop", random_state=0)
    P = model.fit(X, D).predict(X)
    found[str(loop)] = [model.history_, P.tolist()]
print(json.dumps([name, found]))
"""

# What the backend itself says.
ASKED = {
    "tensorflow": """
from tensorflow.python.framework.config import is_op_determinism_enabled as asked
""",
    "jax": """
asked = lambda: "--xla_gpu_deterministic_ops=true" in os.environ["XLA_FLAGS"]
""",
    "torch": """
from torch import are_deterministic_algorithms_enabled as asked
""",
}
CHECK = """
assert asked() == (os.environ["LDL_DETERMINISTIC"] == "1")
"""


def train(name):
    if choose_backend() == name:  # this process' own, which is loaded once
        with redirect_stdout(io.StringIO()) as said, warnings.catch_warnings():
            exec(START + CODE, {})  # noqa: S102
        return found_in(said.getvalue(), name)
    return train_there(name, CODE, XLA_FLAGS=QUICK)


def train_there(name, code, deterministic="1", **variables):
    done = subprocess.run(
        [sys.executable, "-c", START + ASKED[name] + CHECK + code],
        env={**os.environ, "KERAS_BACKEND": name, "LDL_DETERMINISTIC": deterministic, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return found_in(done.stdout, name)


def found_in(said, name):
    used, found = json.loads(said.splitlines()[-1])
    assert used == name
    return found


@pytest.fixture(scope="module")
def reference():
    return train("tensorflow")


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_losses_and_predictions_are_those_of_tensorflow(name, reference):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    found = train(name)
    assert found.keys() >= {"mixture", "logit", *(["DLDL"] if name == "torch" else [])}
    for model, (losses, P) in found.items():
        np.testing.assert_allclose(losses, reference[model][0], rtol=1e-3)
        np.testing.assert_allclose(P, reference[model][1], atol=2e-3)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_on_a_cpu_deterministic_operations_are_the_usual_ones_to_the_last_bit(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    assert train_there(name, BITS) == train_there(name, BITS, "0")
