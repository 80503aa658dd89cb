"""The columns that are promised are those of the files that a run and its tables have."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from benchmark.columns import FILES

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
    import numpy as np

    rng = np.random.default_rng(0)
    for name in ("one", "two", "Emotion6"):
        D = rng.dirichlet(np.ones(3), size=24)
        columns = {f"x{i}": rng.normal(size=24) for i in range(3)}
        columns |= {f"label:l{j}": D[:, j] for j in range(3)}
        pd.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)
    data = [word for name in ("one", "two", "Emotion6") for word in ("--dataset", f"{name}.csv")]
    done = command("run", "PT-Bayes", "AA-kNN", "SA-IIS", *data, "--folds", 2, "--repeats", 2,
                   "--out", "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words in (("table", 4), ("table", "tests"), ("compare",)):
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
    }
    folds = written(FILES["folds/<dataset>.csv"], number=["0", "1"])
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
