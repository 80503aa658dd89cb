"""The moments of IIS, in blocks of rows, against sums written out."""

import numpy as np
import pytest

from baselines.iis_moments import Moments


@pytest.mark.parametrize("blocks", [1, 3, 20])
@pytest.mark.parametrize(("first", "power"), [(0, 3), (4, 9), (6, 7)])
def test_moments_and_scores_are_the_sums(blocks, first, power):
    rng = np.random.default_rng(0)
    X, P, f = rng.normal(size=(50, 4)), rng.random((3, 50)), rng.random(50)
    made = Moments(X, blocks)
    for _ in range(2):  # the second time in the memory of the first
        found = made.of(made.split(P), made.split(f[None, :]), first, power)
        assert found.shape == (power + 1 - first, 3, 4)
        for r in range(first, power + 1):
            terms = P[:, :, None] * (f[:, None] ** r * X * np.sign(X) ** r)
            np.testing.assert_allclose(found[r - first], terms.sum(axis=1), atol=1e-12)
        P = P[:, ::-1]
    W = rng.normal(size=(3, 4))
    np.testing.assert_allclose(made.scores(W)[:, :50], W @ X.T, atol=1e-13)
    np.testing.assert_array_equal(made.features[:50], X)
    assert not made.features[50:].any()
