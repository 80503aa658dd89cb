"""Table 3: marks of the best and the beaten, gaps, and formats that other programs accept."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from benchmark.analysis import scores as tables
from benchmark.tables.grid import markdown, terminal
from benchmark.tables.latex import latex
from benchmark.tables.options import TableOptions
from benchmark.tables.table3 import table3_grids


def summary_of(finished):
    plan, results = finished
    return tables.summarise(plan, tables.scores_frame(plan, results))


def test_cells_carry_what_they_mean(finished):
    summary = summary_of(finished)
    (grid,) = table3_grids(summary, options=TableOptions(spread="std"))
    assert grid.heading == "data_1"
    assert grid.caption.endswith("on data_1: means over 2 test folds.")
    assert grid.headers[:2] == ["Model", "Cheb ↓"]
    rows = {row[0].text: row for row in grid.cells}
    assert list(rows)[:3] == ["Good", "Blend & <b>", "Partial"]
    assert grid.rules == {3}
    good, blend = rows["Good"][4], rows["Blend & <b>"][4]
    assert (good.text, good.spread, good.rank) == ("0.0000", "±0.0000", "1")
    assert (good.best, good.second, good.after) == (True, False, "")
    assert (blend.rank, blend.after, blend.best, blend.second) == ("2", "†", False, True)
    assert [row[0].aside for row in grid.cells] == [False] * 3 + [True] * 3
    assert rows["mean distribution"][4].after == ""


def test_the_gap_to_the_oracle_has_a_column_where_there_is_an_oracle(finished):
    summary = summary_of(finished)
    (grid,) = table3_grids(summary)
    assert grid.headers[-2:] == ["Mean rank", "Gap to oracle"]
    last = {row[0]: row[-1] for row in grid.rows}
    assert last["mean distribution"] == "100 %"
    assert last["oracle"] == last["Good"] == "0 %"
    assert last["Partial"] == ""
    (grid,) = table3_grids(summary.assign(oracle_gap=np.nan))
    assert grid.headers[-1] == "Mean rank"
    assert {len(row) for row in grid.cells} == {len(grid.headers)}


def test_a_lacking_fold_is_a_gap_and_its_number(finished):
    (grid,) = table3_grids(summary_of(finished))
    row = next(row for row in grid.rows if row[0] == "Partial")
    assert row[1:] == ["-"] * 8 + ["1/2 folds", ""]
    assert r"{}Partial & -- & --" in latex(grid)


def test_every_dataset_has_its_table(finished):
    summary = summary_of(finished)
    first, second = table3_grids(pd.concat([summary, summary.assign(dataset="other")]))
    assert (first.title, second.title) == ("data_1", "other")
    assert first.rows == second.rows


def test_markdown_and_terminal_mark_the_best_and_the_beaten(finished):
    summary = summary_of(finished)
    text = markdown(table3_grids(summary), ["a | note"])
    row = next(line for line in text.splitlines() if line.startswith("| Good"))
    assert "**0.0000**(1)" in row
    assert "†" not in row
    assert "†" in next(line for line in text.splitlines() if "Blend" in line)
    assert r"Blend & \<b\>" in text
    assert r"a \| note" in text
    assert "| *oracle*" in text
    assert "\x1b[1m" in terminal(table3_grids(summary), colour=True)
    assert "\x1b" not in terminal(table3_grids(summary))
    assert "±" in markdown(table3_grids(summary, options=TableOptions(spread="std")))


@pytest.mark.parametrize("how", ["as it is", "input"])
def test_latex_compiles(finished, tmp_path, how):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    plan, results = finished
    summary = summary_of(finished)
    odd = {"Good": r"[50% \input{x} #_^~{}$ é 情]", "Partial": "*star"}
    summary["model"] = summary["model"].replace(odd)
    grids = table3_grids(summary, options=TableOptions(spread="std"))
    text = latex(grids, tables.notes(plan, results, summary))
    (tmp_path / "table3.tex").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass[twocolumn]{article}\\usepackage[margin=17mm]{geometry}\n"
        "\\usepackage{booktabs,threeparttable}\\begin{document}\n"
        "Before. \\input{table3} After.\n\\end{document}\n"
    )
    name = "table3" if how == "as it is" else "paper"
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
