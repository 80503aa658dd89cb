"""A paper of two columns out of the stored results, with nothing edited by hand.

Run it with a folder to look at the pages: ``python tests/benchmark/paper_pdf.py FOLDER`` writes
``paper.pdf`` and a ``paper-N.png`` of each page, where pdflatex and pdftoppm are installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

from benchmark.analysis.comparisons import as_good_as_best
from benchmark.tables.latex import latex
from benchmark.tables.table3 import Tested, table3_grids

RESULTS = Path(__file__).parents[2] / "results"

#: The tables that the default run has of itself.
OF_DEMO = ("table3", "tests", "tuned")


def write_paper(folder: Path, style: str) -> None:
    """Write ``paper.tex`` and what it reads: tables of the default run and of Emotion6, figures.

    Parameters
    ----------
    folder : Path
    style : str
        The line that names the class.
    """
    for name in OF_DEMO:
        text = (RESULTS / "demo" / f"{name}.tex").read_text(encoding="utf-8")
        (folder / f"demo-{name}.tex").write_text(text, encoding="utf-8")
    summary = pd.read_csv(RESULTS / "emotion6" / "table3.csv", keep_default_na=True)
    summary["not_better_than_mean"] = summary["not_better_than_mean"].fillna("")
    good = as_good_as_best(summary, pd.read_csv(RESULTS / "emotion6" / "pairs.csv"))
    grids = table3_grids(summary, tested=Tested(good))
    (folder / "emotion6-table3.tex").write_text(latex(grids), encoding="utf-8")
    names = [*(f"demo-{name}" for name in OF_DEMO), "emotion6-table3"]
    figures = sorted((RESULTS / "demo" / "figures").glob("*.pdf"))
    body = [rf"\input{{{name}}}" for name in names]
    for figure in figures:
        (folder / figure.name).write_bytes(figure.read_bytes())
        body.append(
            r"\begin{figure*}[tp]\centering"
            rf"\includegraphics{{{figure.name}}}\caption{{{figure.stem}}}\end{{figure*}}"
        )
    lines = [
        style,
        r"\usepackage{booktabs,threeparttable,graphicx}",
        r"\begin{document}",
        *body,
        r"\end{document}",
    ]
    (folder / "paper.tex").write_text("\n".join(lines) + "\n", encoding="utf-8")


def compile_paper(folder: Path) -> str:
    """Compile it; returns what LaTeX says."""
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    return done.stdout


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    write_paper(place, r"\documentclass[journal]{IEEEtran}")
    compile_paper(place)
    subprocess.run(["pdftoppm", "-r", "90", "-png", "paper.pdf", "paper"], cwd=place, check=True)
