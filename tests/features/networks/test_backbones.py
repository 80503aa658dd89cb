"""Backbones are found by name, without Keras; `test_building` checks the facts about them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from features.networks.backbones import BACKBONES, PREPROCESSING, find_backbone
from features.networks.published import published_weights


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vg16", r"no backbone 'vg16'; did you mean 'vgg16'\? \(ldl-benchmark backbones"),
        ("ResNet", r"no backbone 'ResNet'; did you mean 'resnet"),
        ("EfficientNetV2-B9", r"no backbone 'EfficientNetV2-B9'; did you mean 'efficientnetv2b"),
        ("qqq", r"no backbone 'qqq'; give one such as vgg16 \(ldl-"),
    ],
)
def test_unknown_backbones_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        find_backbone(name)


def test_case_does_not_matter():
    assert find_backbone("VGG16") is BACKBONES["vgg16"]
    assert find_backbone("EfficientNet-V2-B0") is BACKBONES["efficientnetv2b0"]


def test_facts_fit_each_other():
    for name, facts in BACKBONES.items():
        assert facts.name == name
        assert facts.preprocessing in PREPROCESSING
        assert facts.smallest <= facts.size
        assert set(facts.weights) - {"random", "bundled"} == published_weights(name).keys()
        assert "random" in facts.weights


def test_no_network_library_is_loaded_to_know_them():
    code = (
        "import sys, features.networks.backbones, features.networks.building\n"
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
