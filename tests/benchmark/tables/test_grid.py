"""Finished cells as Markdown and LaTeX: nothing in them is taken for markup, and it compiles."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from benchmark.tables.grid import Grid, latex, markdown, terminal

NASTY = Grid(
    caption="A & B: 100 % of <script>",
    headers=["Model", "50 %", "x_y"],
    rows=[["[odd] \\input{x}", "1", "2"], ["*bold* | pipe", "3", "4 ± ↑"]],
    best={(0, 1), (1, 0)},
    notes=["Costs $5 & more."],
)


def test_terminal_shows_every_cell():
    text = terminal(NASTY)
    assert all(cell in text for row in NASTY.rows for cell in row)
    assert text.startswith(NASTY.caption)
    assert text.endswith("Costs $5 & more.\n")


def test_markdown_escapes_and_marks_the_best():
    lines = markdown(NASTY).splitlines()
    assert lines[0] == "### A & B: 100 % of \\<script\\>"
    body = [line for line in lines if line.startswith("|")]
    assert len(body) == 4
    assert all(line.replace("\\|", "").count("|") == 4 for line in body)
    assert "**1**" in body[2]
    assert "**\\*bold\\* \\| pipe**" in body[3]


def test_latex_compiles(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    (tmp_path / "table.tex").write_text(latex(NASTY))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
