"""Votes and percentages made distributions, and what is kept of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.datasets import load_dataset
from benchmark.datasets.base import make_dataset
from benchmark.errors import UsageError

RNG = np.random.default_rng(1)
X = RNG.normal(size=(200, 2))
VOTES = RNG.multinomial(9, [0.5, 0.3, 0.2], 200).astype(float)
VOTES[:3, 0] += 3


def test_votes_keep_the_number_of_raters():
    made = make_dataset("m", X, VOTES, normalise=True)
    assert np.array_equal(made.D, VOTES / VOTES.sum(axis=1, keepdims=True))
    assert made.raters.tolist() == VOTES.sum(axis=1).tolist()
    assert "200 of 200 rows" in made.notes[0]
    assert "the votes of 9 to 12 raters each" in made.notes[0]
    told = make_dataset("m", X, VOTES, normalise=True, raters=[5] * 200)
    assert set(told.raters) == {5.0}  # what is told counts


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_percentages_are_no_votes(digits):
    percent = np.round(100 * VOTES / VOTES.sum(axis=1, keepdims=True), digits)
    made = make_dataset("m", X, percent, normalise=True)
    assert made.raters is None
    assert made.D.sum(axis=1) == pytest.approx(1)
    assert made.notes[0].endswith("divided by their sum, which hold percentages")


def test_rows_that_sum_to_1_stay_as_they_are():
    D = VOTES / VOTES.sum(axis=1, keepdims=True)
    heavy = D.copy()
    heavy[[3, 50, 199]] *= 1.5
    made = make_dataset("m", X, heavy, normalise=True)
    assert made.notes == ("3 of 200 rows did not sum to 1 and were divided by their sum",)
    assert made.raters is None
    assert made.D == pytest.approx(D)
    untouched = np.delete(np.arange(200), [3, 50, 199])
    assert np.array_equal(made.D[untouched], D[untouched])
    assert "changed nothing" in make_dataset("m", X, D, normalise=True).notes[0]


def test_what_cannot_be_divided():
    votes = VOTES.copy()
    votes[7] = 0
    with pytest.raises(UsageError, match=r"m: labels sums to 0 in row 7 \(counted from 0\)"):
        make_dataset("m", X, votes, normalise=True)
    votes[7] = -1
    with pytest.raises(UsageError, match="labels has negative values in row 7"):
        make_dataset("m", X, votes, normalise=True)
    with pytest.raises(
        UsageError, match="divide votes or percentages by their sum with normalise=T"
    ):
        make_dataset("m", X, VOTES)


def test_votes_and_percentages_of_a_file(tmp_path):
    lines = "".join(f"{x},{a:.0f},{b:.0f}\n" for x, (a, b, _) in zip(X[:, 0], VOTES, strict=True))
    (tmp_path / "v.csv").write_text(f"f,label:a,label:b\n{lines}")
    data = load_dataset(tmp_path / "v.csv", normalise=True)
    assert data.raters.tolist() == VOTES[:, :2].sum(axis=1).tolist()
    assert len(data.notes) == 1  # nothing of a column of raters
    (tmp_path / "p.csv").write_text("f,label:a,label:b\n1,50 %,50 %\n")
    with pytest.raises(UsageError, match="write percentages without their sign"):
        load_dataset(tmp_path / "p.csv")
