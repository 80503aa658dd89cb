"""The two training rules, worked by hand and on functions with a known minimum."""

import numpy as np
import pytest

from baselines.backprop import DELTA_MAX, DELTA_MIN, Momentum, RMSProp, RProp, rprop_step, train


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

    end = train(parabola, np.array([0.2]), 4, RProp())
    assert visited == pytest.approx([0.2, 0.1, -0.02, -0.02, 0.04])
    assert (end.epochs, end.converged) == (4, False)
    assert end.value == pytest.approx(0.5 * 0.04**2)
    assert end.weights == pytest.approx([0.04])


def test_rprop_ignores_the_size_of_the_gradient():
    scale = np.array([1e-4, 1e4])
    end = train(lambda w: (0.5 * scale @ w**2, scale * w), np.array([3.0, 3.0]), 37, RProp())
    assert end.weights[0] == pytest.approx(end.weights[1], rel=1e-12)


def test_momentum_walk_by_hand():
    # f(w) = w^2 / 2, rate 0.4, momentum 0.5, from 1: moves -0.4, -0.44, -0.284.
    rule = Momentum(rate=0.4, momentum=0.5)
    end = train(lambda w: (0.5 * w[0] ** 2, w.copy()), np.array([1.0]), 3, rule)
    assert end.weights == pytest.approx([-0.124])
    assert (end.epochs, end.converged) == (3, False)


def test_rmsprop_steps_by_hand():
    # Weighted means of squares: 4, then (0.09 * 4 + 0.1 * 1) / 0.19.
    rule = RMSProp(rate=0.5)
    assert rule(np.array([2.0, -2.0])) == pytest.approx([-0.5, 0.5])
    assert rule(np.array([1.0, 0.0])) == pytest.approx([-0.5 / (0.46 / 0.19) ** 0.5, 0.0])


@pytest.mark.parametrize("rule", [RProp(), Momentum(rate=0.1, momentum=0.9)])
def test_reports_a_vanished_gradient_and_leaves_the_start_alone(rule):
    start = np.array([1.0, -2.0])
    target = np.array([0.3, 0.7])
    end = train(lambda w: (0.5 * np.sum((w - target) ** 2), w - target), start, 5000, rule)
    assert end.converged
    assert end.epochs < 5000
    assert end.weights == pytest.approx(target, abs=2e-6)
    assert start.tolist() == [1.0, -2.0]


def test_tells_of_every_epoch_and_stops_where_it_stands():
    def parabola(w):
        return 0.5 * w[0] ** 2, w.copy()

    met = {}
    end = train(parabola, np.ones(1), 5, RProp(), lambda epoch, w: met.update({epoch: w[0]}))
    assert list(met) == [0, 1, 2, 3, 4, 5]
    assert met[0] == 1.0
    for epochs, weight in met.items():
        alone = train(parabola, np.ones(1), epochs, RProp())
        assert (alone.epochs, alone.weights[0]) == (epochs, weight)
    assert end.weights[0] == met[5]
