"""Inputs: each gives the rows of a fold, as they are or reduced."""

from __future__ import annotations

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.planning.inputs import Activations, Matrix, Pixels, Reduced
from benchmark.planning.needs import BackboneActivations, BackboneFeatures, NetworkImages
from benchmark.progress import QUIET
from features.extract import Extraction

TRAIN, TEST = np.array([0, 2, 3, 5]), np.array([1, 4])
IMAGES = ImagesInMemory(np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
EXTRACTION = Extraction("small", "random", 16, "float32")


def test_a_matrix_gives_its_rows():
    X = np.arange(12.0).reshape(6, 2)
    train, test = Matrix(X).split(TRAIN, TEST)
    assert np.array_equal(train, X[TRAIN])
    assert np.array_equal(test, X[TEST])


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_images_are_read_row_by_row(cache):
    found = NetworkImages(IMAGES, "k", EXTRACTION).prepare(cache, "", QUIET)
    assert isinstance(found, Pixels)
    train, test = found.split(TRAIN, TEST)
    assert len(train) == 4
    assert np.array_equal(test[:], [IMAGES.load(row, 16) for row in TEST])


def test_activations_are_the_backbones_and_features_their_components(cache):
    need = BackboneActivations(IMAGES, "k", EXTRACTION)
    activations = need.prepare(cache, "", QUIET)
    assert isinstance(activations, Activations)
    plain = activations.split(TRAIN, TEST)
    assert [len(rows) for rows in plain] == [4, 2]
    whole = BackboneFeatures(need, "k0", 0, "fold").prepare(cache, "", QUIET)
    assert np.array_equal(whole.split(TRAIN, TEST)[1], plain[1])
    reduced = BackboneFeatures(need, "k2", 2, "fold").prepare(cache, "", QUIET)
    assert isinstance(reduced, Reduced)
    train, test = reduced.split(TRAIN, TEST)
    assert (train.shape, test.shape) == ((4, 2), (2, 2))
    assert np.allclose(train.mean(axis=0), 0, atol=1e-5)
