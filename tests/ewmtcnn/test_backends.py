"""The same training under every Keras backend that is installed gives the same losses."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest

from features.networks.backend import choose_backend

pytestmark = pytest.mark.slow

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
CODE = """
import json, sys
import numpy as np
from ewmtcnn import EWMTCNN
from features.networks import backend
backend.start(threads=1)
rng = np.random.default_rng(0)
X = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
D = rng.dirichlet(np.ones(8), size=20)
from ewmtcnn.wheel import MIKELS
found = {}
for reading in ("mixture", "logit"):
    model = EWMTCNN(labels=MIKELS, backbone="small", weights="random", dropout=0.0, epochs=3,
                    batch_size=8, weight_decay=0.01, augmentation="flip", wheel_trainable=True,
                    reading=reading, random_state=0)
    P = model.fit(X, D).predict(X)
    found[reading] = [model.history_, P[:3].tolist()]
print(json.dumps([backend.backend_name(), found]))
"""


def train(name):
    if choose_backend() == name:  # this process' own, which is loaded once
        with redirect_stdout(io.StringIO()) as said:
            exec(CODE, {})  # noqa: S102
        return found_in(said.getvalue(), name)
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "KERAS_BACKEND": name, "XLA_FLAGS": QUICK},
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
    for reading, (losses, P) in reference.items():
        np.testing.assert_allclose(found[reading][0], losses, rtol=1e-3)
        np.testing.assert_allclose(found[reading][1], P, atol=2e-3)
