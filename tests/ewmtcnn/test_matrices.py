"""What stands in the wheel's place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewmtcnn.matrices import WHEELS, label_correlation, wheel_matrix
from ewmtcnn.wheel import MIKELS, prior_distributions

RNG = np.random.default_rng(0)
D = RNG.dirichlet(np.ones(8), size=30)


def make(kind, labels=MIKELS, seed=1, D=D):
    return wheel_matrix(kind, D, labels, 0.6, "isolated", np.random.default_rng(seed))


def test_each_kind():
    assert make("none") is None
    np.testing.assert_array_equal(make("prior"), prior_distributions(MIKELS, 0.6))
    np.testing.assert_array_equal(make("identity"), np.eye(8))
    assert not np.allclose(make("random", seed=1), make("random", seed=2))
    np.testing.assert_array_equal(make("random", seed=1), make("random", seed=1))
    np.testing.assert_array_equal(make("correlation"), label_correlation(D))


@given(st.integers(0, 200), st.integers(2, 9))
def test_rows_are_distributions(seed, c):
    rng = np.random.default_rng(seed)
    D = rng.dirichlet(np.full(c, 0.3), size=12)
    for kind in WHEELS[2:]:
        W = wheel_matrix(kind, D, None, 0.6, "isolated", rng)
        assert W.shape == (c, c)
        assert (W >= 0).all()
        np.testing.assert_allclose(W.sum(axis=1), 1.0)


def test_correlation_is_pearsons():
    expected = np.maximum(np.corrcoef(D.T), 0)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(label_correlation(D), expected, atol=1e-12)


def test_a_label_that_never_varies_stands_alone():
    fixed = np.column_stack([np.full(5, 0.2), 0.8 * RNG.dirichlet(np.ones(2), size=5)])
    np.testing.assert_allclose(label_correlation(fixed)[0], [1, 0, 0])


def test_the_prior_needs_names():
    with pytest.raises(ValueError, match="needs the names of the labels"):
        make("prior", labels=None)
    with pytest.raises(ValueError, match="labels has 2 names, but D has 8 columns"):
        make("prior", labels=("fear", "anger"))
    with pytest.raises(ValueError, match="no place for 'boredom'"):
        make("prior", labels=("boredom", *MIKELS[1:]))
