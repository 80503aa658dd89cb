"""Backbones are found by name, without Keras; `test_building` checks the facts about them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from features.networks.backbones import BACKBONES, PREPROCESSING, find_backbone
from features.networks.weights import IMAGENET


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vg16", r"no backbone 'vg16' \(there are vgg16, .*small\); did you mean 'vgg16'\?"),
        ("ResNet", r"no backbone 'ResNet' .*; did you mean 'resnet"),
        ("inception", r"no backbone 'inception' \(there are [^)]*\)$"),
    ],
)
def test_unknown_backbones_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        find_backbone(name)


def test_case_does_not_matter():
    assert find_backbone("VGG16") is BACKBONES["vgg16"]


def test_facts_fit_each_other():
    for name, facts in BACKBONES.items():
        assert facts.name == name
        assert facts.preprocessing in PREPROCESSING
        assert facts.smallest <= facts.size
        assert "random" in facts.weights
    assert {name for name in IMAGENET if "imagenet" not in BACKBONES[name].weights} == set()


def test_no_network_library_is_loaded_to_know_them():
    code = (
        "import sys, features.networks.backbones, features.networks.building\n"
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
