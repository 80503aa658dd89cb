"""``--against``: the full table with one's own rows in it, as a run of all would give.

Also tests `benchmark.reference.joining` and `benchmark.reference.grids`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from made_reference import only, stored
from scipy.io import savemat

import benchmark
from benchmark.columns import AGAINST, AGAINST_PAIRS
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME, MEASURES
from benchmark.planning.folds import Folds
from benchmark.reference.collecting import collect
from benchmark.reference.contents import reference_results, write_reference
from benchmark.reference.grids import MARK, standing_grids, standing_sentences
from benchmark.reference.joining import find_set, refuse_differences, stand

ALL = {"one": 0.1, "two": 0.3, "three": 0.5, "mine": 0.2}
SETS = {"a": 40, "b": 50, "c": 60}
KL = BY_NAME["kl_divergence"]


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return make_evidence(tmp_path_factory.mktemp("run"), ALL, SETS)


@pytest.fixture(scope="module")
def reference(everything, tmp_path_factory):
    path = stored(only(everything, "one", "two", "three"), tmp_path_factory.mktemp("runs") / "x")
    return collect([[path]], MEASURES, print)


def test_the_numbers_are_those_of_a_run_of_all(everything, reference):
    standing = stand(only(everything, "mine"), reference, MEASURES)
    full = everything.summary
    assert standing.own == ["mine"]
    keys = ["dataset", "kind", "model"]
    pd.testing.assert_frame_equal(
        standing.summary.drop(columns="origin").sort_values(keys, ignore_index=True),
        full.sort_values(keys, ignore_index=True),
        check_exact=True,
    )
    pairs = everything.pairs  # in which mine is the last
    pairs = pairs[pairs["model_b"] == "mine"].reset_index(drop=True)
    for column in ("p_value", "p_holm"):
        np.testing.assert_array_equal(standing.pairs[column], pairs[column])
    np.testing.assert_array_equal(standing.pairs["difference"], -pairs["difference"])
    least = standing.pairs.groupby(["dataset", "measure"])[["p_value", "p_holm_own"]].min()
    np.testing.assert_allclose(least["p_holm_own"], np.minimum(3 * least["p_value"], 1))


def test_a_row_of_the_reference_that_is_run_again_is_replaced(everything, reference):
    again = only(everything, "one")
    standing = stand(again, reference, MEASURES)
    assert standing.own == ["one"]
    assert len(standing.summary) == 3 * (3 + 2)
    plan = replace(again.plan, models={"one": {**again.plan.models["one"], "params": {"k": 9}}})
    changed = replace(again, plan=plan, results={})
    assert stand(changed, reference, MEASURES).own == ["one (own)"]


def test_own_rows_are_marked_and_the_best_mean_rank_comes_first(everything, reference):
    standing = stand(only(everything, "mine"), reference, MEASURES)
    grid = standing_grids(standing)[0]
    names = [row[0].text for row in grid.cells]
    assert names == ["one", f"{MARK}mine", "two", "three", "mean distribution", "uniform"]
    said = standing_sentences(standing, KL)
    assert "place 2 of 4" in said[1]
    assert any("Friedman" in sentence for sentence in said)


def test_the_number_of_significant_differences_is_said(everything, reference):
    standing = stand(only(everything, "mine"), reference, MEASURES)
    of = standing.pairs[(standing.pairs["dataset"] == "a") & (standing.pairs["measure"] == KL.name)]
    better = int(((of["p_holm_own"] < 0.05) & (of["difference"] > 0)).sum())
    assert better > 0
    assert f"significantly better than {better} of 3 rows" in standing_sentences(standing, KL)[1]


def test_what_the_reference_lacks_is_named_with_its_reason(everything, reference):
    cells = reference.cells.copy()
    lost = (cells["dataset"] == "b") & cells["model"].isin(["one", "two"])
    cells.loc[lost, ["state", "reason"]] = "over budget", "over budget (60 s)"
    lacking = replace(reference, cells=cells)
    said = standing_sentences(stand(only(everything, "mine"), lacking, MEASURES), KL)
    assert "b: the reference has no result of one and two: over budget (60 s)." in said


def with_truth(evidence, **changes):
    plan = evidence.plan
    return replace(plan, truths={"a": replace(plan.truths["a"], **changes)})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fingerprint": "f" * 64}, "a is other data than the reference's a: 40 rows and 40, "),
        ({"fingerprint": "f" * 64, "name": "z"}, "no results on z .*it has a, b, c"),
        ({"folds": 4}, "a: folds 4 here, 5 there .leave out --folds"),
        ({"version": 1}, "split by version 1 of the rule here, 2 there"),
        ({"swapped": True}, r"a: other rows in 2 folds \(0, 1\)"),
    ],
)
def test_other_data_and_folds_are_refused_with_the_difference(
    everything, reference, change, sentence
):
    folds = everything.plan.truths["a"].folds
    assignment = folds.assignment
    if "folds" in change:
        change = {"folds": Folds(np.minimum(assignment, change["folds"] - 1))}
    elif "version" in change:
        change = {"folds": replace(folds, version=change["version"])}
    elif "swapped" in change:
        other = np.where(assignment == 0, 1, np.where(assignment == 1, 0, assignment))
        change = {"folds": replace(folds, assignment=other)}
    with pytest.raises(UsageError, match=sentence):
        refuse_differences(with_truth(everything, **change), reference, MEASURES)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "my_own"}, "no measure my_own .*--measures"),
        ({"higher_is_better": True}, "kl_divergence has the other direction"),
        ({"function": BY_NAME["clark"].function}, "kl_divergence is another measure here"),
    ],
)
def test_other_measures_are_refused(everything, reference, change, sentence):
    with pytest.raises(UsageError, match=sentence):
        refuse_differences(everything.plan, reference, [replace(KL, **change)])


def test_a_set_is_known_by_its_content_whatever_its_name(everything, reference):
    truth = replace(everything.plan.truths["b"], name="my file")
    assert find_set(truth, reference)["dataset"] == "b"


@pytest.mark.slow
def test_one_model_against_the_reference_is_a_row_of_the_full_run(command, tmp_path):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 4))
    D = np.exp(X @ rng.normal(size=(4, 3)))
    savemat("d.mat", {"features": X, "labels": D / D.sum(axis=1, keepdims=True)})
    on = ("--dataset", "d.mat", "--protocol", "paper")
    few = (*on, "--folds", 3, "--seed", 5)
    assert command("run", "AA-kNN", "SA-BFGS", *few, "--out", "runs").returncode == 0
    assert command("run", "AA-kNN", "SA-BFGS", "PT-Bayes", *few, "--out", "full").returncode == 0
    write_reference(collect([[tmp_path / "runs"]], MEASURES, print), tmp_path / "ref")
    done = command("run", "PT-Bayes", *on, "--against", "ref", "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert f"{MARK}PT-Bayes" in done.stdout
    assert "3 tasks (1 model" in done.stderr
    against = pd.read_csv("mine/against.csv")
    pd.testing.assert_frame_equal(
        against.drop(columns="origin"), pd.read_csv("full/table3.csv"), check_exact=True
    )
    assert list(against.columns) == list(AGAINST)
    pairs = pd.read_csv("mine/against-pairs.csv")
    assert list(pairs.columns) == list(AGAINST_PAIRS)
    full = pd.read_csv("full/pairs.csv")
    full = full[full["model_b"] == "PT-Bayes"].reset_index(drop=True)
    pd.testing.assert_series_equal(pairs["p_holm"], full["p_holm"], check_exact=True)

    shown = command("table", 3, "--out", "mine", "--against", "ref", "--to", "again")
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "again" / "against.md").read_text() == (
        tmp_path / "mine" / "against.md"
    ).read_text()
    refused = command("run", "PT-Bayes", *on, "--against", "ref", "--folds", 4, "--out", "other")
    assert refused.returncode == 2
    assert "d: folds 4 here, 3 there" in refused.stderr
    study = benchmark.table("mine", to="more", against="ref")
    assert study.standing.own == ["PT-Bayes"]
    assert command("table", 4, "--against", "ref", "--out", "mine").returncode == 2


def test_a_folder_without_reference_results_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no reference results"):
        reference_results(tmp_path)
