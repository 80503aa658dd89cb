"""A paper of two columns out of stored results, with nothing edited by hand.

Run it with a folder to look at the pages: ``python tests/benchmark/paper_pdf.py FOLDER`` writes
``paper.pdf`` and a ``paper-N.png`` of each page, where pdflatex and pdftoppm are installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import benchmark

RESULTS = Path(__file__).parents[2] / "results"

#: Stored tables of the default run and of Emotion6.
OF_DEMO = ("table3", "tests", "tuned")
OF_EMOTION6 = ("table3", "tuned")

#: Figures of the default run, by the width at which they are drawn.
OF_WIDTH = {
    "column": ("boxes", "ranks", "wheel", "calibration", "learning", "cost"),
    "page": ("1", "4"),
}


def write_paper(folder: Path, style: str) -> list[Path]:
    """Write ``paper.tex`` and what it reads: tables, figures and a paragraph on the tests.

    Those of the default run are made of its folder. That of Emotion6 is not stored, but what
    ``make emotion6`` makes of it for a paper: tables, and figures for a column.

    Parameters
    ----------
    folder : Path
    style : str
        The line that names the class.

    Returns
    -------
    list of Path
        The files with tables and figures.
    """
    demo, emotion6 = RESULTS / "demo", RESULTS / "emotion6"
    benchmark.table("text", demo, to=folder)
    files = []
    for run, names in ((demo, OF_DEMO), (emotion6, OF_EMOTION6)):
        for name in names:
            files.append(folder / f"{run.name}-{name}.tex")
            shutil.copy(run / f"{name}.tex", files[-1])
    for width, figures in OF_WIDTH.items():
        for name in figures:
            drawn = benchmark.figure(name, demo, ["pdf"], to=folder, width=width)
            files.append(folder / "figures" / f"{drawn.name}.tex")
    for path in sorted((emotion6 / "figures").iterdir()):
        shutil.copy(path, folder / "figures")
        if path.suffix == ".tex":
            files.append(folder / "figures" / path.name)
    lines = [
        style,
        r"\usepackage{booktabs,threeparttable,graphicx}",
        r"\graphicspath{{figures/}}",
        r"\begin{document}",
        r"\input{text}",
        *(rf"\input{{{path.relative_to(folder).with_suffix('')}}}" for path in files),
        r"\end{document}",
    ]
    (folder / "paper.tex").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files


def compile_paper(folder: Path) -> str:
    """Compile it; returns what LaTeX says, without its line breaks."""
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    return done.stdout.replace("\n", "")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    write_paper(place, r"\documentclass[journal]{IEEEtran}")
    print(*re.findall(r"(?:Overfull|LaTeX Warning).{100}", compile_paper(place)), sep="\n")
    subprocess.run(["pdftoppm", "-r", "110", "-png", "paper.pdf", "paper"], cwd=place, check=True)
