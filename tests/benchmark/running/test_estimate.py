"""Estimates before long runs: arithmetic, words, and how many networks fit the memory."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Truth
from benchmark.planning.protocol import Protocol, choose_models
from benchmark.running import estimate
from benchmark.running.estimate import (
    Cost,
    describe_costs,
    is_long,
    operations,
    workers_that_fit,
)
from benchmark.running.inputs import Need
from benchmark.running.prepare import Device

CPU, GPU = Device("CPU", False, "tensorflow"), Device("a card", True, "jax")


def make_run(epochs=2, folds=4, n=40):
    models = {
        model.name: model
        for model in choose_models(
            Protocol("x", network={"backbone": "small", "weights": "random", "epochs": epochs,
                                   "batch_size": 8}), ["DLDL", "CNN-frozen", "AA-kNN"]
        )
    }  # fmt: skip
    split = Folds((np.arange(n) % folds)[:, None])
    D = np.random.default_rng(0).dirichlet(np.ones(3), n)
    truth = Truth("d", "f", ("a", "b", "c"), tuple(map(str, range(n))), D, None, split)
    described = {name: model.describe() for name, model in models.items()}
    plan = Plan("p", 0, {"d": truth}, described, {"d": dict.fromkeys(models, "")})
    needs = {"d": {"DLDL": Need("images", "k", size=32), "CNN-frozen": Need("activations", "k"),
                   "AA-kNN": Need("matrix")}}  # fmt: skip
    return models, plan, needs


def test_operations_are_three_passes_over_the_training_rows():
    models, plan, needs = make_run()
    task = next(task for task in plan.tasks if task.model == "DLDL")
    from features.networks.backbones import find_backbone

    forward = find_backbone("small").gflops * 1e9 * (32 / 64) ** 2
    assert operations(task, models["DLDL"], needs["d"]["DLDL"], plan) == pytest.approx(
        3 * forward * 30 * 2
    )
    frozen = next(task for task in plan.tasks if task.model == "CNN-frozen")
    assert operations(frozen, models["CNN-frozen"], needs["d"]["CNN-frozen"], plan) == 0


def test_only_long_runs_are_measured():
    models, plan, needs = make_run()
    networks = [task for task in plan.tasks if models[task.model].is_network]
    assert not is_long(networks, models, needs, plan, CPU)
    models, plan, needs = make_run(epochs=100_000)
    assert is_long(networks, models, needs, plan, CPU)
    assert not is_long(networks, models, needs, plan, GPU)


def test_steps_are_measured_and_told(monkeypatch):
    models, plan, needs = make_run()
    networks = [task for task in plan.tasks if models[task.model].is_network]
    told = []
    costs = estimate.measure_costs(networks, models, needs, plan, CPU, told.append)
    assert told == ["Measuring a few steps of DLDL ..."]
    assert [(cost.model, cost.folds) for cost in costs] == [("DLDL", 4)]
    assert costs[0].step > 0
    assert costs[0].seconds == pytest.approx(costs[0].step * 4 * 2)  # 30 rows in batches of 8
    told.clear()
    describe_costs([Cost("EW-MTCNN", "d", 10, 6000, 1.5, 4096)], 2, 1e6, told.append)
    assert told == [
        "EW-MTCNN on d: 10 folds of about 1 h 40 min (1.5 s a step), 4.0 GiB each.",
        "Networks will take about 8 h 20 min, 2 at a time.",
    ]
    describe_costs([Cost("EW-MTCNN", "d", 1, 6, 1.5, 4096)], 1, 1024, told.append)
    assert "4.0 GiB and 1.0 GiB are free; lower --batch-size" in told[-1]


def test_variants_and_datasets_are_measured_once(monkeypatch):
    models, plan, needs = make_run()
    models = {"DLDL": models["DLDL"], "again": replace(models["DLDL"], name="again")}
    needs = {name: dict.fromkeys(models, needs["d"]["DLDL"]) for name in ("d", "e")}
    described = {name: model.describe() for name, model in models.items()}
    plan = replace(
        plan, models=described, truths=dict.fromkeys(("d", "e"), plan.truths["d"]),
        inputs={name: dict.fromkeys(models, "") for name in ("d", "e")},
    )  # fmt: skip

    calls = []

    class Counting:
        def call(self, *arguments):
            calls.append(arguments)
            return 1.0, 2.0

    monkeypatch.setattr(estimate, "helper", lambda: nullcontext(Counting()))
    costs = estimate.measure_costs(plan.tasks, models, needs, plan, CPU, lambda _: None)
    assert len(costs) == 4
    assert len(calls) == 1
    models["again"] = replace(models["DLDL"], params={**models["DLDL"].params, "batch_size": 4})
    estimate.measure_costs(plan.tasks, models, needs, plan, CPU, lambda _: None)
    assert len(calls) == 3


def test_memory_limits_how_many_run_at_a_time():
    large = [Cost("a", "d", 1, 1, 1, 4000)]
    assert workers_that_fit(large, 8, 16_000) == 3
    assert workers_that_fit(large, 2, 16_000) == 2
    assert workers_that_fit(large, 8, 100) == 1
    assert workers_that_fit([], 8, 100) == 8
    assert estimate.free_memory() > 0
