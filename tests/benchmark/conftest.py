"""A small dataset on disk, the command line as a user calls it, and a clean registry."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat

from benchmark.cli import main
from benchmark.datasets import make_dataset
from benchmark.datasets.image_sets import catalogue as image_sets
from benchmark.datasets.image_sets import loading as image_loading
from benchmark.metrics import REGISTERED
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Result, make_truth
from benchmark.plugins import registry
from benchmark.running import compute
from benchmark.running.local import LocalEngine


@pytest.fixture
def small(tmp_path):
    """A .mat file of 60 rows, 5 features, 4 labels."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    X[0, 0] = 9.0  # the outlier that one of the bad models asks for
    D = np.exp(X @ rng.normal(size=(5, 4)))
    path = tmp_path / "small.mat"
    savemat(path, {"features": X, "labels": D / D.sum(axis=1, keepdims=True)})
    return path


@pytest.fixture
def command(tmp_path, monkeypatch, clean_registry):
    """Run a command line in an empty folder: returncode, stdout and stderr as a user sees them.

    In this process, so that the worker processes are started once and not for every command. A run
    writes its report, which takes seconds, only where the test asks for it: ``report=True``.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # which the command sets, so that it goes afterwards

    def run(*arguments, report=False):
        if arguments[0] == "run" and not report:
            arguments = (*arguments, "--no-report")
        result = CliRunner().invoke(main, list(map(str, arguments)))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return SimpleNamespace(
            returncode=result.exit_code, stdout=result.stdout, stderr=result.stderr
        )

    return run


@pytest.fixture
def keras_once(monkeypatch):
    """Load Keras, which takes seconds, once for all tests that ask for this, and not in every run.

    Inputs are prepared in this process, and workers of networks are kept, as others are. That a run
    has a process of its own for inputs is tested in running/test_prepare.py.
    """

    class Here:
        def call(self, function, *arguments):
            return function(*arguments)

        def end(self):
            pass

    monkeypatch.setattr("benchmark.running.prepare.Worker", Here)
    monkeypatch.setattr(compute, "LocalEngine", lambda *given, keep=True: LocalEngine(*given))


@pytest.fixture
def change_set(monkeypatch):
    """Change facts of an image set, such as the number of its images: name, facts -> the set."""

    def change(name, **facts):
        changed = replace(image_sets.known_image_set(name), **facts)
        known = tuple(changed if s.name == name else s for s in image_sets.IMAGE_SETS)
        for module in (image_sets, image_loading):
            monkeypatch.setattr(module, "IMAGE_SETS", known)
        return changed

    return change


@pytest.fixture
def clean_registry(monkeypatch):
    """Forget what a test registers."""
    monkeypatch.setattr(registry, "_registered", {})


@pytest.fixture(autouse=True)
def left_as_found(monkeypatch):
    """Let no test leave models or variables of the environment to the next one of its process."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    before, measures = dict(os.environ), dict(REGISTERED)
    yield
    REGISTERED.clear()
    REGISTERED.update(measures)
    for name in os.environ.keys() - before.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]


@pytest.fixture
def plugin(tmp_path, clean_registry):
    """Write a plugin file: body of the methods -> path."""

    def write(body: str, name: str = "Mine", file: str = "mine.py") -> Path:
        path = tmp_path / file
        lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
        path.write_text(
            "import numpy as np\n"
            "from baselines import LDLEstimator\n"
            "from benchmark import register\n\n\n"
            f"@register({name!r})\n"
            f"class Mine(LDLEstimator):\n{lines}\n"
        )
        return path

    return write


@pytest.fixture
def finished(problem):
    """A run of three models on two folds: the truth, a blend, and one that lacks a fold."""
    X, D = problem
    folds = Folds((np.arange(len(D)) % 2)[:, None], ("a note",))
    truth = make_truth(make_dataset("data_1", X, D, latent=D), folds)
    names = ["Good", "Blend & <b>", "Partial"]
    described = {"target": "t", "source": "", "result_version": 1, "params": {}}
    models = {name: {**described, "model": name} for name in names}
    plan = Plan("paper", 0, {"data_1": truth}, models, {"data_1": dict.fromkeys(names, "")})
    results = {}
    for task in plan.tasks:
        test = folds.test(0, task.fold)
        share = {"Good": 1.0, "Blend & <b>": -0.1, "Partial": 0.5}[task.model]
        blend = D[test] if share == 1 else np.full((len(test), 4), 0.25)
        if task.model != "Partial" or task.fold == 0:
            results[task] = Result(
                blend, {"versions": {"numpy": "2.0"}, "converged": task.fold == 0}
            )
    return plan, results
