"""Needs: which are the same, what they say of themselves, and how small they are when sent."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.planning.needs import (
    BackboneActivations,
    BackboneFeatures,
    NetworkImages,
    OwnFeatures,
    describe_features,
)
from benchmark.progress import QUIET
from features.extract import Extraction

EXTRACTION = Extraction("vgg16", "imagenet", 224, "float32")


def images(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    return ImagesInMemory(pixels)


def test_needs_are_the_same_where_their_keys_are():
    one, same, other = (
        BackboneActivations(images(seed), key, EXTRACTION)
        for seed, key in ((0, "k"), (1, "k"), (0, "l"))
    )
    assert one == same
    assert one != other
    assert {BackboneFeatures(need, need.key, 2, "fold") for need in (one, same, other)} == {
        BackboneFeatures(one, "k", 2, "fold"), BackboneFeatures(other, "l", 2, "fold"),
    }  # fmt: skip
    assert one != NetworkImages(images(0), "k", EXTRACTION)


def test_own_features_are_there_and_need_no_work(tmp_path):
    X = np.eye(2)
    need = OwnFeatures(X)
    assert (need.key, need.description, need.extraction, need.work_on("d")) == ("", "", None, "")
    assert need.prepare(tmp_path, "", QUIET).X is X
    assert list(tmp_path.iterdir()) == []


def test_features_are_described_for_a_note():
    need = BackboneFeatures(BackboneActivations(images(0), "k", EXTRACTION), "l", 280, "fold")
    assert need.description == describe_features(EXTRACTION, 280, "fold")
    assert need.description == (
        "features: layer fc2 of vgg16 (imagenet weights, 224 x 224 pixels), PCA to at most 280 "
        "dimensions fitted on each fold's training rows"
    )
    assert "LEAKS" in describe_features(EXTRACTION, 280, "dataset")
    assert describe_features(EXTRACTION, 0, "fold").endswith("224 x 224 pixels)")
    assert (
        need.activations.description == NetworkImages(images(0), "k", EXTRACTION).description == ""
    )


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        (BackboneActivations, "extracting vgg16 features of d"),
        (NetworkImages, "reading the images of d"),
    ],
)
def test_the_work_is_named(kind, work):
    need = kind(images(0), "k", EXTRACTION)
    assert need.work_on("d") == work
    assert len(ForkingPickler.dumps(need)) < 5000  # images are named, not the whole dataset sent
