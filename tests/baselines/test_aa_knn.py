"""AA-kNN against a brute-force loop and against other people's numbers on the same folds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from baselines import AAKNN, aa_knn
from baselines.early_stopping import kl_divergence
from benchmark.metrics import MEASURES, scores


def brute_force(X, D, test, k):
    rows = []
    for x in test:
        distances = [float(((x - other) ** 2).sum()) for other in X]
        nearest = sorted(range(len(X)), key=distances.__getitem__)[:k]
        rows.append(np.mean([D[i] for i in nearest], axis=0))
    return np.array(rows)


@pytest.mark.parametrize("k", [1, 4, 40])
def test_mean_of_the_nearest(problem, k):
    X, D = problem
    predicted = AAKNN(k=k).fit(X[:40], D[:40]).predict(X[40:])
    assert predicted == pytest.approx(brute_force(X[:40], D[:40], X[40:], k), abs=1e-14)


@pytest.mark.parametrize("k", [0, -1, 2.5, 0.0, -0.5, "4", None, True])
def test_k_must_be_a_number_of_rows(problem, k):
    with pytest.raises(ValueError, match=r"k (as a share )?must be"):
        AAKNN(k=k).fit(problem[0][:40], problem[1][:40])


def test_fewer_rows_than_neighbours_are_all_neighbours(problem):
    X, D = problem
    with pytest.warns(UserWarning, match="k = 41, but there are 40 training rows"):
        model = AAKNN(k=41).fit(X[:40], D[:40])
    assert model.predict(X[40:]) == pytest.approx(np.tile(D[:40].mean(axis=0), (len(X) - 40, 1)))


@pytest.mark.parametrize("offset", [1e7, 1.7e9])
@pytest.mark.parametrize("copies", [1, 4])  # up to 15 features are searched in another way
def test_a_large_offset_does_not_change_the_neighbours(problem, offset, copies):
    """Such as a column with seconds since 1970."""
    X, D = problem
    X = np.tile(X.round(3), copies)  # so that the offset loses no digit of it
    shifted = X.copy()
    shifted[:, 0] += offset
    plain = AAKNN().fit(X[:40], D[:40]).predict(X[40:])
    assert AAKNN().fit(shifted[:40], D[:40]).predict(shifted[40:]) == pytest.approx(plain)


def test_only_a_large_offset_is_taken_from_the_rows():
    X = np.random.default_rng(0).normal(size=(500, 20))
    assert aa_knn.common_offset(X) is None
    assert aa_knn.common_offset(X + 1.0) is None
    moved = aa_knn.common_offset(X + 1e3)
    np.testing.assert_allclose(moved, 1e3, atol=1.0)


def test_later_changes_of_the_training_data_do_not_reach_the_model(problem):
    X, D = (array.copy() for array in problem)
    model = AAKNN().fit(X, D)
    before = model.predict(X[:5])
    X[:], D[:] = 0.0, 0.25
    assert np.array_equal(model.predict(problem[0][:5]), before)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["emotion6", "SJAFFE"])
@pytest.mark.parametrize(("scaling", "case"), [("none", "raw"), ("standard", "std")])
@pytest.mark.parametrize("k", [4, 5])
def test_ten_folds_equal_the_reference(shared, load_real, name, scaling, case, k):
    """Mean and deviation over folds, every measure, to the reference's last printed digit."""
    X, D = load_real(name)
    folds = json.loads((shared / "reference" / f"folds_{name}.json").read_text())
    table = []
    for rows in folds.values():
        test = np.isin(np.arange(len(D)), rows)
        model = AAKNN(k=k, scaling=scaling).fit(X[~test], D[~test])
        table.append(scores(D[test], model.predict(X[test])))
    mine = pd.DataFrame(table)
    reference = pd.read_csv(shared / "reference" / "cross_validation.csv")
    row = reference[
        (reference["dataset"] == name)
        & (reference["scaling"] == case)
        & (reference["algo"] == f"AA-kNN k={k}")
    ].iloc[0]
    columns = {"kl_divergence": "kl", "accuracy": "acc"}
    for measure in MEASURES[:7]:
        column = columns.get(measure.name, measure.name)
        assert mine[measure.name].mean() == pytest.approx(row[column], abs=6e-6), column
        assert mine[measure.name].std(ddof=1) == pytest.approx(row[f"{column}_std"], abs=6e-6)


def test_a_share_of_the_rows(problem):
    X, D = problem
    for share, k in ((0.1, 4), (0.24, 10), (1e-9, 1)):
        predicted = AAKNN(k=share).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_array_equal(predicted, AAKNN(k=k).fit(X[:40], D[:40]).predict(X[40:]))
    everywhere = AAKNN(k=1.0).fit(X[:40], D[:40]).predict(X[40:])
    np.testing.assert_allclose(everywhere, np.tile(D[:40].mean(axis=0), (20, 1)), atol=1e-14)


@pytest.mark.parametrize("distinct", [True, False])
def test_predictions_of_several_configurations_are_those_of_separate_fits(
    problem, distinct, monkeypatch
):
    """Also with many equally distant rows, and where rows are taken in blocks."""
    monkeypatch.setattr(aa_knn, "BLOCK", 240)
    X, D = problem
    X = X if distinct else X.round(0)
    configurations = [{"k": k} for k in (5, 1.0, 1, 0.3, 39, 4, 0.1)]
    configurations += [{"k": k, "scaling": "standard"} for k in (2, 0.5)]
    configurations += [{"k": k, "smoothing": 0.1} for k in (4, 0.3)]
    made = AAKNN().predict_each(configurations, X[:40], D[:40], X[40:])
    for configuration, predicted in zip(configurations, made, strict=True):
        alone = AAKNN(**configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_allclose(predicted, alone, rtol=0, atol=1e-14)


def test_the_simplest_of_the_search_space_is_the_mean_distribution(problem):
    X, D = problem
    first = {name: values[0] for name, values in AAKNN.search_space[0].items()}
    predicted = AAKNN(**first).fit(X, D).predict(X)
    np.testing.assert_allclose(predicted, np.tile(D.mean(axis=0), (60, 1)), atol=1e-14)


def test_smoothing_mixes_the_mean_distribution_in(problem):
    X, D = problem
    plain = AAKNN(k=3).fit(X, D).predict(X)
    np.testing.assert_array_equal(plain, AAKNN(k=3, smoothing=0.0).fit(X, D).predict(X))
    mixed = AAKNN(k=3, smoothing=0.2).fit(X, D).predict(X)
    np.testing.assert_allclose(mixed, 0.8 * plain + 0.2 * D.mean(axis=0), atol=1e-15)
    with pytest.raises(ValueError, match="smoothing must be"):
        AAKNN(smoothing=1.5).fit(X, D)


def test_where_neighbours_lack_a_rare_label_tuning_can_smooth():
    """Labels without signal, one of them rare: what has no smoothing pays for shares of 0."""
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(200, 3)), np.eye(3)[np.r_[0:3, rng.integers(0, 2, 191), [2] * 6]]
    few, smooth = ({"k": 0.05, "smoothing": smoothing} for smoothing in (0.0, 0.1))
    made = AAKNN().predict_each([{"k": 1.0}, few, smooth], X[::2], D[::2], X[1::2])
    mean, few, smooth = (kl_divergence(D[1::2], P) for P in made)
    assert smooth < 1.2 * mean < few
