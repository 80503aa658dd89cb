"""Reasons why numbers may differ: each thing that a run does otherwise is told, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from made_paper import NETWORK, plan_of, truth

from benchmark.paper.reasons import find_reasons
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Truth


def texts(plan, published, names, paper_dataset="Emotion6", over=False):
    dataset = next(iter(plan.truths))
    found = find_reasons(plan, published, paper_dataset, dataset, names, over)
    return "\n".join(reason.text for reason in found)


def test_a_network_made_as_in_the_paper_differs_in_what_is_not_stated(published):
    plan = plan_of(truth("Emotion6"), models={"EW-MTCNN": {"params": NETWORK}})
    assert texts(plan, published, {"EW-MTCNN": "EW-MTCNN"}).splitlines() == [
        "The paper's split is not published; here 10 stratified folds, seed 0.",
        "EW-MTCNN: VGGNet's depth is not stated in the paper; here vgg16.",
        "EW-MTCNN: momentum is not stated in the paper; here 0.9.",
        "EW-MTCNN: weight decay is not stated in the paper; here 0.",
        "EW-MTCNN: augmentation is not stated in the paper; here none.",
        "EW-MTCNN: the reading of p = v W is not stated in the paper; here mixture.",
    ]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("epochs", 5, "epochs = 5, in the paper (for EW-MTCNN) 20"),
        ("sigma", 0.4, "sigma = 0.4, in the paper (for EW-MTCNN) 0.6"),
        ("weights", "random", "weights = random, in the paper (for EW-MTCNN) imagenet"),
        ("backbone", "resnet50", "the backbone is resnet50, in the paper VGGNet"),
        ("reading", "logit", "the reading of p = v W is not stated in the paper; here logit"),
        ("momentum", 0.0, "momentum is not stated in the paper; here 0"),
    ],
)
def test_each_setting_of_the_run_is_told(published, key, value, text):
    models = {"EW-MTCNN": {"params": NETWORK}}
    line = f"EW-MTCNN: {text}."
    assert line not in texts(plan_of(truth("Emotion6"), models=models), published,
                             {"EW-MTCNN": "EW-MTCNN"}).splitlines()  # fmt: skip
    models = {"EW-MTCNN": {"params": {**NETWORK, key: value}}}
    assert line in texts(plan_of(truth("Emotion6"), models=models), published,
                         {"EW-MTCNN": "EW-MTCNN"}).splitlines()  # fmt: skip


def test_data_and_split_are_told(published):
    names = {"AA-kNN": "AA-kNN"}
    text = texts(plan_of(truth("emotion6", rows=100, labels=4), seed=3), published, names)
    assert "emotion6 has 100 instances here, 1,980 in the paper." in text
    assert "emotion6 has 4 labels here, 7 in the paper." in text
    assert "here 10 stratified folds, seed 3." in text
    halves = Folds(np.stack([np.arange(1980) % 2, np.arange(1980) % 2], axis=1))
    text = texts(plan_of(truth("emotion6", folds=halves)), published, names)
    assert "2 stratified folds, drawn 2 times, seed 0, while the paper has 10 folds" in text
    text = texts(plan_of(truth("my", source="/data/my.mat", rows=5)), published, names)
    assert "my (my.mat), other data, stands for Emotion6." in text
    assert "instances here" not in text


def test_features_are_told(published):
    names = {"AA-kNN": "AA-kNN"}
    own = texts(plan_of(truth("emotion6", source="e.mat"), key=""), published, names)
    assert "Features: here the dataset's own (e.mat), in the paper the second-to-last" in own
    usual = (
        "features: layer fc2 of vgg16 (imagenet weights, 224 x 224 pixels), PCA to at most 280 "
        "dimensions fitted on each fold's training rows"
    )
    text = texts(plan_of(truth("Emotion6", notes=(usual,))), published, names)
    assert "the paper says neither where PCA is fitted nor VGGNet's depth" in text
    assert "in the paper the second-to-last" not in text
    text = texts(plan_of(truth("Emotion6", notes=(usual.replace("280", "50"),))), published, names)
    assert "PCA to at most 50 dimensions fitted" in text
    assert "in the paper the second-to-last fully connected layer of VGGNet" in text


def test_ties_matter_for_accuracy_alone(published):
    D = truth("Emotion6").D.copy()
    D[0] = 1 / 7
    plan = plan_of(truth("Emotion6"))
    plan.truths["Emotion6"] = Truth(**{**vars(plan.truths["Emotion6"]), "D": D})
    (tie,) = (
        reason
        for reason in find_reasons(plan, published, "Emotion6", "Emotion6", {"AA-kNN": "AA-kNN"})
        if "tied maximum" in reason.text
    )
    assert tie.text.startswith("1 of 1,980 rows of Emotion6")
    assert tie.concerns({("Emotion6", "AA-kNN")}, ("accuracy",))
    assert not tie.concerns({("Emotion6", "AA-kNN")}, ("clark",))
    assert not tie.concerns({("Emotion6", "DLDL")}, ("accuracy",))


def test_a_wheel_that_keeps_its_sigma_is_told(published):
    art = truth("ArtPhoto-sigma0.4", 0.4, 8, 806)
    names = {"EW-MTCNN": "EW-MTCNN"}
    fixed = plan_of(art, models={"EW-MTCNN": {"params": NETWORK}})
    assert "the wheel keeps sigma 0.6" in texts(fixed, published, names, "ArtPhoto", over=True)
    varied = plan_of(art, models={"EW-MTCNN": {"params": {**NETWORK, "sigma": "data"}}})
    assert "sigma" not in texts(varied, published, names, "ArtPhoto", over=True)
    text = texts(varied, published, names, "ArtPhoto")
    assert "are spread with sigma 0.4, in the paper with 0.6." in text
