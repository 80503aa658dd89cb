"""The columns that are promised are those of the files that a run has, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.columns import FILES, as_csv, as_written

README = Path(__file__).resolve().parents[2] / "results" / "README.md"


def written(columns, **several):
    """Fill in what stands in angle brackets: ``dataset=["a", "b"]``."""
    names = []
    for key in several:
        group = [name for name in columns if f"<{key}>" in name]
        filled = [name.replace(f"<{key}>", one) for one in several[key] for name in group]
        names = [name for name in columns if name not in group] + filled
    return names or list(columns)


@pytest.fixture
def folder(command, tmp_path):
    """A run on three datasets, one of them called as the paper's, and all that is made of it."""
    rng = np.random.default_rng(0)
    for name in ("one", "two", "Emotion6"):
        D = rng.dirichlet(np.ones(3), size=24)
        columns = {f"x{i}": rng.normal(size=24) for i in range(3)}
        columns |= {f"label:l{j}": D[:, j] for j in range(3)}
        pd.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)
    data = [word for name in ("one", "two", "Emotion6") for word in ("--dataset", f"{name}.csv")]
    done = command("run", "PT-Bayes", "AA-kNN", "SA-IIS", *data, "--folds", 2, "--repeats", 2,
                   "--tune", "--out", "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words in (("table", 4), ("table", "tests"), ("table", "tuned"), ("compare",)):
        assert command(*words, "--out", "run").returncode == 0
    return tmp_path / "run"


@pytest.mark.slow
def test_files_have_the_promised_columns(folder):
    datasets = ["one", "two", "Emotion6"]
    found = {
        path.relative_to(folder).as_posix(): list(pd.read_csv(path, nrows=1).columns)
        for path in folder.rglob("*.csv")
    }
    expected = {
        name: written(columns, dataset=datasets)
        for name, columns in FILES.items()
        if name not in ("table1.csv", "wheel.csv", "folds/<dataset>.csv")
        and not name.startswith("against")  # tests/benchmark/commands/test_against.py
    }
    folds = written(FILES["folds/<dataset>.csv"], number=["0", "1"])
    folds.remove("group")  # which these data lack
    expected |= {f"folds/{name}.csv": folds for name in datasets}
    assert found == expected


def test_every_column_has_a_meaning_in_a_few_words():
    for name, columns in FILES.items():
        for column, meaning in columns.items():
            assert re.fullmatch(r"\S.{0,90}[^\s.]", meaning), (name, column)


def test_the_readme_of_results_lists_the_files():
    text = README.read_text(encoding="utf-8")
    for name in FILES:
        stem = name.removesuffix(".csv").replace("<dataset>", "DATASET")
        assert f"`{stem}.csv`" in text or f"`{stem}.*`" in text or stem == "table1", name


# Without NUL, which CSV has no way to write; nor halves of characters, which no file has.
CELLS = st.text("='+-@\t\r\n,;\"a1.e", max_size=6) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=6
)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_no_text_is_a_formula_and_all_texts_come_back(texts):
    frame = pd.DataFrame({"name": texts, "x": -0.0, "n": -1}).set_axis([texts[0], "x", "n"], axis=1)
    rows = list(csv.reader(io.StringIO(as_csv(frame), newline="")))
    for row, text in zip(rows, [texts[0], *texts], strict=True):
        assert as_written(row[0]) == text
        number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", row[0], re.IGNORECASE)
        assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r")) or number
    assert [row[1:] for row in rows[1:]] == [["0.0", "-1"]] * len(texts)


def test_numbers_and_gaps_are_written_as_by_pandas():
    frame = pd.DataFrame(
        {"x": [0.1, np.nan, -1e-17], "b": [True, False, True], "t": ["a", None, ""]}
    )
    assert as_csv(frame) == frame.to_csv(index=False)
    assert as_csv(frame, "row") == frame.to_csv(index_label="row")
    twice = pd.concat([frame, frame], axis=1)  # two datasets may give one column name
    assert as_csv(twice) == twice.to_csv(index=False)


def test_no_file_of_a_run_holds_a_formula(command, tmp_path):
    rng = np.random.default_rng(0)
    D = rng.dirichlet(np.ones(3), size=12)
    columns = {"id": [f"=1+{i}" for i in range(12)], "x": rng.normal(size=12)}
    columns |= {f"label:{name}": D[:, j] for j, name in enumerate(["=a", "@b", "-2+3"])}
    pd.DataFrame(columns).to_csv(tmp_path / "=data.csv", index=False)
    run = ("run", "PT-Bayes", "AA-kNN", "--dataset", "=data.csv", "--folds", 2, "--out", "run")
    done = command(*run)
    assert done.returncode == 0, done.stderr
    assert command("table", 4, "--out", "run").returncode == 0
    assert command("figure", "1", "--format", "svg", "--out", "run").returncode == 0
    files = sorted((tmp_path / "run").rglob("*.csv"))
    assert len(files) >= 8
    for path in files:
        for row in csv.reader(io.StringIO(path.read_bytes().decode(), newline="")):
            for cell in row:
                assert not cell.startswith(("=", "@")), path
                assert not cell.startswith("-") or float(cell) < 0, path
    (folds,) = (tmp_path / "run" / "folds").glob("*.csv")
    assert [as_written(text) for text in pd.read_csv(folds)["id"]] == columns["id"]
