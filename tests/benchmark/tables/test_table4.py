"""Table 4: which number goes into which cell, and what is left open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.tables.table4 import table4, table4_grid


def test_table4_takes_accuracies_of_every_dataset():
    rows = [
        ("art", "A", "model", "paper", 0.5, 0.1, 2.0),
        ("art", "B", "model", "paper", 0.75, 0.2, 1.0),
        ("art", "uniform", "trivial", "trivial", 0.25, 0.0, np.nan),
        ("photo", "A", "model", "paper", 0.4, 0.1, 1.0),
        ("photo", "B", "model", "paper", np.nan, np.nan, np.nan),
        ("photo", "uniform", "trivial", "trivial", 0.125, 0.0, np.nan),
    ]
    columns = ["dataset", "model", "kind", "group", "accuracy", "accuracy_std", "accuracy_rank"]
    table = table4(pd.DataFrame(rows, columns=columns))
    assert list(table["model"]) == ["A", "B", "uniform"]
    assert list(table["art"]) == [0.5, 0.75, 0.25]
    assert table["photo"].isna().tolist() == [False, True, False]
    grid = table4_grid(table, ["Remark."], {"A": "paper", "B": "paper", "uniform": "trivial"})
    assert grid.headers == ["Model", "art", "photo"]
    assert grid.rows == [
        ["A", "50.00(2)", "40.00(1)"],
        ["B", "75.00(1)", "-"],
        ["uniform", "25.00", "12.50"],
    ]
    best = {(i, j) for i, row in enumerate(grid.cells) for j, cell in enumerate(row) if cell.best}
    assert best == {(1, 1), (0, 2)}
    assert grid.notes[-1] == "Remark."


def test_datasets_may_be_called_as_columns_of_others():
    names = ("art", "art_std", "model", "x_rank")
    rows = [(name, "A", "model", "paper", 0.1 * i, 0.0, 1.0) for i, name in enumerate(names)]
    columns = ["dataset", "model", "kind", "group", "accuracy", "accuracy_std", "accuracy_rank"]
    grid = table4_grid(table4(pd.DataFrame(rows, columns=columns)), [], {"A": "paper"})
    assert grid.headers == ["Model", *names]
    assert grid.rows == [["A", "0.00(1)", "10.00(1)", "20.00(1)", "30.00(1)"]]
