"""The further measures against SciPy, a linear programme, loops, and what must hold of all.

Tests `benchmark.metrics.distances`, `benchmark.metrics.ordered`, `benchmark.metrics.ranking`,
`benchmark.metrics.calibration`, `benchmark.metrics.base` and `benchmark.metrics.known`.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.spatial.distance import jensenshannon
from scipy.stats import kendalltau, spearmanr, wasserstein_distance

from benchmark import metrics
from benchmark.metrics import ALL_MEASURES, BY_NAME, FURTHER, MEASURES, counted, scores

ROWS = [measure for measure in FURTHER if measure.per_row]


def drawn(labels: int, rows: int = 60, seed: int = 0):
    """True and predicted rows: votes with zeros and ties, some equal, constant or one-hot."""
    rng = np.random.default_rng(seed)
    D, P = (rng.multinomial(6, np.full(labels, 1 / labels), size=rows) / 6 for _ in range(2))
    P[::3] = rng.dirichlet(np.ones(labels), size=len(P[::3]))
    D[0] = P[1] = P[2] = D[2] = 1 / labels
    P[3], P[4] = D[3], np.eye(labels)[-1]
    D[4] = np.eye(labels)[0]
    return D, P


def least_cost(d, p, steps):
    """Move d to p at the least cost, as a linear programme over all flows between labels."""
    c = len(d)
    out, into = np.kron(np.eye(c), np.ones(c)), np.kron(np.ones(c), np.eye(c))
    return linprog(steps.ravel(), A_eq=np.vstack([out, into]), b_eq=np.concatenate([d, p])).fun


def brute_force(name, d, p):
    """One row, label by label or by a library, from the definitions."""
    labels = range(len(d))
    c = len(d)
    if name == "jensen_shannon":
        return jensenshannon(d, p, base=2) ** 2
    if name == "euclidean":
        return math.dist(d, p)
    if name == "squared_chi_square":
        return sum((d[j] - p[j]) ** 2 / (d[j] + p[j]) for j in labels if d[j] + p[j] > 0)
    if name == "sorensen":
        return sum(abs(d[j] - p[j]) for j in labels) / sum(d[j] + p[j] for j in labels)
    if name == "fidelity":
        return sum(math.sqrt(d[j] * p[j]) for j in labels)
    if name == "mean_absolute_error":
        return sum(abs(d[j] - p[j]) for j in labels) / c
    if name == "earth_movers_distance":
        return wasserstein_distance(labels, labels, d, p) / (c - 1)
    if name == "circular_emd":
        apart = np.abs(np.subtract.outer(np.arange(c), np.arange(c)))
        return least_cost(d, p, np.minimum(apart, c - apart)) / (c // 2)
    if name in ("spearman", "kendall"):
        constant = (len(set(d)) == 1) + (len(set(p)) == 1)
        if constant:
            return float(constant == 2)
        return (spearmanr if name == "spearman" else kendalltau)(d, p)[0]
    k = int(re.fullmatch(r"top_(\d)_accuracy", name)[1])
    top = sorted(labels, key=lambda j: (-p[j], j))[:k]
    return float(list(d).index(max(d)) in top)


@pytest.mark.parametrize("measure", ROWS, ids=lambda m: m.name)
def test_each_row_has_the_value_of_its_definition(measure):
    for labels in (2, 3, 5, 8):
        D, P = drawn(labels)
        found = measure.function(D, P)
        expected = [brute_force(measure.name, d, p) for d, p in zip(D, P, strict=True)]
        # What jensenshannon returns is a root, which is coarse near 0.
        assert found == pytest.approx(np.nan_to_num(expected), abs=1e-9), labels


def test_calibration_error_is_that_of_a_loop_over_bins():
    rng = np.random.default_rng(1)
    P = rng.dirichlet(np.full(4, 0.5), size=200)
    D = rng.dirichlet(np.full(4, 0.5), size=200)
    error, edges = 0.0, np.linspace(0, 1, 16)
    for low, high in pairwise(edges):
        here = [
            (d[p.argmax()], p.max()) for d, p in zip(D, P, strict=True) if low < p.max() <= high
        ]
        if here:
            true, predicted = np.mean(here, axis=0)
            error += len(here) / 200 * abs(true - predicted)
    assert metrics.expected_calibration_error(D, P) == pytest.approx(error)
    # Right half of the time at a confidence of 0.8; no single row could tell.
    sure, right = np.tile([0.8, 0.2], (10, 1)), np.repeat(np.eye(2), 5, axis=0)
    assert metrics.expected_calibration_error(right, sure) == pytest.approx(0.3)


def test_what_is_said_of_constant_rows_of_few_labels_and_of_one():
    flat, order = [[0.25] * 4], [[0.4, 0.3, 0.2, 0.1]]
    for name in ("spearman", "kendall"):
        function = BY_NAME[name].function
        assert [function(a, b)[0] for a in (flat, order) for b in (flat, order)] == [1, 0, 0, 1]
        assert function(order, np.flip(order))[0] == -1
    two = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert metrics.top_k_accuracy(two, two[::-1], k=2).tolist() == [1, 1]
    D, P = drawn(5)
    assert np.array_equal(metrics.top_k_accuracy(D, P, k=1), metrics.accuracy(D, P))
    for measure in ALL_MEASURES:
        best = 1.0 if measure.higher_is_better else 0.0
        assert measure.mean([[1.0]], [[1.0]]) == best, measure.name


@pytest.mark.parametrize("measure", ALL_MEASURES, ids=lambda m: m.name)
def test_range_direction_and_one_value_per_row(measure):
    for labels in (2, 4, 9):
        D, P = drawn(labels, seed=labels)
        low, high = measure.bounds(labels)
        best = measure.mean(D, D)
        assert best == pytest.approx(1.0 if measure.higher_is_better else 0.0, abs=1e-12)
        values = np.atleast_1d(measure.function(D, P))
        assert values.shape == ((len(D),) if measure.per_row else (1,))
        assert np.isfinite(values).all()
        assert (values >= low - 1e-12).all()
        assert (values <= high + 1e-12).all()
        if not measure.name.startswith("top") or labels > 3:
            assert (best - measure.mean(D, P) > 0) == measure.higher_is_better
        if measure.per_row:  # what a row's value is does not depend on the other rows
            alone = [measure.function(D[[i]], P[[i]])[0] for i in range(len(D))]
            assert np.array_equal(values, alone)
    # The range is reached, so it is no wider than it must be.
    worst = ([[1.0, 0, 0, 0]] * 2, [[0, 0, 0, 1.0]] * 2)
    reached = {"clark": math.sqrt(2), "canberra": 2.0, "circular_emd": 0.5, "spearman": -1 / 3,
               "kendall": -1 / 3, "kl_divergence": math.log(1e10), "top_2_accuracy": 1.0,
               "top_3_accuracy": 1.0}  # fmt: skip
    end = low if measure.higher_is_better else measure.bounds(4)[1]
    assert measure.mean(*worst) == pytest.approx(reached.get(measure.name, end))


def test_every_measure_says_what_it_is_and_where_it_is_from():
    assert len(ALL_MEASURES) == len(BY_NAME) == len(MEASURES) + len(FURTHER)
    assert len({measure.title for measure in ALL_MEASURES}) == len(ALL_MEASURES)
    for measure in ALL_MEASURES:
        assert measure.source.endswith("."), measure.name
        assert re.search(r"\[-?\d|at least 0| 1 where|else 0|Chance", measure.summary), measure.name


def test_scores_of_chosen_measures_and_what_counts():
    D, P = drawn(4)
    found = scores(D, P, ALL_MEASURES)
    assert list(found) == [measure.name for measure in ALL_MEASURES]
    assert {name: found[name] for name in scores(D, P)} == scores(D, P)
    assert found["expected_calibration_error"] == metrics.expected_calibration_error(D, P)
    assert [m.name for m in counted(MEASURES)] == [m.name for m in metrics.PAPERS_MEASURES]
    assert counted(MEASURES[-1:]) == MEASURES[-1:]
