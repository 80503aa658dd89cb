"""What takes much memory is said before it starts; small data cost no sentence, and no import."""

from __future__ import annotations

import numpy as np
import pytest

import benchmark
from benchmark.errors import UsageError
from benchmark.planning.folds import Folds
from benchmark.planning.inputs import Matrix
from benchmark.planning.models import choose_models
from benchmark.planning.needs import OwnFeatures
from benchmark.planning.plan import Plan, Truth
from benchmark.planning.protocol import Protocol
from benchmark.running import memory
from benchmark.running.job import Job, Resources
from benchmark.running.memory import describe_memory


class Heard:
    def __init__(self):
        self.lines = []

    def tell(self, line):
        self.lines.append(line)


def made(names, D, folder):
    """Return a job of models on distributions, and what all of them need."""
    models = {m.name: m for m in choose_models(Protocol("x"), names)}
    n, c = D.shape
    truth = Truth(
        name="d", fingerprint="f", label_names=tuple(map(str, range(c))), ids=("",) * n, D=D,
        folds=Folds((np.arange(n) % 6)[:, None]),
    )  # fmt: skip
    described = {name: model.describe() for name, model in models.items()}
    plan = Plan("p", 0, {"d": truth}, described, {"d": dict.fromkeys(models, "")})
    need = OwnFeatures(D)
    needs = {"d": dict.fromkeys(models, need)}
    return Job(plan, tuple(plan.tasks), models, needs, Resources(2, None, folder)), need


@pytest.mark.parametrize(("shown", "said"), [(5, 0), (500, 1)])
def test_a_refusal_that_depends_on_the_distributions_is_said_first(
    shown, said, tmp_path, monkeypatch
):
    """Each row stands in as many examples of boosting as it has labels."""
    monkeypatch.setattr("baselines.size.free_bytes", lambda: 2**40)
    D = np.zeros((3000, 500))
    D[:, :shown] = 1 / shown
    job, need = made(["Boosting"], D, tmp_path)
    heard = Heard()
    describe_memory(job, {("d", need): Matrix(np.zeros((3000, 100)))}, heard)
    assert len(heard.lines) == said
    if said:
        assert heard.lines[0].startswith(
            "Warning: Boosting will fail on d: BoostingLDL needs 26.1 GB for 2,500 training rows "
            "with 100 features and 500 labels, its limit is 8 GB: train on a subset of the rows"
        )


@pytest.mark.parametrize(("n", "said"), [(24, 0), (24_000, 2)])
def test_costs_and_refusals_are_said_first(n, said, tmp_path, monkeypatch):
    monkeypatch.setenv("LDL_MEMORY_GB", "9.5")
    monkeypatch.setattr("baselines.size.free_bytes", lambda: 2**40)
    job, need = made(["AA-kNN", "Kernel-ridge", "LDSVR"], np.full((n, 2), 0.5), tmp_path)
    heard = Heard()
    if not said:
        monkeypatch.setattr(memory, "_learner", None)
    describe_memory(job, {("d", need): Matrix(np.zeros((n, 5)))}, heard)
    assert len(heard.lines) == said
    if said:
        monkeypatch.setenv("LDL_MEMORY_GB", "11")
        describe_memory(job, {("d", need): Matrix(np.zeros((n, 5)))}, heard)
        first, _, third, _ = heard.lines
        assert first.startswith("Warning: Kernel-ridge will fail on d: KernelRidgeLDL needs 9.6 GB")
        assert "20,000 training rows with 5 features and 2 labels, its limit is 9.5 GB" in first
        assert third == "Kernel-ridge on d takes up to 9.6 GB for a fold."


@pytest.mark.parametrize("limit", ["8 GB", "0", "-1", "nan", "1e400"])
def test_a_limit_that_is_none_is_refused_before_any_task_fails_of_it(
    limit, small, tmp_path, monkeypatch
):
    monkeypatch.setenv("LDL_MEMORY_GB", limit)
    said = f"LDL_MEMORY_GB must be a number of GB above 0, not {limit!r}"
    with pytest.raises(UsageError, match=said):
        benchmark.run("Ridge", datasets=small, out=tmp_path / "out", report=False)
    assert not (tmp_path / "out").exists()
