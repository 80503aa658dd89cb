"""Which rows stand for a dataset: in Figures 1 and 4, and in the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import make_evidence

from benchmark.analysis.samples import choose_samples, entropy, figure_models, sampled_rows
from benchmark.figures.choice import Choice
from benchmark.figures.samples import make_predicted, make_true

KL = 3


@pytest.fixture
def evidence(tmp_path):
    return make_evidence(tmp_path, {"A": 0.4, "B": 0.1, "C": 0.7, "D": 0.9}, {"d": 60})


def sampled(evidence, dataset):
    return sampled_rows(evidence.plan, evidence.results, evidence.summary, dataset)


def test_samples_are_the_middles_of_equal_parts():
    values = np.random.default_rng(0).permutation(100).astype(float)
    assert list(values[choose_samples(values, 5)]) == [10, 30, 50, 70, 90]


def test_ties_go_by_row_even_where_values_differ_by_rounding():
    values = np.full(10, 0.3) + np.random.default_rng(0).uniform(-1e-15, 1e-15, 10)
    assert choose_samples(values, 5) == [1, 3, 5, 7, 9]


def test_rows_without_a_value_are_not_chosen():
    values = np.array([np.nan, 5.0, np.nan, 1.0, 3.0])
    assert choose_samples(values, 3) == [3, 4, 1]
    assert choose_samples(values, 9) == [3, 4, 1]
    assert choose_samples(np.full(4, np.nan), 3) == []


def test_pictured_rows_are_preferred_if_they_are_enough():
    values = np.arange(100.0)
    assert choose_samples(values, 2, {1, 30, 60, 99}) == [30, 60]
    assert choose_samples(values, 2, {3, 4}) == [3, 4]
    assert choose_samples(values, 2, {3}) == [25, 75]
    assert len(set(choose_samples(np.arange(12.0), 6, set(range(6))))) == 6


def test_entropy_is_that_of_scipy():
    from scipy.stats import entropy as expected

    D = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(entropy(D), expected(D, axis=1), atol=1e-12)


def test_figure_4_has_the_models_of_the_paper_first_and_then_the_best(tmp_path):
    models = {"X": 0.1, "EW-MTCNN": 0.5, "AA-kNN": 0.9, "Y": 0.2}
    made = make_evidence(tmp_path, models, {"d": 30})
    assert figure_models(made.summary, "d") == ["AA-kNN", "EW-MTCNN", "X"]


def test_the_rows_whose_pictures_are_wanted_are_those_of_the_figures(evidence):
    shown = {*make_true(evidence, Choice()).data["row"]}
    shown |= {*make_predicted(evidence, Choice()).data["row"]}
    assert sampled(evidence, "d") == sorted(shown)
    nothing = replace(evidence, results={})
    assert len(sampled(nothing, "d")) == 6


def test_few_instances_are_all_shown(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"few": 100})
    assert evidence.shown_rows("few") == list(range(100))


def test_the_best_and_worst_of_every_model_are_among_those_of_many(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2, "B": 0.6}, {"many": 3000})
    rows = evidence.shown_rows("many")
    assert len(rows) == len(set(rows)) == 400
    assert rows == sorted(rows)
    for values in (evidence.values["many"][name][:, KL] for name in ("A", "B")):
        order = np.argsort(values)
        assert {*order[:10], *order[-10:]} <= set(rows)


def test_the_others_are_spread_over_the_data_and_follow_the_seed(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"many": 3000})
    rows = evidence.shown_rows("many")
    assert rows == evidence.shown_rows("many")
    thirds = np.histogram(rows, bins=[0, 1000, 2000, 3000])[0]
    assert thirds.min() > 90  # a binomial of 400 and 1/3 is below with a chance of 1e-5
    other = replace(evidence, plan=replace(evidence.plan, seed=1))
    assert rows != other.shown_rows("many")


def test_many_models_and_datasets_share_the_room(tmp_path):
    models = {f"m{i}": 0.1 + 0.02 * i for i in range(20)}
    datasets = {f"set{i}": 500 for i in range(20)}
    evidence = make_evidence(tmp_path, models, datasets, folds=2)
    shares = [len(evidence.shown_rows(name)) * 23 * 3 for name in datasets]
    assert sum(shares) <= 400_000
    assert min(shares) >= 40 * 23 * 3


def test_a_model_without_results_chooses_nothing(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2}, {"many": 3000}, missing=5)
    assert len(evidence.shown_rows("many")) == 400
