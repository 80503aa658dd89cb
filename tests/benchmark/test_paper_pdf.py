"""A paper of two columns out of the stored tables: nothing is small or beyond the margin."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from paper_pdf import OF_DEMO, compile_paper, write_paper

# Seven points of print in those of a PDF; IEEEtran has the number of the page in no larger type.
SEVEN = 7 * 72 / 72.27 - 0.001


def test_tables_go_into_a_paper_as_they_are(tmp_path):
    pdfplumber = pytest.importorskip("pdfplumber")
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    look = ["kpsewhich", "IEEEtran.cls", "threeparttable.sty"]
    if subprocess.run(look, capture_output=True, text=True, check=False).stdout.count("\n") < 2:
        pytest.skip("the class IEEEtran or the package threeparttable is not installed")
    write_paper(tmp_path, r"\documentclass[journal]{IEEEtran}")
    said = compile_paper(tmp_path)
    assert "Overfull" not in said
    assert "LaTeX Warning: the next table needs" not in said
    with pdfplumber.open(tmp_path / "paper.pdf") as pdf:
        pages = [page for page in pdf.pages if "TABLE" in (page.extract_text() or "")]
        text = "\n".join(page.extract_text() for page in pages)
        chars = [char for page in pages for char in page.chars]
    assert text.count("TABLE") >= len(OF_DEMO) + 1
    # Captions of IEEEtran are in small capitals, which are capitals at 0.8 of 8 points.
    letters = [c for c in chars if not (c["text"].isupper() and round(c["size"], 1) == 6.4)]
    assert min(char["size"] for char in letters) >= SEVEN
