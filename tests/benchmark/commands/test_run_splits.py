"""Runs on other splits than folds of rows, from a file to tables, figures and tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import benchmark
from benchmark.cli import main


@pytest.fixture
def table(tmp_path, problem):
    """A CSV file of 60 rows of 12 subjects."""
    X, D = problem
    frame = pd.DataFrame(X).add_prefix("x_").join(pd.DataFrame(D).add_prefix("label:"))
    frame["group"] = [f"s{i // 5}" for i in range(60)]
    path = tmp_path / "made.csv"
    frame.to_csv(path, index=False)
    return path


def command(*words):
    result = CliRunner().invoke(main, ["run", "AA-kNN", "Ridge", *map(str, words)])
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_what_a_split_leaves_no_room_for_is_a_usage_error(table, tmp_path):
    out = ("--dataset", table, "--out", tmp_path / "out")
    for words, said in (
        (("--split", "given"), "add a column fold"),
        (("--split", "groupes"), "did you mean 'groups'?"),
        (("--split", "leave-one-group-out", "--folds", 5), "--folds 5 would change nothing"),
        (("--folds", 13), "12 groups cannot be split into 13 folds"),
    ):
        code, output = command(*words, *out)
        assert code == 2, output
        assert said in output
    assert not (tmp_path / "out").exists()


def test_a_hold_out_of_subjects_goes_all_the_way(table, tmp_path):
    out = tmp_path / "out"
    words = ("--dataset", table, "--out", out, "--split", "hold-out:0.5", "--no-report")
    code, output = command(*words)
    assert code == 0, output
    note = "made: split: hold-out of 12 groups, none of which is on both sides (30 training rows, "
    assert note in (out / "table3.md").read_text(encoding="utf-8")
    assert "over 1 test fold" in (out / "table3.tex").read_text(encoding="utf-8")
    code, output = command(*words)
    assert code == 0
    assert "0 to do" in output
    problems: list[str] = []
    benchmark.figure("calibration", out, ["svg"], problems=problems)
    benchmark.significance(out, problems=problems)
    assert problems == []
    (calibration,) = (out / "figures").glob("calibration*.csv")
    counts = pd.read_csv(calibration).groupby("model")["count"].sum()
    assert (counts == 30 * 4).all()  # the shares of the test rows alone
    assert "Bootstrap over the test groups alone" in (out / "tests.md").read_text(encoding="utf-8")
    folds = pd.read_csv(out / "folds" / "made.csv")
    assert set(folds["repeat0"]) == {"0", "train"}
    # Another split in the same folder is other tasks; nothing of the first is used.
    code, output = command(*words[:4], "--split", "rows", "--folds", 3, "--no-report")
    assert code == 0
    assert "6 tasks (2 models, 1 dataset): 0 done before" in output
    assert "the groups of the data not used" in (out / "table3.md").read_text(encoding="utf-8")
    assert np.isin(pd.read_csv(out / "folds" / "made.csv")["repeat0"], [0, 1, 2]).all()
