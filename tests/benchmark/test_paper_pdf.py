"""A paper of two columns out of stored results (`paper_pdf.py`): all fits, and nothing is small."""

from __future__ import annotations

import math
import re
import shutil
import subprocess

import pytest
from paper_pdf import compile_paper, write_paper

# Seven points of print are 6.97 of a PDF's.
SEVEN = 7 * 72 / 72.27 - 0.001


def size(char) -> float:
    """Return the size of a character's type, however it is turned.

    The box round a character is as wide as its turned advance and its turned type together.
    """
    a, b, _, _, _, _ = char["matrix"]
    beyond = char["width"] - abs(a) * char["adv"], char["height"] - abs(b) * char["adv"]
    return math.hypot(*beyond)


def test_tables_and_figures_go_into_a_paper_as_they_are(tmp_path):
    pdfplumber = pytest.importorskip("pdfplumber")
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    look = ["kpsewhich", "IEEEtran.cls", "threeparttable.sty"]
    if subprocess.run(look, capture_output=True, text=True, check=False).stdout.count("\n") < 2:
        pytest.skip("the class IEEEtran or the package threeparttable is not installed")
    files = write_paper(tmp_path, r"\documentclass[journal]{IEEEtran}")
    said = compile_paper(tmp_path)
    for complaint in ("Overfull", "Float too large", "the next table needs", "multiply"):
        assert complaint not in said
    with pdfplumber.open(tmp_path / "paper.pdf") as pdf:
        chars = [char for page in pdf.pages for char in page.chars]
    text = "".join(char["text"] for char in chars).replace(" ", "")  # in the order of the source
    sources = [path.read_text(encoding="utf-8") for path in files]
    captions = sum(source.count(r"\caption{") for source in sources)
    assert captions >= len(files) == sum(bool(re.search(r"\\label{", s)) for s in sources)
    # Every one is on a page.
    assert len(re.findall(r"TABLE[IVX]|Fig\.\d+\.", text)) == captions
    # Captions of IEEEtran are in small capitals, which are capitals at 0.8 of 8 points.
    letters = [c for c in chars if not (c["text"].isupper() and round(c["size"], 1) == 6.4)]
    assert min(map(size, letters)) >= SEVEN
