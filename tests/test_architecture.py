"""Imports point one way, and nothing at all happens on import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "baselines", "ewmtcnn", "features")

# package -> what it may import of ours
ALLOWED = {
    "features": {"features"},
    "ewmtcnn": {"ewmtcnn", "features", "baselines.base"},
    "baselines": {"baselines", "features"},
    "benchmark": {"benchmark", "baselines", "ewmtcnn", "features"},
}
MAY_ALSO = {"baselines/dldl.py": {"ewmtcnn"}}
# the code that runs a network -> the libraries it may import
NETWORK_CODE = {
    "features/networks/backend.py": {"keras", "tensorflow", "torch", "jax"},
    "features/networks/compiled.py": {"keras", "tensorflow", "torch", "jax"},
    "features/networks/building.py": {"keras"},
    "features/networks/weights.py": {"keras"},
    "benchmark/datasets/synthetic/pretraining.py": {"keras"},
    "ewmtcnn/losses.py": {"keras"},
    "ewmtcnn/network.py": {"keras"},
    "ewmtcnn/optimizer.py": {"keras"},
    "ewmtcnn/trainer.py": {"keras"},
}
# these load Keras when they are imported, and are imported only where a network is run
LOADS_KERAS = {
    f"ewmtcnn.{name}"
    for name in (
        "checkpoints", "losses", "measuring", "network", "optimizer", "trainer", "training",
    )
}  # fmt: skip
NETWORK_LIBRARIES = {"tensorflow", "keras", "torch", "jax"}
READS_UNSAFELY = {"pickle", "cloudpickle", "dill", "shelve", "marshal"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        top = name.split(".")[0]
        assert top not in READS_UNSAFELY, f"{path} imports {name}"
        if top in PACKAGES:
            allowed = ALLOWED[package] | MAY_ALSO.get(path.relative_to(ROOT).as_posix(), set())
            fine = any(name == home or name.startswith(f"{home}.") for home in allowed)
            # `from baselines.base import X` also yields the bare module name of the statement
            assert fine, f"{path} imports {name}"


def test_only_the_code_that_runs_a_network_imports_one():
    for path in modules():
        found = {name.split(".")[0] for name in imports(path)} & NETWORK_LIBRARIES
        allowed = NETWORK_CODE.get(path.relative_to(ROOT).as_posix(), set())
        assert found <= allowed, f"{path} imports {found - allowed}"


@pytest.mark.slow
def test_importing_changes_nothing():
    """No seeding, no handlers, no warnings filters, no files."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules()
        if path.name != "__main__.py"
    ]
    names = sorted(set(names) - LOADS_KERAS)
    code = (
        "import sys, logging, warnings, signal, importlib\n"
        "import numpy, sklearn, pandas, joblib, scipy.stats\n"
        "state = numpy.random.get_state()[1].tolist()\n"
        "filters = list(warnings.filters)\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"assert not {NETWORK_LIBRARIES!r} & set(sys.modules)\n"
        "assert numpy.random.get_state()[1].tolist() == state\n"
        "assert logging.getLogger('benchmark').handlers == []\n"
        "assert list(warnings.filters) == filters\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
