"""Estimates before long runs: arithmetic, words, and how many networks fit the memory."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.planning.folds import Folds
from benchmark.planning.models import Search, choose_models
from benchmark.planning.needs import BackboneActivations, NetworkImages, OwnFeatures
from benchmark.planning.plan import Plan, Truth
from benchmark.planning.protocol import Protocol
from benchmark.progress import QUIET, Console
from benchmark.running import estimate
from benchmark.running.estimate import (
    Cost,
    describe_costs,
    describe_search,
    is_long,
    operations,
    trainings,
    workers_that_fit,
)
from benchmark.running.job import Job, Resources
from benchmark.running.prepare import Device
from features.extract import Extraction
from features.networks.backbones import find_backbone

CPU, GPU = Device("CPU", False, "tensorflow"), Device("a card", True, "jax")


def make_job(epochs=2, folds=4, n=40):
    settings = {"backbone": "small", "weights": "random", "epochs": epochs, "batch_size": 8}
    protocol = Protocol("x", network=settings)
    models = {
        model.name: model for model in choose_models(protocol, ["DLDL", "CNN-frozen", "AA-kNN"])
    }
    split = Folds((np.arange(n) % folds)[:, None])
    D = np.random.default_rng(0).dirichlet(np.ones(3), n)
    truth = Truth(
        name="d", fingerprint="f", label_names=("a", "b", "c"), ids=tuple(map(str, range(n))),
        D=D, folds=split,
    )  # fmt: skip
    described = {name: model.describe() for name, model in models.items()}
    plan = Plan("p", 0, {"d": truth}, described, {"d": dict.fromkeys(models, "")})
    images = ImagesInMemory(np.zeros((n, 4, 4, 3), dtype=np.uint8))
    extraction = Extraction("small", "random", 32, "float32")
    needs = {
        "DLDL": NetworkImages(images, "k", extraction),
        "CNN-frozen": BackboneActivations(images, "k", extraction),
        "AA-kNN": OwnFeatures(D),
    }
    return Job(plan, tuple(plan.tasks), models, {"d": needs}, Resources(2, None, Path()))


def test_operations_are_three_passes_over_the_training_rows():
    job = make_job()
    task = next(task for task in job.pending if task.model == "DLDL")
    forward = find_backbone("small").gflops * 1e9 * (32 / 64) ** 2
    assert operations(job, task) == pytest.approx(3 * forward * 30 * 2)
    frozen = next(task for task in job.pending if task.model == "CNN-frozen")
    assert operations(job, frozen) == 0


def test_a_tuned_network_takes_every_training_of_its_search():
    job = make_job(epochs=10)
    assert describe_search(job) == ""
    search = Search(({}, {"epochs": 5}, {"epochs": 20, "dropout": 0.1}), "kl_divergence", 4)
    models = {**job.models, "DLDL": replace(job.models["DLDL"], search=search)}
    tuned = replace(job, models=models)
    task = next(task for task in job.pending if task.model == "DLDL")
    # Three quarters of the rows in each of four folds: 3 x (10 + 5 + 20) epochs, then 10 on all.
    assert trainings(models["DLDL"]) == pytest.approx((4 * 0.75 * 35 + 10) / 10)
    assert operations(tuned, task) == pytest.approx(11.5 * operations(job, task))
    frozen = {"epochs": 60, "backbone_rate": 0.0, "augmentation": "none"}
    search = replace(search, configurations=({}, frozen))
    looks = trainings(replace(models["DLDL"], search=search))
    assert looks == pytest.approx((4 * 0.75 * (10 + 1) + 10) / 10)  # at each image once
    assert describe_search(tuned).startswith(
        "Tuning networks takes 52 trainings for 4 folds, about 12 times the time of a fold"
    )


def test_only_long_runs_are_measured():
    assert not is_long(make_job(), CPU)
    assert is_long(make_job(epochs=100_000), CPU)
    assert not is_long(make_job(epochs=100_000), GPU)


@pytest.mark.slow
def test_steps_are_measured_and_told(keras_once):
    told = []
    console = Console(told.append)
    costs = estimate.measure_costs(make_job(), CPU, console)
    assert told == ["Measuring a few steps of DLDL ..."]
    assert [(cost.model, cost.folds) for cost in costs] == [("DLDL", 4)]
    assert costs[0].step > 0
    assert costs[0].seconds == pytest.approx(costs[0].step * 4 * 2)  # 30 rows in batches of 8
    told.clear()
    describe_costs([Cost("EW-MTCNN", "d", 10, 6000, 1.5, 4096)], 2, 1e6, console)
    assert told == [
        "EW-MTCNN on d: 10 folds of about 1 h 40 min (1.5 s a step), 4.0 GiB each.",
        "Networks will take about 8 h 20 min, 2 at a time.",
    ]
    describe_costs([Cost("EW-MTCNN", "d", 1, 6, 1.5, 4096)], 1, 1024, console)
    assert "4.0 GiB and 1.0 GiB are free; lower --batch-size" in told[-1]


def test_variants_and_datasets_are_measured_once(monkeypatch):
    job = make_job()
    models = {"DLDL": job.models["DLDL"], "again": replace(job.models["DLDL"], name="again")}
    needs = {name: dict.fromkeys(models, job.needs["d"]["DLDL"]) for name in ("d", "e")}
    described = {name: model.describe() for name, model in models.items()}
    plan = replace(
        job.plan, models=described, truths=dict.fromkeys(("d", "e"), job.plan.truths["d"]),
        inputs={name: dict.fromkeys(models, "") for name in ("d", "e")},
    )  # fmt: skip
    job = replace(job, plan=plan, pending=tuple(plan.tasks), models=models, needs=needs)

    calls = []

    class Counting:
        def call(self, *arguments):
            calls.append(arguments)
            return 1.0, 2.0

    monkeypatch.setattr(estimate, "helper", lambda: nullcontext(Counting()))
    assert len(estimate.measure_costs(job, CPU, QUIET)) == 4
    assert len(calls) == 1
    models["again"] = replace(models["DLDL"], params={**models["DLDL"].params, "batch_size": 4})
    estimate.measure_costs(job, CPU, QUIET)
    assert len(calls) == 3


def test_memory_limits_how_many_run_at_a_time():
    large = [Cost("a", "d", 1, 1, 1, 4000)]
    assert workers_that_fit(large, 8, 16_000) == 3
    assert workers_that_fit(large, 2, 16_000) == 2
    assert workers_that_fit(large, 8, 100) == 1
    assert workers_that_fit([], 8, 100) == 8
    assert estimate.free_memory() > 0
