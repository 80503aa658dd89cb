"""What tests share: where the development data lies, and small random problems."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

# Tests that run in the background must not take over that Ctrl-C and SIGHUP are ignored there, nor
# the width of a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.environ.pop("COLUMNS", None)
# A worker process imports for more than a second: one is enough where a test does not say how many.
os.environ["LOKY_MAX_CPU_COUNT"] = "1"


def pytest_collection_finish():
    """Leave what was imported out of every later collection of garbage, which takes half a second.

    Some libraries ask for one with every call, and there is a million objects of modules and tests.
    """
    gc.collect()
    gc.freeze()


SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and reference numbers; a test that needs it skips without it."""
    if not SHARED.is_dir():
        pytest.skip("the development data folder ../shared is absent")
    return SHARED


@pytest.fixture(scope="session")
def load_real(shared):
    """Load one of the real datasets: name -> (X, D)."""

    def load(name: str) -> tuple[np.ndarray, np.ndarray]:
        content = loadmat(shared / "datasets" / f"{name}.mat")
        return content["features"].astype(float), content["labels"].astype(float)

    return load


@pytest.fixture
def problem():
    """A small learnable problem: X (60, 5), D (60, 4), from a softmax of a linear map."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(60, 5))
    D = np.exp(X @ rng.normal(size=(5, 4)))
    return X, D / D.sum(axis=1, keepdims=True)
