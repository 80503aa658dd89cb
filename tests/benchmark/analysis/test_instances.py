"""Values of instances: from the right fold, adding up to the tables; reference predictions.

Also tests `benchmark.analysis.reference`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import make_evidence

from benchmark.analysis.instances import (
    instance_values,
    instance_weights,
    values_of,
)
from benchmark.analysis.reference import MEAN, ORACLE, UNIFORM
from benchmark.metrics import MEASURES

MODELS = {"Good": 0.1, "Poor": 0.9}


def scored(evidence, dataset):
    """Scores of every instance."""
    return instance_values(evidence.plan, evidence.results, dataset)


def without(evidence, *gone):
    """The evidence without the results of some (dataset, model, repeat, fold)."""
    kept = {
        task: result
        for task, result in evidence.results.items()
        if (task.dataset, task.model, task.repeat, task.fold) not in gone
    }
    assert len(evidence.results) - len(kept) == len(gone)
    return replace(evidence, results=kept, missing=len(gone))


@pytest.fixture
def repeated(tmp_path):
    """47 and 31 rows in 5 folds: none of one size; three repeats."""
    return make_evidence(tmp_path, MODELS, {"faces": 47, "art": 31}, repeats=3, oracle=True)


def test_every_row_has_the_prediction_of_the_fold_that_tests_it(repeated):
    for dataset, truth in repeated.plan.truths.items():
        for repeat in range(3):
            found = repeated.predictions(dataset, repeat)
            assert list(found) == ["Good", "Poor", MEAN, UNIFORM, ORACLE]
            for task, result in repeated.results.items():
                if (task.dataset, task.repeat) != (dataset, repeat):
                    continue
                rows = [i for i in range(len(truth.D))
                        if truth.folds.assignment[i, repeat] == task.fold]  # fmt: skip
                assert (found[task.model][rows] == result.predictions).all()
            assert (found[ORACLE] == truth.latent).all()
            assert (found[UNIFORM] == 1 / 3).all()
            for i, fold in enumerate(truth.folds.assignment[:, repeat]):
                others = truth.D[truth.folds.assignment[:, repeat] != fold]
                assert found[MEAN][i] == pytest.approx(others.mean(axis=0))
    default = repeated.predictions("art")["Poor"]
    assert (default == repeated.predictions("art", 0)["Poor"]).all()
    assert (default != repeated.predictions("art", 1)["Poor"]).any()


def test_only_models_that_run_on_the_dataset_are_there(repeated):
    inputs = {**repeated.plan.inputs, "art": {"Poor": ""}}
    results = {t: r for t, r in repeated.results.items() if (t.dataset, t.model) != ("art", "Good")}
    evidence = replace(repeated, plan=replace(repeated.plan, inputs=inputs), results=results)
    assert list(evidence.predictions("art")) == ["Poor", MEAN, UNIFORM, ORACLE]
    assert list(evidence.predictions("faces"))[:2] == ["Good", "Poor"]


@pytest.mark.parametrize(("rows", "folds", "repeats"), [(60, 5, 1), (47, 5, 1), (47, 5, 3)])
def test_weighted_instances_give_the_means_of_the_tables(tmp_path, rows, folds, repeats):
    evidence = make_evidence(
        tmp_path, MODELS, {"faces": rows, "art": 31}, folds=folds, repeats=repeats, oracle=True
    )
    for dataset, truth in evidence.plan.truths.items():
        weights = instance_weights(truth)
        assert weights.shape == (len(truth.D),)
        assert weights.min() > 0
        assert weights.sum() == pytest.approx(1)
        values = scored(evidence, dataset)
        summary = evidence.summary[evidence.summary["dataset"] == dataset].set_index("model")
        assert list(values) == list(summary.index)
        names = [measure.name for measure in MEASURES]
        for model, of_model in values.items():
            means = summary.loc[model, names].to_numpy(dtype=float)
            assert weights @ of_model == pytest.approx(means, rel=1e-12)
        if dataset == "art":  # the plain mean over instances is another one
            plain = values["Poor"].mean(axis=0)
            assert np.abs(plain / summary.loc["Poor", names].to_numpy(dtype=float) - 1).max() > 1e-6


def test_weights_by_hand(tmp_path):
    """Five rows in folds of 3 and 2: 1/6 each and 1/4 each; in another repeat 1 and 4."""
    truth = make_evidence(tmp_path, MODELS, {"faces": 5}, folds=2).plan.truths["faces"]
    one = np.array([[0], [0], [1], [0], [1]])
    once = replace(truth, folds=replace(truth.folds, assignment=one))
    assert instance_weights(once) == pytest.approx([1 / 6, 1 / 6, 1 / 4, 1 / 6, 1 / 4])
    two = np.array([[0, 1], [0, 1], [1, 1], [0, 1], [1, 0]])
    twice = replace(truth, folds=replace(truth.folds, assignment=two))
    expected = [7 / 48, 7 / 48, 9 / 48, 7 / 48, 18 / 48]
    assert instance_weights(twice) == pytest.approx(expected)


def test_an_instances_value_is_its_mean_over_repeats(tmp_path):
    """Folds of one size weigh all repeats alike."""
    evidence = make_evidence(tmp_path, MODELS, {"faces": 30}, labels=("a", "b"), repeats=2)
    truth = evidence.plan.truths["faces"]
    even = np.stack([np.arange(30) % 5, np.arange(30) // 6], axis=1)
    truth = replace(truth, folds=replace(truth.folds, assignment=even))
    plan = replace(evidence.plan, truths={"faces": truth})
    predicted = np.random.default_rng(1).dirichlet(np.ones(2), size=len(plan.tasks) * 6)
    results = {
        task: replace(result, predictions=predicted[6 * i : 6 * i + 6])
        for i, (task, result) in enumerate(zip(plan.tasks, evidence.results.values(), strict=True))
    }
    evidence = replace(evidence, plan=plan, results=results)
    first, second = (evidence.predictions("faces", r)["Poor"] for r in (0, 1))
    values = scored(evidence, "faces")["Poor"]
    assert values.shape == (30, len(MEASURES))
    for number, measure in enumerate(MEASURES):
        expected = (measure.function(truth.D, first) + measure.function(truth.D, second)) / 2
        assert values[:, number] == pytest.approx(expected)


def test_a_missing_fold_leaves_gaps_in_its_rows_alone(repeated):
    evidence = without(repeated, ("faces", "Poor", 1, 2))
    truth = evidence.plan.truths["faces"]
    tested = truth.folds.assignment[:, 1] == 2
    found = evidence.predictions("faces", 1)
    assert (np.isnan(found["Poor"]).all(axis=1) == tested).all()
    assert not np.isnan(found["Poor"][~tested]).any()
    assert not np.isnan(evidence.predictions("faces", 0)["Poor"]).any()
    values, complete = (scored(e, "faces") for e in (evidence, repeated))
    assert (np.isnan(values["Poor"]) == tested[:, None]).all()
    assert (values["Poor"][~tested] == complete["Poor"][~tested]).all()
    assert (values["Good"] == complete["Good"]).all()
    assert not np.isnan(scored(evidence, "art")["Poor"]).any()


def test_a_model_without_any_result_is_all_gaps(repeated):
    results = {t: r for t, r in repeated.results.items() if t.model != "Good"}
    values = scored(replace(repeated, results=results), "art")
    assert np.isnan(values["Good"]).all()
    assert values["Good"].shape == (31, len(MEASURES))
    assert not np.isnan(values["Poor"]).any()


def test_values_of_rows_with_gaps():
    D = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]])
    P = np.array([[0.4, 0.6], [np.nan, np.nan], [0.7, 0.3]])
    chebyshev = MEASURES[0]
    found = values_of(D, P, chebyshev)
    assert found[[0, 2]] == pytest.approx([0.1, 0.3])
    assert np.isnan(found).tolist() == [False, True, False]
    assert np.isnan(values_of(D, np.full_like(P, np.nan), chebyshev)).all()
