"""SGD with a rate for each variable, against a loop in NumPy."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

from features.networks import backend

backend.start(threads=1)

import keras  # noqa: E402

from ewmtcnn import optimizer  # noqa: E402
from ewmtcnn.optimizer import TwoRateSGD  # noqa: E402

RATES, DECAYS = [0.5, 0.25, 0.125], [0.0, 0.0625, 0.0]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_every_variable_moves_at_its_own_rate(momentum):
    rng = np.random.default_rng(0)
    shapes = [(3,), (2, 2), (3,)]  # two of one shape: a wrong place would fit
    w = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    variables = [keras.Variable(values) for values in w]
    found = TwoRateSGD(RATES, DECAYS, momentum)
    found.build(variables)
    m = [np.zeros_like(values) for values in w]
    for _ in range(4):
        gradients = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
        found.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients])
        for i, gradient in enumerate(gradients):
            m[i] = momentum * m[i] - RATES[i] * (gradient + DECAYS[i] * w[i])
            w[i] = w[i] + m[i]
    for variable, values in zip(variables, w, strict=True):
        np.testing.assert_allclose(variable.numpy(), values, rtol=1e-5)


def test_it_must_be_built_for_as_many_variables_as_there_are_rates():
    with pytest.raises(ValueError, match=r"argument 2 is longer"):
        TwoRateSGD(RATES, DECAYS, 0.9).build([keras.Variable(np.ones(2, np.float32))] * 2)


def test_no_private_name_of_keras_is_used():
    tree = ast.parse(inspect.getsource(optimizer))
    ours = {"__init__", "_of"}
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in names if name.startswith("_")} <= ours


AT_ONCE = """
import numpy as np
import torch
from features.networks import backend
backend.start(threads=1)
import keras
from ewmtcnn.optimizer import TwoRateSGD

def trained(at_once):
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (4,), (4, 2), (2,)]
    values = [keras.Variable(rng.normal(size=shape)) for shape in shapes]
    optimizer = TwoRateSGD([0.1, 0.1, 0.5, 0.5], [0.02, 0.0, 0.02, 0.0], momentum=0.9)
    optimizer.build(values)
    for _ in range(5):
        slopes = [keras.ops.convert_to_tensor(rng.normal(size=shape), "float32")
                  for shape in shapes]
        optimizer.apply_at_once(slopes) if at_once else optimizer.apply(slopes)
    return [v.value.detach().cpu().numpy() for v in [*values, *optimizer.variables]]

one, two = trained(False), trained(True)
assert len(one) == 10 and int(one[4]) == 5  # with the velocities, the counter and the rate
for x, y in zip(one, two, strict=True):
    np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)
"""


@pytest.mark.slow
def test_all_variables_at_once_move_as_one_by_one():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
