"""Plans: what scoring keeps of a dataset, which folds and keys, and which models run where."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.datasets.base import Labelled, make_dataset
from benchmark.errors import UsageError
from benchmark.planning.find_needs import find_needs
from benchmark.planning.folds import stratified_folds
from benchmark.planning.models import choose_models
from benchmark.planning.plan import make_plan, make_truth
from benchmark.planning.protocol import Protocol


def test_the_truth_keeps_all_that_is_known_but_what_models_learn_from(problem):
    X, D = problem
    data = make_dataset("d", X, D, latent=D, sigma=0.3, source="a file", notes=["a note"])
    folds = stratified_folds(D, 3)
    truth = make_truth(data, folds)
    for attribute in fields(Labelled):
        assert getattr(truth, attribute.name) is getattr(data, attribute.name), attribute.name
    assert truth.fingerprint == data.fingerprint
    assert truth.folds is folds
    assert truth.facts == data.facts
    assert not hasattr(truth, "X")


def test_a_plan_lists_the_tasks_of_models_where_they_run(problem):
    X, D = problem
    images = ImagesInMemory(np.zeros((len(D), 4, 4, 3), dtype=np.uint8))
    datasets = {
        "table": make_dataset("table", X, D),
        "both": make_dataset("both", X, D, images=images),
    }
    network = {"backbone": "small", "weights": "random", "epochs": 1}
    protocol = Protocol("p", folds=3, seed=4, network=network)
    models = choose_models(protocol, ["AA-kNN", "DLDL"])
    needs = find_needs(datasets, models, protocol.features, False, lambda sentence: None)
    plan = make_plan(protocol, datasets, models, needs)
    assert (plan.protocol, plan.seed) == ("p", 4)
    assert plan.models_of("table") == ["AA-kNN"]
    assert plan.models_of("both") == ["AA-kNN", "DLDL"]
    assert len(plan.tasks) == 3 + 2 * 3
    assert plan.inputs["table"] == {"AA-kNN": ""}
    assert plan.inputs["both"]["DLDL"] == needs["both"]["DLDL"].key != ""
    expected = stratified_folds(D, 3, 1, 4).assignment
    assert np.array_equal(plan.truths["table"].folds.assignment, expected)


def test_features_of_a_backbone_are_noted(problem):
    D = problem[1]
    images = ImagesInMemory(np.zeros((len(D), 4, 4, 3), dtype=np.uint8))
    data = make_dataset("pictures", None, D, images=images, notes=["first"])
    protocol = Protocol("p", folds=3)
    models = choose_models(protocol, ["AA-kNN", "PT-Bayes"])
    needs = find_needs({"pictures": data}, models, protocol.features, False, lambda _: None)
    notes = make_plan(protocol, {"pictures": data}, models, needs).truths["pictures"].notes
    assert notes[0] == "first"
    assert notes[1].startswith("60 of 60 test images repeat a training image byte for byte")
    assert [note.startswith("features: layer fc2 of vgg16") for note in notes[1:]] == [False, True]


def test_too_many_folds_name_the_dataset(problem):
    data = {"d": make_dataset("d", *problem)}
    with pytest.raises(UsageError, match="dataset d: 60 rows cannot be split into 61 folds"):
        make_plan(Protocol("p", folds=61), data, [], {"d": {}})
