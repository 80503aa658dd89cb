"""A job tells its pending tasks apart, and for each its model, its need and its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from images_in_memory import ImagesInMemory

from benchmark.datasets.base import make_dataset
from benchmark.planning.find_needs import find_needs
from benchmark.planning.models import choose_models
from benchmark.planning.plan import make_plan
from benchmark.planning.protocol import Protocol
from benchmark.running.job import Job, Resources


def make_job(problem):
    X, D = problem
    images = ImagesInMemory(np.zeros((len(D), 4, 4, 3), dtype=np.uint8))
    data = {"d": make_dataset("d", X, D, images=images)}
    network = {"backbone": "small", "weights": "random", "epochs": 1}
    protocol = Protocol("p", folds=3, network=network)
    models = choose_models(protocol, ["CNN-fine-tuned", "AA-kNN", "DLDL"])
    needs = find_needs(data, models, protocol.features, False, lambda sentence: None)
    plan = make_plan(protocol, data, models, needs)
    named = {model.name: model for model in models}
    return Job(plan, tuple(plan.tasks), named, needs, Resources(2, None, Path()))


def test_networks_are_listed_one_after_the_other(problem):
    job = make_job(problem)
    assert [task.model for task in job.networks] == ["CNN-fine-tuned"] * 3 + ["DLDL"] * 3
    assert [task.fold for task in job.networks] == [0, 1, 2, 0, 1, 2]
    assert [task.model for task in job.others] == ["AA-kNN"] * 3
    assert [task.model for task in job.pending[:3]] == ["CNN-fine-tuned", "AA-kNN", "DLDL"]


def test_only_what_pending_tasks_need_is_needed(problem):
    job = make_job(problem)
    assert len(job.pending_needs["d"]) == 2  # both networks take the same images
    few = replace(job, pending=tuple(job.others[:1]))
    assert few.pending_needs == {"d": {job.needs["d"]["AA-kNN"]}}
    assert replace(job, pending=()).pending_needs == {"d": set()}


def test_a_task_has_its_own_rows(problem):
    job = make_job(problem)
    for task in job.others:
        train, test = job.training_rows(task), job.test_rows(task)
        assert sorted([*train, *test]) == list(range(60))
        assert set(job.truth(task).folds.assignment[test, 0]) == {task.fold}
        assert job.model(task).name == "AA-kNN"
        assert job.need(task).key == ""
