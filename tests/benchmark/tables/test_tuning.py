"""The table of tuning as people read it, made from a run of two small models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import benchmark
from benchmark import UsageError, make_dataset, register, run
from benchmark.cli import main
from benchmark.columns import TUNED, TUNING
from benchmark.tables.tuning import notes_of_failures


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 4))
    D = np.exp(X @ rng.normal(size=(4, 3)))
    return make_dataset("small", X, D / D.sum(axis=1, keepdims=True), ("a", "b", "c"))


def register_models():
    from baselines import AAKNN, LDLEstimator

    class Neighbours(AAKNN):
        search_space = {"k": (30, 9, 6), "scaling": ("none", "standard")}  # noqa: RUF012

    class Mean(LDLEstimator):
        def _fit(self, X, D):
            self.mean_ = D.mean(axis=0)

        def _predict(self, X):
            return np.tile(self.mean_, (len(X), 1))

    register("Neighbours")(Neighbours)
    register("Mean")(Mean)


def test_a_tuned_run_and_its_table(data, tmp_path):
    register_models()
    told = []
    given = {"datasets": data, "folds": 4, "out": tmp_path / "run", "tell": told.append}
    names = ["Neighbours", "Mean"]
    study = run(names, tune=True, jobs=1, **given)
    assert list(study.summary["model"])[:3] == ["Neighbours", "Neighbours (tuned)", "Mean"]
    tuning = pd.read_csv(tmp_path / "run" / "tuning.csv")
    assert list(tuning.columns) == list(TUNING)
    assert len(tuning) == 4 * 7
    assert set(tuning.groupby("fold")["chosen"].sum()) == {1}
    # The chosen one has the least mean in every fold.
    for _, fold in tuning.groupby("fold"):
        assert fold["inner_score"][fold["chosen"]].item() <= fold["inner_score"].min() + 1e-6
    page = (tmp_path / "run" / "report.html").read_text()
    given["report"] = False
    run(names, tune=True, **given)
    assert "12 done before, 0 to do" in told[-1]
    # Another measure, and another machine's number of workers: other tasks, the same choices.
    again = run(names, tune=True, **{**given, "out": tmp_path / "again"}, jobs=2)
    pd.testing.assert_frame_equal(again.summary, study.summary)
    run(names, tune=True, tune_for="Cheb", **given)
    assert "8 done before, 4 to do" in told[-1]
    assert set(pd.read_csv(tmp_path / "run" / "tuning.csv")["measure"]) == {"chebyshev"}

    result = CliRunner().invoke(main, ["table", "tuned", "--out", str(tmp_path / "run")])
    assert result.exit_code == 0
    assert (
        "Each fold chooses among 7 configurations, the row's own settings (as published, unless "
        "the protocol sets others) among them, by Cheb in 3" in (" ".join(result.output.split()))
    )
    written = pd.read_csv(tmp_path / "run" / "tuned.csv")
    assert list(written.columns) == list(TUNED)
    assert list(written["model"]) == ["Neighbours"]
    plain = run(names, **given)
    assert list(plain.summary["model"])[:2] == names
    assert not (tmp_path / "run" / "tuning.csv").exists()
    assert "Untuned and tuned" in page
    assert "Chosen most often" in page


def test_poisoned_test_rows_change_no_choice(data, tmp_path):
    register_models()
    given = {"folds": 4, "tune": True, "report": False}
    run(["Neighbours"], datasets=data, out=tmp_path / "sound", **given)
    folds = pd.read_csv(tmp_path / "sound" / "folds" / "small.csv")["repeat0"].to_numpy()
    tested = folds == 0
    X, D = data.X.copy(), data.D.copy()
    X[tested] = 1000 * X[tested] + 500
    # Still dominated by the same label, so that the rows are split as before.
    D[tested] = 0.1 * D[tested] + 0.9 * np.eye(3)[D[tested].argmax(axis=1)]
    poisoned = make_dataset("small", X, D, ("a", "b", "c"))
    run(["Neighbours"], datasets=poisoned, out=tmp_path / "poisoned", **given)
    sound, other = (pd.read_csv(tmp_path / name / "tuning.csv") for name in ("sound", "poisoned"))
    of_fold = [table[table["fold"] == 0].drop(columns="times_chosen") for table in (sound, other)]
    pd.testing.assert_frame_equal(*of_fold)
    elsewhere = [table[table["fold"] != 0]["inner_score"].to_numpy() for table in (sound, other)]
    assert not np.allclose(*elsewhere)


def test_a_run_without_tuned_rows_says_so(data, tmp_path):
    register_models()
    run(["Mean"], datasets=data, folds=3, out=tmp_path / "run")
    assert not (tmp_path / "run" / "tuning.csv").exists()
    assert 'id="tuning"' not in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(UsageError, match=r"no tuned rows; make some with: .* run --tune"):
        benchmark.tuned_table(tmp_path / "run")
    with pytest.raises(UsageError, match="--tune would change nothing"):
        run(["Mean"], datasets=data, folds=3, out=tmp_path / "run", tune=True)


def test_configurations_that_failed_are_told():
    tried = pd.DataFrame(
        {
            "dataset": "one",
            "model": ["A (tuned)"] * 6 + ["B (tuned)"] * 2,
            "configuration": [0, 1, 2, 0, 1, 2, 0, 1],
            "settings": ["own settings", "k = 1", "k = 2"] * 2 + ["own settings", "k = 1"],
            "failed": ["", "ValueError: no", "", "", "ValueError: no", "", "", ""],
        }
    )
    assert notes_of_failures(tried) == [
        "one: 1 of 3 configurations of A (tuned) failed in inner folds, where such a one cannot be "
        "chosen (k = 1: ValueError: no); tuning.csv tells all."
    ]


def test_runs_tuned_for_different_measures_are_told(data, tmp_path):
    register_models()
    for measure in ("kl_divergence", "cosine"):
        given = {"datasets": data, "folds": 2, "out": tmp_path / measure, "jobs": 1}
        run(["Neighbours"], tune=True, tune_for=measure, report=False, **given)
    grid, _ = benchmark.tuned_table(
        [f"{label}={tmp_path / label}" for label in ("kl_divergence", "cosine")], to=tmp_path / "to"
    )
    assert "by KLdiv or Cos in 3 inner folds" in " ".join(grid.notes)
    assert "chosen by different measures; all are compared in KLdiv." in " ".join(grid.notes)
