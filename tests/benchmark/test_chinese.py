"""Chinese names of labels, models, files and instances, from the data to table, figure and PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.figures.lettering import lacking_fonts
from benchmark.plugins import registry

LABELS = ["快乐", "悲伤", "愤怒", "恐惧"]
DATASETS = ["情绪数据", "图像_集 二&50%"]
MODEL = "我的方法"

METHOD = f"""
import numpy as np
from baselines import LDLEstimator
from benchmark import register

@register("{MODEL}")
class Mine(LDLEstimator):
    def _fit(self, X, D):
        self.mean_ = D.mean(axis=0)

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of two datasets with its report, and the tables and figures that a paper takes."""
    folder = tmp_path_factory.mktemp("中文")
    rng = np.random.default_rng(0)
    for name in DATASETS:
        X = pd.DataFrame(rng.normal(size=(24, 2)), columns=["色调", "对比度"])
        D = pd.DataFrame(rng.dirichlet(np.ones(4), 24), columns=[f"label:{x}" for x in LABELS])
        X.join(D).set_index(X.index.map("图{}.jpg".format)).to_csv(
            folder / f"{name}.csv", index_label="id"
        )
    (folder / "方法.py").write_text(METHOD, encoding="utf-8")
    data = [part for name in DATASETS for part in ("--dataset", f"{name}.csv")]
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTHONSAFEPATH", "1")
        patch.setenv("COLUMNS", "200")
        patch.setattr(registry, "_registered", {})
        for line in (
            ["run", MODEL, "AA-kNN", "--plugin", "方法.py", "--folds", "2", "--jobs", "1", *data],
            ["table", "3", "--format", "html"],
            ["table", "3", "--caption", "情绪结果"],
            ["table", "text"],
            ["figure", "figure4", "--dataset", DATASETS[0], "--width", "column", "--format", "pdf"],
            ["figure", "ranks", "--width", "column", "--format", "pdf"],
        ):
            out = ["--out", "out"]
            done = CliRunner().invoke(main, [*line, *out])
            assert done.exit_code == 0, done.output
            said[" ".join(line[:4])] = done.stdout
    return SimpleNamespace(folder=folder / "out", said=said)


def columns(text):
    """Return how many columns of a terminal a text takes."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def test_names_stand_in_tables_and_the_report(made):
    rows = [line for line in made.said["table 3 --caption 情绪结果"].splitlines() if "0." in line]
    starts = {columns(re.split(r"\d\.\d", row)[0]) for row in rows if not row.startswith("Mean")}
    assert len(starts) == 1
    assert sum(row.startswith(MODEL) for row in rows) == 2
    lines = (made.folder / "table3.md").read_text(encoding="utf-8").splitlines()
    assert len({columns(line) for line in lines if line.startswith("| ")} - {0}) <= 2
    assert set(pd.read_csv(made.folder / "table3.csv").query("model == @MODEL").dataset) == set(
        DATASETS
    )
    assert f"On {DATASETS[1]} (24 instances, 4 labels)" in made.said["table text"]
    report = (made.folder / "report.html").read_text(encoding="utf-8")
    for page in (made.said["table 3 --format html"], report):
        assert re.search(r"<meta charset=.?utf-8", page, re.IGNORECASE)
        assert MODEL in page
        assert "图像_集 二&amp;50%" in page
        # a browser of its own choice may take a font for handwriting
        assert re.search("font[^;}]*Noto Sans CJK SC[^;}]*sans-serif", page)
    assert all(label in report for label in LABELS)


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_names_stand_in_a_paper(made, tmp_path, engine):
    from matplotlib.figure import Figure

    wanted = ["ctex.sty", "CJKutf8.sty", "c70gbsn.fd", "threeparttable.sty"]
    found = shutil.which("kpsewhich") and subprocess.run(
        ["kpsewhich", *wanted], capture_output=True, text=True, check=False
    ).stdout  # fmt: skip
    if not (found and len(found.split()) == len(wanted) and shutil.which(engine)):
        pytest.skip(f"{engine} or its packages for Chinese are not installed")
    pdfplumber = pytest.importorskip("pdfplumber")
    figures = made.folder / "figures"
    (bars,) = figures.glob("figure4-*.tex")
    # The figures come first: they bring what they need, with and without a table before them.
    body = "\n".join(
        rf"\input{{{file}}}" for file in (bars.name, "ranks.tex", "../table3.tex", "../text.tex")
    )
    ways = {
        "pdflatex": (r"\usepackage{CJKutf8}", r"\begin{CJK}{UTF8}{gbsn}", r"\clearpage\end{CJK}"),
        "xelatex": (r"\usepackage[scheme=plain]{ctex}", "", ""),
    }
    package, begin, end = ways[engine]
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs,threeparttable,graphicx}"
        rf"{package}\begin{{document}}{begin}{body}{end}\end{{document}}",
        encoding="utf-8",
    )
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={tmp_path}",
         tmp_path / "paper.tex"],
        cwd=figures, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    with pdfplumber.open(tmp_path / "paper.pdf") as pdf:
        words = "\n".join(page.extract_text() for page in pdf.pages)
    assert "情绪结果" in words
    assert words.count(MODEL) >= 3  # a row of each table, and the text
    assert "U+" not in words
    figure = Figure()
    figure.suptitle("".join(LABELS))
    if not lacking_fonts(figure):  # which another test skips for
        assert all(label in words for label in LABELS)
