"""Ours beside the published values: matching by name, signs, and agreement by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_paper import plan_of, truth

from benchmark.analysis.reference import MEAN
from benchmark.errors import UsageError
from benchmark.metrics import MEASURES
from benchmark.paper.side_by_side import match_datasets, match_rows, rank_correlation, side_by_side


def test_kendall_by_hand():
    # Of 6 pairs one is the other way round: (5 - 1) / 6.
    assert rank_correlation([1, 2, 3, 4], [1, 3, 2, 4]) == (pytest.approx(4 / 6), 4)
    # One pair is tied on one side: 5 / sqrt(5 * 6).
    tau, n = rank_correlation([1, 1 + 1e-15, 2, 3], [1, 2, 3, 4])
    assert (tau, n) == (pytest.approx(5 / 30**0.5), 4)
    # Those that one side lacks do not count: 3 pairs, all the other way round.
    assert rank_correlation([1, np.nan, 2, 3, 9], [3, 0, 2, 1, np.nan]) == (pytest.approx(-1), 3)


def test_no_kendall_for_too_few_models_or_equal_values():
    assert rank_correlation([1, 2, np.nan], [1, 2, 3]) == (None, 2)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == (None, 3)
    assert rank_correlation([1, 2, 3], [2, 2, 2]) == (None, 3)


def test_datasets_are_matched_by_name(published):
    plan = plan_of(truth("emotion6"), truth("other"), truth("ArtPhoto-sigma0.4", 0.4),
                   truth("artphoto-sigma0.6", 0.6))  # fmt: skip
    expected = {"Emotion6": "emotion6", "ArtPhoto": "artphoto-sigma0.6"}
    assert match_datasets(plan, published) == expected
    assert match_datasets(plan, published, "OTHER")["Emotion6"] == "other"
    plan = plan_of(truth("ArtPhoto-sigma0.6", 0.6), truth("ArtPhoto", 0.6))
    assert match_datasets(plan, published) == {"ArtPhoto": "ArtPhoto"}


def test_a_run_on_other_data_has_to_name_it(published):
    plan = plan_of(truth("my data"), truth("ArtPhotographs"))
    assert match_datasets(plan, published) == {}
    with pytest.raises(UsageError, match=r"no dataset 'mydata'.*did you mean 'my data'"):
        match_datasets(plan, published, "mydata")


def test_rows_are_matched_by_name():
    assert match_rows(["AA-kNN", "DLDL"], ["aa-knn", "Mine"]) == {"AA-kNN": "aa-knn"}


def summary_of(values, dataset="mine"):
    """Values: model -> the value of every measure."""
    rows = []
    for model, value in values.items():
        row = {"dataset": dataset, "model": model, "not_better_than_mean": ""}
        row["kind"] = "trivial" if model == MEAN else "model"
        for measure in MEASURES:
            row[measure.name] = value
            row[f"{measure.name}_rank"] = np.nan if np.isnan(value) or model == MEAN else 1.0
        rows.append(row)
    return pd.DataFrame(rows)


def test_a_difference_is_positive_where_ours_is_better(published):
    summary = summary_of({"aa-knn": 0.5, "Mine": 0.4, "DLDL": np.nan, MEAN: 0.3})
    cells = side_by_side(summary, published, "3", "Emotion6", "mine").set_index(
        ["model", "measure"]
    )
    # AA-kNN is published with Cheb 0.2823 (lower is better) and Cos 0.7864 (higher is better).
    assert cells.loc[("AA-kNN", "chebyshev"), "difference"] == pytest.approx(0.2823 - 0.5)
    assert cells.loc[("AA-kNN", "kl_divergence"), "difference"] == pytest.approx(0.8640 - 0.5)
    assert cells.loc[("AA-kNN", "cosine"), "difference"] == pytest.approx(0.5 - 0.7864)
    assert cells.loc[("AA-kNN", "accuracy"), "difference"] == pytest.approx(0.5 - 0.449)
    models = list(dict.fromkeys(cells.index.get_level_values("model")))
    assert models == [*published.rows("3"), "Mine", MEAN]
    assert np.isnan(cells.loc[("Mine", "clark"), "published"])
    assert np.isnan(cells.loc[("DLDL", "clark"), "ours"])
    assert cells.loc[("AA-BP", "clark"), "published_rank"] == 7  # as printed
    assert cells.loc[("DLDL", "clark"), "ours_beats_mean"] is pd.NA


def test_each_table_takes_its_own_models(published):
    summary = summary_of({"VGGNet": 0.5, "AlexNet": 0.4, "AA-kNN": 0.3, MEAN: 0.3})
    three = side_by_side(summary, published, "3", "Emotion6", "mine")
    assert set(three["model"]) == {*published.rows("3"), MEAN}
    four = side_by_side(summary, published, "4", "ArtPhoto", "mine").set_index("model")
    assert set(four.index) == {*published.rows("4"), MEAN}
    assert four.loc["VGGNet", "difference"] == pytest.approx(0.5 - 0.3372)
    assert four.loc["EW-MTCNN (VGGNet)", "published_rank"] == 1
    summary = summary_of({"AA-kNN": 0.3, MEAN: 0.3})
    assert side_by_side(summary, published, "4", "Emotion6", "mine").empty
    summary = summary_of({"VGGNet": 0.3, MEAN: 0.3})
    assert side_by_side(summary, published, "3", "Emotion6", "mine").empty
