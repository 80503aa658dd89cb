"""The files of a comparison: names are only text in them, and the LaTeX compiles."""

from __future__ import annotations

import shutil
import subprocess

import pandas as pd
import pytest

from benchmark.analysis.evidence import gather
from benchmark.columns import CLAIMS, COMPARE
from benchmark.paper.comparison import compare
from benchmark.paper.writing import write


def test_hostile_names_are_only_text(run):
    with gather(run) as evidence:
        comparison = compare(evidence)
        write(evidence.target, comparison)
    assert list(pd.read_csv(run / "compare.csv").columns) == list(COMPARE)
    assert list(pd.read_csv(run / "claims.csv").columns) == list(CLAIMS)
    text = (run / "compare.md").read_text(encoding="utf-8")
    assert r"a & b\_c \<script\>" in text
    assert "<script>" not in text
    assert r"a \& b\_c \textless{}script\textgreater{}" in (run / "compare.tex").read_text()


@pytest.mark.parametrize("how", ["as it is", "input"])
def test_latex_compiles(run, tmp_path, how):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    with gather(run) as evidence:
        write(evidence.target, compare(evidence))
    (run / "paper.tex").write_text(
        "\\documentclass[twocolumn]{article}\\usepackage[margin=17mm]{geometry}\n"
        "\\usepackage{booktabs,threeparttable}\\begin{document}\n"
        "Before. \\input{compare} After.\n\\end{document}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode",
         "compare" if how == "as it is" else "paper"],
        cwd=run, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "?" not in (run / "compare.tex").read_text().partition("ldltableend")[2]
