"""How the bundled weights of the small backbone are made."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.datasets.synthetic.dataset import FACTOR_NAMES
from benchmark.datasets.synthetic.pretraining import PATH, factor_targets, train_weights


def test_hue_becomes_a_point_on_a_circle_and_the_rest_is_centred():
    factors = np.random.default_rng(0).random((50, len(FACTOR_NAMES)))
    targets = factor_targets(factors)
    hue = factors[:, FACTOR_NAMES.index("hue")]
    others = np.delete(factors, FACTOR_NAMES.index("hue"), axis=1)
    np.testing.assert_allclose(np.hypot(targets[:, 0], targets[:, 1]), 1, rtol=1e-6)
    np.testing.assert_allclose(
        np.arctan2(targets[:, 1], targets[:, 0]) / (2 * np.pi) % 1, hue, atol=1e-6
    )
    np.testing.assert_allclose(targets[:, 2:], 2 * others - 1, rtol=1e-6)


@pytest.mark.slow
def test_a_short_training_gives_arrays_like_the_bundled_ones():
    arrays, record = train_weights(n=48, epochs=1)
    with np.load(PATH, allow_pickle=False) as bundled:
        shapes = {name: bundled[name].shape for name in bundled.files if name != "record"}
        assert {name: values.shape for name, values in arrays.items()} == shapes
        assert not np.array_equal(arrays["fc1/kernel"], bundled["fc1/kernel"])
    assert all(np.isfinite(values).all() for values in arrays.values())
    assert record["images"] == 48
    assert set(record["explained variance"]) >= {"cos hue", "sin hue"}
