"""Tables in LaTeX: in the float what a paper needs, natural type, and nothing beyond the margin."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from benchmark.tables.grid import Cell, Grid, captioned, text_cells
from benchmark.tables.latex import latex
from benchmark.tables.latex_width import SIZE
from benchmark.tables.options import TableOptions

#: Seven points, in those of a PDF; IEEEtran has the number of the page in no larger type.
SEVEN = 7 * 72 / 72.27 - 0.001

#: Styles of papers: class, and columns of text.
STYLES = {
    "article": (r"\documentclass[a4paper]{article}", 1),
    "IEEEtran": (r"\documentclass[journal]{IEEEtran}", 2),
    # A journal of two columns of 84 mm.
    "elsarticle": (r"\documentclass[5p,twocolumn]{elsarticle}", 2),
}

LONG = "a_very_long_name-of_a_model_that_no_column_of_any_journal_has_room_for_in_one_line_of_it"


def made(models=6, measures=3, names=(), options=None):
    """Make a table of numbers."""
    rows = [
        [
            Cell(names[row] if row < len(names) else f"Model {row}"),
            *(
                Cell(f"{row + number / 9:.4f}", rank=f"{row + 1}", after="†", best=row == 0,
                     second=row == 1)
                for number in range(measures)
            ),
        ]
        for row in range(models)
    ]  # fmt: skip
    headers = ["Model", *(f"M{number} ↓" for number in range(measures))]
    grid = Grid("Made", headers, rows, ["A long note."], legend=["† short."], name="made 1")
    return captioned([grid], options or TableOptions())[0]


def compiled(folder, text, engine="pdflatex"):
    """Compile a file; returns what LaTeX says."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def type_sizes(file):
    """Return the least type size in a PDF, in points; small capitals of a style apart."""
    pdfplumber = pytest.importorskip("pdfplumber")
    with pdfplumber.open(file) as pdf:
        chars = [char for page in pdf.pages for char in page.chars]
    # IEEEtran has its captions in small capitals, which are capitals at 0.8 of 8 points.
    return min(c["size"] for c in chars if not (c["text"].isupper() and round(c["size"], 1) == 6.4))


def paper(style, files):
    """Write a paper that reads files, with text about them."""
    head, _ = STYLES[style]
    middle = "\n".join(f"Text. \\input{{{name}}} Text." for name in files)
    return (
        f"{head}\n\\usepackage{{booktabs,threeparttable}}\n\\begin{{document}}\n"
        f"{middle}\n\\end{{document}}\n"
    )


def test_a_float_has_caption_label_and_short_notes_and_all_else_is_a_comment():
    text = latex(made(), ["Of all."])
    inside = text[text.index(r"\begin{table") : text.rindex(r"\end{table")]
    order = [r"\begin{threeparttable}", r"\caption{Made}", r"\label{tab:made-1", r"\toprule",
             r"\bottomrule", r"\begin{tablenotes}", r"\item $\dagger$ short.",
             r"\end{threeparttable}"]  # fmt: skip
    assert [inside.count(part) for part in order] == [1] * len(order)
    assert sorted(order, key=inside.index) == order
    assert "resizebox" not in text
    assert "tiny" not in text
    for note in ("A long note.", "Of all."):
        (line,) = [line for line in text.splitlines() if note in line]
        assert line.startswith("%")
    assert SIZE >= 7


def test_best_and_second_ranks_and_marks():
    def row(ranks):
        text = latex(made(options=TableOptions(ranks=ranks)))
        return [line for line in text.splitlines() if re.match(r"\{\}Model [01] ", line)]

    first, second = row("parentheses")
    assert r"\textbf{0.0000}(1)$\dagger$" in first
    assert r"\underline{1.0000}(2)$\dagger$" in second
    assert r"\textbf{0.0000}\ldlraised{1}$\dagger$" in row("superscript")[0]
    assert r"\textbf{0.0000}$\dagger$" in row("none")[0]


def test_points_stand_below_each_other_and_a_minus_is_no_hyphen():
    rows = [text_cells(["a-1", "9.50", "-0.10"]), text_cells(["b", "10.25", "+0.10"])]
    text = latex(Grid("C", ["M", "x", "y"], rows))
    assert r"{}a-1 & \phantom{0}9.50 & $-$0.10 \\" in text
    assert r"{}b & 10.25 & +0.10 \\" in text


def test_caption_and_label_are_those_asked_for():
    options = TableOptions(caption="50 % & more", label="tab:main")
    one = latex(made(options=options))
    assert r"\caption{50 \% \& more}" in one
    assert r"\label{tab:main}" in one
    first = replace(made(), title="x y")
    several = latex(captioned([first, replace(first, title="z")], options))
    labels = re.findall(r"\\label\{(.*?)\}", several)
    assert len(set(labels)) == 2
    assert all(label.startswith("tab:main-") for label in labels)
    assert r"\caption{50 \% \& more (z)}" in several
    same = latex([made(), made()])
    assert len(set(re.findall(r"\\label\{(.*?)\}", same))) == 2


def test_columns_decide_on_the_environment_and_on_blocks():
    assert r"\begin{table}[htbp]" in latex(made())
    assert r"\begin{table*}[tp]" in latex(made(measures=7))
    one = latex(made(measures=12, options=TableOptions(columns=1)))
    assert "table*" not in one
    assert one.count("{}Model & ") == one.count(r"\addlinespace") + 1 == 2
    assert "its columns come in 2 blocks" in " ".join(one.replace("%   ", "").split())
    assert all(f"M{number} " in one for number in range(12))


def test_what_is_higher_than_a_page_comes_in_several_tables():
    text = latex(made(models=120))
    floats = text.count(r"\begin{table}")
    assert floats == text.count(r"\end{table}") == text.count(r"$\dagger$ short.") > 1
    assert text.count("(continued)") == floats - 1
    assert sum(f"{{}}Model {number} " in text for number in range(120)) == 120
    assert len(set(re.findall(r"\\label\{(.*?)\}", text))) == floats


@pytest.mark.parametrize("style", STYLES)
def test_nothing_goes_beyond_the_margin_in_any_style(tmp_path, style):
    head, columns = STYLES[style]
    name = re.search(r"\{(\w+)\}", head)[1]
    found = (
        shutil.which("kpsewhich")
        and subprocess.run(["kpsewhich", f"{name}.cls"], capture_output=True, check=False).stdout
    )
    if not found:
        pytest.skip(f"the class {name} is not installed")
    tables = {}
    for ranks, spread in (("parentheses", "±0.1234"), ("superscript", " [0.1234, 0.2345]")):
        options = TableOptions(columns=columns, ranks=ranks)
        wide = made(20, 9, [LONG, "[odd] % & #_^~{}$", "*star"], options)
        cells = [[row[0], *(replace(cell, spread=spread) for cell in row[1:])]
                 for row in wide.cells]  # fmt: skip
        tables |= {
            f"narrow-{ranks}": made(options=options),
            f"wide-{ranks}": wide,
            f"high-{ranks}": made(70, 4, options=options),
            f"spread-{ranks}": replace(wide, cells=cells),
        }
    texts = [text_cells([LONG, "word " * 40, "W" * 150])] * 3
    tables["texts"] = Grid("Texts", ["A", "B", "C"], texts, ["n"], options=options)
    for file, grid in tables.items():
        (tmp_path / f"{file}.tex").write_text(latex(grid), encoding="utf-8")
    said = compiled(tmp_path, paper(style, tables))
    assert "Overfull" not in said
    assert type_sizes(tmp_path / "paper.pdf") >= SEVEN


def test_as_it_is_it_compiles_too(tmp_path):
    said = compiled(tmp_path, latex([made(measures=9), made(names=["中文", "Я"])]))
    assert "Overfull" not in said


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_chinese_names_are_printed_where_the_fonts_are_there(tmp_path, engine):
    found = shutil.which("kpsewhich") and subprocess.run(
        ["kpsewhich", "ctex.sty", "CJKutf8.sty", "gbsnu.fd", "c70gbsn.fd"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    if not found or not ("ctex" in found and "gbsn" in found and "CJKutf8" in found):
        pytest.skip("the packages for Chinese are not installed")
    text = latex(made(names=["标记分布学习", "情绪轮 (无先验)"]))
    assert "\\ldlcjk{标记分布学习}" in text
    compiled(tmp_path, text, engine)
    pdfplumber = pytest.importorskip("pdfplumber")
    with pdfplumber.open(tmp_path / "paper.pdf") as pdf:
        words = pdf.pages[0].extract_text()
    assert "标记分布学习" in words
    assert "情绪轮" in words
