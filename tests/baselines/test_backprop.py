"""The two training rules, worked by hand and on functions with a known minimum."""

import numpy as np
import pytest

from baselines.backprop import DELTA_MAX, DELTA_MIN, momentum_descent, rprop, rprop_step


def test_rprop_step_by_hand():
    # One weight for each case: same sign, changed sign, no memory, a gradient of zero.
    move, remembered, delta = rprop_step(
        gradient=np.array([2.0, -3.0, -4.0, 0.0]),
        previous=np.array([0.5, 1.0, 0.0, 1.0]),
        delta=np.array([0.1, 0.1, 0.1, 0.1]),
    )
    assert delta == pytest.approx([0.12, 0.05, 0.1, 0.1])
    assert move == pytest.approx([-0.12, 0.0, 0.1, 0.0])
    assert remembered == pytest.approx([2.0, 0.0, -4.0, 0.0])


def test_rprop_step_sizes_are_bounded():
    _, _, delta = rprop_step(
        np.array([1.0, 1.0]), np.array([1.0, -1.0]), np.array([DELTA_MAX, DELTA_MIN])
    )
    assert delta == pytest.approx([DELTA_MAX, DELTA_MIN], rel=1e-15)


def test_rprop_walk_by_hand():
    # f(w) = w^2 / 2 from 0.2: steps 0.1 and 0.12 jump over the minimum to -0.02, the sign
    # changes (rest, step 0.06), then 0.06 forward to 0.04.
    visited = []

    def parabola(w):
        visited.append(w[0])
        return 0.5 * w[0] ** 2, w.copy()

    end = rprop(parabola, np.array([0.2]), epochs=4)
    assert visited == pytest.approx([0.2, 0.1, -0.02, -0.02, 0.04])
    assert (end.epochs, end.converged) == (4, False)
    assert end.value == pytest.approx(0.5 * 0.04**2)
    assert end.weights == pytest.approx([0.04])


def test_rprop_ignores_the_size_of_the_gradient():
    scale = np.array([1e-4, 1e4])
    end = rprop(lambda w: (0.5 * scale @ w**2, scale * w), np.array([3.0, 3.0]), epochs=37)
    assert end.weights[0] == pytest.approx(end.weights[1], rel=1e-12)


def test_momentum_walk_by_hand():
    # f(w) = w^2 / 2, rate 0.4, momentum 0.5, from 1: moves -0.4, -0.44, -0.284.
    end = momentum_descent(
        lambda w: (0.5 * w[0] ** 2, w.copy()), np.array([1.0]), 3, rate=0.4, momentum=0.5
    )
    assert end.weights == pytest.approx([-0.124])
    assert (end.epochs, end.converged) == (3, False)


@pytest.mark.parametrize(
    "train", [rprop, lambda f, w, n: momentum_descent(f, w, n, rate=0.1, momentum=0.9)]
)
def test_reports_a_vanished_gradient_and_leaves_the_start_alone(train):
    start = np.array([1.0, -2.0])
    target = np.array([0.3, 0.7])
    end = train(lambda w: (0.5 * np.sum((w - target) ** 2), w - target), start, 5000)
    assert end.converged
    assert end.epochs < 5000
    assert end.weights == pytest.approx(target, abs=2e-6)
    assert start.tolist() == [1.0, -2.0]
