"""The files of tables: each holds what it is called after."""

from __future__ import annotations

import pandas as pd
from made import make_evidence

from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import Grid, markdown, text_cells
from benchmark.tables.latex import latex
from benchmark.tables.options import TableOptions
from benchmark.tables.table3 import table3_grids
from benchmark.tables.writing import marks_of, write_grid, write_run_tables

MODELS = {"A": 0.1, "B": 0.5, "C": 0.9}


def names(folder):
    return {path.name for path in folder.iterdir() if path.is_file() and path.suffix}


def test_tables_of_a_run(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"x": 40}, folds=2)
    options = TableOptions(spread="std")
    write_run_tables(evidence, options)
    assert names(tmp_path) == {
        "scores.csv", "timings.csv", "pairs.csv", "intervals.csv",
        "table3.csv", "table3.md", "table3.tex",
    }  # fmt: skip
    for name, frame in (
        ("scores", evidence.scores),
        ("pairs", evidence.pairs),
        ("intervals", evidence.intervals),
        ("table3", evidence.summary),
    ):
        assert (tmp_path / f"{name}.csv").read_text() == frame.to_csv(index=False)
    timings = pd.read_csv(tmp_path / "timings.csv")
    assert timings["n_iter"].tolist() == [7] * 6
    grids = table3_grids(evidence.summary, options=options, tested=marks_of(evidence, options))
    assert (tmp_path / "table3.md").read_text() == markdown(grids, evidence.notes)
    assert (tmp_path / "table3.tex").read_text() == latex(grids, evidence.notes)


def test_three_datasets_have_tests_across_them(tmp_path):
    evidence = make_evidence(tmp_path, MODELS, {"x": 40, "y": 40, "z": 40}, folds=2)
    write_run_tables(evidence)
    assert len(pd.read_csv(tmp_path / "rankings.csv")) == 8 * 3


def test_a_grid_is_written_three_times(tmp_path):
    grid = Grid("Caption", ["Model", "x"], [text_cells(["A", "50.00"])])
    paths = write_grid(RunFolder(tmp_path), "mine", pd.DataFrame({"x": [0.5]}), grid)
    assert [path.name for path in paths] == ["mine.csv", "mine.tex", "mine.md"]
    assert [path.read_text() for path in paths] == ["x\n0.5\n", latex(grid), markdown(grid)]
