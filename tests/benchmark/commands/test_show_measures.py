"""Columns by choice: on the command line, of stored runs, and in what is told of them.

Tests `benchmark.tables.measures` and `benchmark.analysis.explained` too.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import benchmark
from benchmark.errors import UsageError
from benchmark.metrics import ALL_MEASURES, BY_NAME, MEASURES, PAPERS_MEASURES, scores
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import markdown
from benchmark.tables.measures import measures_grid
from benchmark.wording import find_measure, find_measures

PAGE = Path(__file__).resolve().parents[3] / "docs" / "measures.md"


@pytest.fixture
def stored(command, small):
    """A run of two models on three folds, made without naming measures."""
    done = command("run", "AA-kNN", "Ridge", "--dataset", small, "--folds", "3", "--out", "r")
    assert done.returncode == 0, done.stderr
    return Path("r").resolve()


def test_stored_runs_get_new_measures_and_no_model_is_fitted(tmp_path, command, small, plugin):
    fits = tmp_path / "fits"
    path = plugin(
        f"""
def _fit(self, X, D):
    self.mean_ = D.mean(axis=0)
    open({str(fits)!r}, "a").write("fit ")

def _predict(self, X):
    return np.tile(self.mean_, (len(X), 1))
"""
    )
    line = ("run", "Mine", "Ridge", "--dataset", small, "--folds", "3", "--out", "r",
            "--plugin", path)  # fmt: skip
    assert command(*line).returncode == 0
    stored = tmp_path / "r"
    assert fits.read_text() == "fit fit fit "
    before = {path: path.read_bytes() for path in (stored / "tasks").rglob("*.npz")}
    plain = (stored / "table3.csv").read_bytes()
    done = command(*line, "--measures", "all")
    assert "6 done before, 0 to do" in done.stderr
    assert fits.read_text() == "fit fit fit "
    assert {path: path.read_bytes() for path in (stored / "tasks").rglob("*.npz")} == before
    table = pd.read_csv(stored / "table3.csv").set_index("model")
    plan = RunFolder(stored).read_plan()
    truth = plan.truths["small"]
    for model in plan.models:
        found = []
        for task in plan.tasks:
            if task.model == model:
                P = RunFolder(stored).read_result(task).predictions
                found.append(scores(truth.D[truth.folds.test(0, task.fold)], P, ALL_MEASURES))
        expected = pd.DataFrame(found).mean()
        assert table.loc[model, list(BY_NAME)].astype(float).to_numpy() == pytest.approx(
            expected.to_numpy()
        )
    command("table", "3", "--out", "r")
    assert (stored / "table3.csv").read_bytes() == plain


def test_ranks_and_tests_are_over_the_chosen_columns(stored, command):
    done = command("table", "3", "--out", "r", "--measures", "JS, ece,Cheb,js")
    assert done.returncode == 0
    assert "mean rank over JS, ECE and Cheb" in " ".join(done.stdout.split())
    assert "ECE %: of the rows of a fold together" in done.stdout
    assert "Clark" not in done.stdout
    table = pd.read_csv(stored / "table3.csv")
    names = ["jensen_shannon", "expected_calibration_error", "chebyshev"]
    ranks = table[[f"{name}_rank" for name in names]].mean(axis=1, skipna=False)
    pd.testing.assert_series_equal(ranks, table["mean_rank"], check_names=False)
    for name in ("scores", "pairs"):
        assert list(pd.read_csv(stored / f"{name}.csv")["measure"].unique()) == names
    assert set(pd.read_csv(stored / "intervals.csv")["measure"]) == {names[0], names[2]}


def test_report_figures_and_tests_take_any_measure(stored, command):
    report = benchmark.report(stored, measures="kendall,ECE").read_text(encoding="utf-8")
    assert "Kendall ↑" in report
    assert "Clark ↓" not in report
    drawn = benchmark.figure("boxes", stored, ["svg"], measures=["EMD"])
    assert set(drawn[0][0].data["measure"]) == {"earth_movers_distance"}
    drawn = benchmark.figure("cost", stored, ["svg"], measure="fidelity")
    assert "Fid" in drawn[0][0].caption
    grid, _ = benchmark.significance(stored, "circular")
    assert "Circular EMD" in grid.caption
    said = command("figure", "calibration", "--out", "r", "--measures", "EMD")
    assert said.returncode == 2
    assert "no choice of measures (--measures)" in said.stderr
    said = command("table", "4", "--out", "r", "--measures", "EMD")
    assert said.returncode == 2
    said = command("table", "3", "--out", "r", "--measures", "kendal")
    assert (said.returncode, "did you mean 'Kendall'" in said.stderr) == (2, True)


def test_names_are_found_and_groups_stand_for_several():
    assert find_measures(None) == MEASURES
    assert find_measures("paper") == PAPERS_MEASURES
    assert find_measures(["ALL", "KL"]) == ALL_MEASURES
    assert [m.name for m in find_measures("top-2 acc.,js,squared")] == [
        "top_2_accuracy", "jensen_shannon", "squared_chi_square",
    ]  # fmt: skip
    for measure in ALL_MEASURES:
        assert find_measure(measure.title) is find_measure(measure.name) is measure
    with pytest.raises(UsageError, match="no measure 'top'"):  # there are two
        find_measures("top")
    with pytest.raises(UsageError, match="names no measure"):
        find_measures(" ,")


def test_the_page_and_the_command_list_every_measure(command):
    assert PAGE.read_text(encoding="utf-8").endswith(markdown(measures_grid(ALL_MEASURES))), (
        "docs/measures.md is stale: make docs-tables"
    )
    text = command("measures").stdout
    for measure in ALL_MEASURES:
        assert f"\n{measure.name} " in text
        assert f"{measure.name}: " in text
