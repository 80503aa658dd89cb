"""Anderson acceleration on linear maps, whose fixed points are known."""

import numpy as np
import pytest

from baselines.anderson import MEMORY, Anderson


def maps(n_rows, length, slow, seed=0):
    """Contractions x -> M x + b, symmetric, most of them fast but for some slow directions."""
    rng = np.random.default_rng(seed)
    M = np.empty((n_rows, length, length))
    for k in range(n_rows):
        axes = np.linalg.qr(rng.normal(size=(length, length)))[0]
        rates = np.concatenate([np.linspace(0.95, 0.99, slow), np.full(length - slow, 0.3)])
        M[k] = axes * rates @ axes.T
    return M, rng.normal(size=(n_rows, length))


def test_few_slow_directions_are_taken_out():
    M, b = maps(20, 30, slow=3)
    fixed = np.linalg.solve(np.eye(30) - M, b[:, :, None])[:, :, 0]
    x, plain = np.zeros_like(b), np.zeros_like(b)
    anderson = Anderson(20, 30, np.float64)
    for _ in range(15):
        x = anderson.step(x, (M @ x[:, :, None])[:, :, 0] + b)
        plain = (M @ plain[:, :, None])[:, :, 0] + b
    assert np.abs(x - fixed).max() < 1e-5
    assert np.abs(plain - fixed).max() > 1


def test_points_go_their_own_way():
    """Whether others are there, or have been let go, changes nothing."""
    M, b = maps(40, 12, slow=2)
    x, alone = np.zeros_like(b), np.zeros_like(b[7:8])
    many, one = Anderson(40, 12, np.float64), Anderson(1, 12, np.float64)
    rows = np.arange(40)
    for step in range(2 * MEMORY):
        x = many.step(x, (M[rows] @ x[:, :, None])[:, :, 0] + b[rows])
        alone = one.step(alone, (M[7:8] @ alone[:, :, None])[:, :, 0] + b[7:8])
        if step == 5:
            kept = rows % 3 == 1
            many.keep(kept)
            rows, x = rows[kept], x[kept]
        np.testing.assert_allclose(x[rows == 7], alone, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fixed_point_is_kept(dtype):
    x = np.ones((3, 5), dtype)
    anderson = Anderson(3, 5, dtype)
    for _ in range(4):
        following = anderson.step(x, x)
        assert following.dtype == dtype
        np.testing.assert_array_equal(following, x)
