"""What the draw of the raters alone costs, estimated from votes and known where they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noise_floor import MARK, table_of
from scipy.optimize import minimize
from scipy.stats import dirichlet_multinomial

from benchmark.analysis.noise_floor import (
    FRESH,
    HIDDEN,
    Mixture,
    draw,
    fit_mixture,
    floor_notes,
    floor_scores,
    votes_of,
)
from benchmark.datasets import make_dataset
from benchmark.datasets.synthetic.dataset import load_synthetic
from benchmark.metrics import BY_NAME, MEASURES, scores
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import make_truth

ROOT = Path(__file__).resolve().parents[3]


def truth_of(D, raters):
    data = make_dataset("votes", np.random.default_rng(0).random((len(D), 2)), D, raters=raters)
    return make_truth(data, stratified_folds(data.D, 3))


def panels(theta, raters, rng):
    return rng.multinomial(raters, theta) / np.reshape(raters, (-1, 1))


def test_one_component_has_the_maximum_of_scipys_likelihood():
    rng = np.random.default_rng(1)
    votes = rng.multinomial(12, rng.dirichlet([2.0, 0.7, 0.3], 300))

    def minus(logs):
        return -dirichlet_multinomial(np.exp(logs), 12).logpmf(votes).sum()

    best = minimize(minus, np.zeros(3), method="Nelder-Mead", options={"maxiter": 2000})
    found = fit_mixture(votes.astype(float))
    assert len(found.weights) == 1
    assert minus(np.log(found.alpha[0])) == pytest.approx(best.fun, abs=0.05)


def test_the_posterior_of_one_component_is_dirichlets():
    """By conjugacy the mean of theta is (votes + alpha) / (raters + sum of alpha)."""
    rng = np.random.default_rng(2)
    votes = rng.multinomial(9, rng.dirichlet([1.0, 2.0, 1.0], 150)).astype(float)
    mixture = fit_mixture(votes)
    assert len(mixture.weights) == 1
    drawn = np.mean([draw(mixture, votes, rng)[0] for _ in range(800)], axis=0)
    alpha = mixture.alpha[0]
    np.testing.assert_allclose(drawn, (votes + alpha) / (9 + alpha.sum()), atol=0.03)


@pytest.mark.parametrize("kind", ["drawn images", "clusters", "unequal panels"])
def test_the_floor_is_that_of_the_known_truth(kind):
    """Within 12 % in every measure of the paper, for panels of 3 to 40 raters."""
    rng = np.random.default_rng(3)
    if kind == "drawn images":
        theta, raters = load_synthetic(400).latent, np.full(400, 15)
    elif kind == "clusters":
        peaks = 0.3 + 6 * np.eye(6)[rng.integers(6, size=600)]
        theta, raters = np.array([rng.dirichlet(peak) for peak in peaks]), np.full(600, 11)
    else:
        theta, raters = rng.dirichlet([1.0, 2.0, 3.0, 0.5], 600), rng.integers(3, 40, size=600)
    D = panels(theta, raters, rng)
    rows = pd.DataFrame(
        floor_scores(truth_of(D, raters), MEASURES), columns=["row", "r", "f", "measure", "value"]
    )
    estimated = rows.groupby(["row", "measure"])["value"].mean()
    true = {HIDDEN: scores(D, theta)}
    fresh = [scores(D, panels(theta, raters, rng)) for _ in range(10)]
    true[FRESH] = {name: np.mean([one[name] for one in fresh]) for name in fresh[0]}
    for (row, measure), value in estimated.items():
        assert value == pytest.approx(true[row][measure], rel=0.12), (row, measure)
    # The mean of theta given the votes, which has seen them, would look far too good.
    assert estimated[HIDDEN, "kl_divergence"] > 0.8 * true[HIDDEN]["kl_divergence"]


def test_no_model_is_better_than_the_hidden_distributions():
    """The mean distribution and noisy truths are worse in expected KL divergence."""
    rng = np.random.default_rng(4)
    theta = rng.dirichlet([3.0, 1.0, 1.0, 0.5], 200)
    D = panels(theta, 10, rng)
    kl = [row[-1] for row in floor_scores(truth_of(D, np.full(200, 10)), [BY_NAME["kl_divergence"]])
          if row[0] == HIDDEN]  # fmt: skip
    noisy = 0.7 * theta + 0.3 * rng.dirichlet(np.ones(4), 200)
    for other in (np.broadcast_to(D.mean(axis=0), D.shape), noisy):
        assert np.mean(kl) < scores(D, other)["kl_divergence"]


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 5), st.integers(4, 60), st.integers(2, 30), st.integers(0, 99), st.booleans())
def test_any_votes_give_distributions(c, n, raters, seed, rounded):
    rng = np.random.default_rng(seed)
    D = panels(rng.dirichlet(np.full(c, 0.2), n), raters, rng)
    D[:, 0] += rounded * 0.004
    D /= D.sum(axis=1, keepdims=True)
    votes = votes_of(D, np.full(n, float(raters)))
    np.testing.assert_allclose(votes.sum(axis=1), raters)
    for drawn in draw(fit_mixture(votes), votes, rng):
        assert (drawn >= 0).all()
        np.testing.assert_allclose(drawn.sum(axis=1), 1)


def test_no_hidden_share_is_rounded_to_0():
    """Clark counts a label without votes whole where its share is above 0, and else not at all."""
    mixture = Mixture(np.ones(1), np.array([[5.0, 1.0, 1e-4]]), 0.0)
    votes = np.tile([4.0, 3.0, 0.0], (40, 1))
    hidden, _ = draw(mixture, votes, np.random.default_rng(6))
    assert (hidden > 0).all()


def test_a_row_of_one_rater_and_shares_that_are_no_votes_are_told():
    rng = np.random.default_rng(5)
    D = panels(rng.dirichlet(np.ones(3), 30), 8, rng)
    raters = np.full(30, 8.0)
    assert len(floor_notes(truth_of(D, raters))) == 1
    assert "no whole votes" in floor_notes(truth_of(0.9 * D + 0.1 / 3, raters))[1]
    raters[4] = 1
    truth = truth_of(D, raters)
    assert floor_scores(truth, MEASURES) == []
    assert floor_notes(truth) == [
        "No noise floor: 1 row has fewer than 2 raters, which tell nothing of how much raters of "
        "one instance disagree"
    ]
    assert floor_notes(truth_of(D, None)) == []


def test_the_page_has_the_table_of_its_file():
    frame = pd.read_csv(ROOT / "results" / "quoted" / "noise_floor.csv")
    page = (ROOT / "docs" / "noise_floor.md").read_text(encoding="utf-8")
    assert MARK + table_of(frame) in page
    close = frame[frame["measure"].isin(["kl_divergence", "chebyshev", "cosine", "accuracy"])]
    assert (close["estimated"] / close["true"] - 1).abs().max() < 0.12
