"""Augmentation: what is drawn for an image does not depend on its batch, and pixels only move."""

from __future__ import annotations

import numpy as np
import pytest

from ewmtcnn.augmentation import Augmentation

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
ROWS = np.arange(6)


def draw(kind, seed=0):
    return Augmentation.draw(kind, 6, np.random.default_rng(seed))


def test_none_is_none():
    assert draw("none").apply(IMAGES, ROWS) is IMAGES


def test_flip_mirrors_some():
    augmentation = draw("flip")
    found = augmentation.apply(IMAGES, ROWS)
    assert 0 < augmentation.mirrored.sum() < 6
    for image, new, mirrored in zip(IMAGES, found, augmentation.mirrored, strict=True):
        np.testing.assert_array_equal(new, np.fliplr(image) if mirrored else image)


@pytest.mark.parametrize("kind", ["flip", "crop"])
def test_an_image_is_changed_alike_in_any_batch(kind):
    augmentation = draw(kind)
    whole = augmentation.apply(IMAGES, ROWS)
    some = np.array([4, 1])
    np.testing.assert_array_equal(augmentation.apply(IMAGES[some], some), whole[some])
    assert not np.array_equal(draw(kind, seed=1).apply(IMAGES, ROWS), whole)


def test_crop_moves_by_up_to_an_eighth():
    image = np.zeros((1, 16, 16, 3), np.uint8)
    image[0, 8, 8] = 255
    for down, right in ((1.0, 0.0), (-1.0, 1.0), (0.0, 0.0)):
        moved = Augmentation(np.array([False]), np.array([[down, right]]))
        found = moved.apply(image, np.array([0]))
        assert found.dtype == np.uint8
        assert np.argwhere(found[0, :, :, 0]).tolist() == [[8 + 2 * int(down), 8 + 2 * int(right)]]
