"""Rows held out for early stopping, also where there are few, and the epoch that is chosen."""

import math

import numpy as np
import pytest

from baselines.early_stopping import best_epoch, held_out, kl_divergence


def one_hot(labels, c):
    return np.eye(c)[np.asarray(labels)]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(20))
def test_every_label_is_held_out_by_its_share(share, seed):
    rng = np.random.default_rng(seed)
    n, c = int(rng.integers(2, 80)), int(rng.integers(2, 9))
    D = rng.dirichlet(np.full(c, 0.2), n) ** 2
    D /= D.sum(axis=1, keepdims=True)
    training, validation = held_out(D, share, random_state=seed)
    assert sorted([*training, *validation]) == list(range(n))
    assert len(validation) == min(max(1, round(share * n)), n - 1)
    top = D.argmax(axis=1)
    for label in set(top):
        held = (top[validation] == label).sum()
        assert abs(held - (top == label).sum() * len(validation) / n) <= 1


def test_the_only_row_of_a_label_is_trained_on():
    D = one_hot([0] * 9 + [1] * 9 + [2, 3], 4)
    for seed in range(20):
        assert {18, 19} <= set(held_out(D, 0.2, seed)[0])


def test_as_few_rows_as_can_be():
    assert [len(part) for part in held_out(one_hot([0, 1], 2), 0.2)] == [1, 1]
    assert [len(part) for part in held_out(one_hot([0, 1, 2], 3), 0.9)] == [1, 2]
    with pytest.raises(ValueError, match="one row only"):
        held_out(one_hot([0], 2))


def test_the_draw_is_the_seeds():
    D = one_hot([0] * 30 + [1] * 10, 2)
    first, again, other = (held_out(D, 0.2, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_kl_divergence_by_hand():
    D = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    P = np.array([[0.25, 0.75, 0.0], [0.0, 0.5, 0.5]])
    by_hand = (0.5 * math.log(2) + 0.5 * math.log(2 / 3) + math.log(1e10)) / 2
    assert kl_divergence(D, P) == pytest.approx(by_hand, rel=1e-12)


def test_best_epoch():
    assert best_epoch([3.0, 1.0, 2.0, 1.0]) == 1
    assert best_epoch([math.nan, math.inf, 4.0]) == 2
    assert best_epoch([math.nan, math.inf]) == 0
