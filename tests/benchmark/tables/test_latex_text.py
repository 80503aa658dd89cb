"""Names in LaTeX: different ones stay different, in every script, and every engine takes them."""

# ruff: noqa: RUF001 - signs that look like others are what this is about

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.tables.grid import Cell, Grid, text_cells
from benchmark.tables.latex import latex
from benchmark.tables.latex_text import latex_text

# What a text consists of, each alternative with a form that the others do not have.
PIECE = re.compile(
    r"""\\[&%$\#_{}] | \\\  | \\(text\w+|ldots|S)\{\} | \\texttt\{\\char34\}
    | \\ldlcjk\{[^{}]+\}\{(\\ldl(char|code)\{[0-9A-F]{4,6}\})+\}
    | \\ldl(char|code)\{[0-9A-F]{4,6}\} | \\['`"^~=.urHvdb]\{\\?[A-Za-z]\}
    | \\kern0pt\{\} | \$(\^?\\[a-z]+|\\[A-Z][a-z]+|-)\$ | \{\} | [^\\{}$&%\#_~^<>|"\n]""",
    re.VERBOSE,
)

SCRIPTS = st.sampled_from(
    "aAbeoi01 -'`\",?!U+4E2D<>{}\\$&^~_%#|"
    "äéñøłßıİ"
    "αβγΑΒΩΩµμ"
    "абвАВ"
    "中文字漢"
    "한글각"
    "あア"
    "ابج"
    "אב"
    "कखग"
    "😀👩🔬"
    "–—−‐‑“”‘’…·⟨⟩"
    "\u0301\u0304\u0307\u0323\u0327\u0328"
    "\u200b\u200d\u200e\u202e\ufeff\u00a0\u00ad\ufe0f\n\t\0\ud800\U0010ffff"
)
TEXTS = st.text(SCRIPTS, max_size=6) | st.text(max_size=4)


def same(a, b):
    return unicodedata.normalize("NFC", a) == unicodedata.normalize("NFC", b)


@settings(max_examples=500)
@given(TEXTS, TEXTS)
@example("é", "e\u0301")
@example("a--b", "a–b")
@example("中", "U+4E2D")
@example("中", "⟨U+4E2D⟩")
@example("a b", "a  b")
@example("i", "i\u0307")
@example("Α", "A")
def test_different_names_stay_different(a, b):
    assert (latex_text(a) == latex_text(b)) == same(a, b)


@settings(max_examples=500)
@given(TEXTS)
def test_a_text_is_nothing_but_characters_and_their_commands(text):
    left = PIECE.sub("", latex_text(text))
    assert left == ""
    assert "?" not in latex_text(text.replace("?", ""))
    # No two characters of which LaTeX makes one.
    assert not re.search(r"--|''|``|[?!]`|,,", latex_text(text))


def test_what_goes_how():
    assert latex_text("Bézier, Čech, Øre") == "Bézier, Čech, Øre"
    assert latex_text("Be\u0301zier") == "Bézier"
    assert latex_text("αβ-kNN ≤ 0.5") == r"$\alpha$$\beta$-kNN $\leq$ 0.5"
    assert latex_text("x\u0304 ẽ ą") == r"\={x} \~{e} \ldlchar{0105}"
    assert latex_text("中文 😀 Я") == (
        r"\ldlcjk{中文}{\ldlchar{4E2D}\ldlchar{6587}} \ldlchar{1F600} \ldlchar{042F}"
    )
    assert latex_text("A\u200b\n") == r"A\ldlcode{200B}\ldlcode{000A}"
    assert latex_text(" a  b ") == r"\ a \ b\ "
    assert latex_text("it's") == "it's"


SAMPLE = [
    "α-kNN", "Bézier", "中文", "Привет", "مرحبا", "👩\u200d🔬", "a--b", "a–b", "x\u0304", "A\u200b",
    "a  b", "\ud800", "ế", "ą", "“q”", '"q"', "''", "İ", "i\u0307", "한글", "[x]", "*x", "⟨U+4E2D⟩",
]  # fmt: skip


def compiled(engine, folder, text):
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    (folder / "table.tex").write_text(text, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_every_engine_takes_all_characters(tmp_path, engine):
    """The sample, and all that is printable up to the arrows and signs, twelve in a name."""
    characters = [c for c in map(chr, range(0x20, 0x2300)) if unicodedata.category(c) != "Cn"]
    rest = ["".join(characters[i : i + 12]) for i in range(0, len(characters), 12)]
    grids = [
        Grid(f"Of {names[0]}", ["Model", "↓"], [[Cell(n, best=True), Cell("1")] for n in names])
        for names in (SAMPLE, *(rest[i : i + 40] for i in range(0, len(rest), 40)))
    ]
    done = compiled(engine, tmp_path, latex(grids, SAMPLE))
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout


# What LaTeX has several ways to write.
ALIKE = [
    "--", "–", "---", "—",
    "'", "’", "''", "”", "`", "‘", "``", "“", ",,", "„", "?`", "¿", "!`", "¡",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_on_paper_they_differ_too(tmp_path, engine):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    names = [name for name in dict.fromkeys([*SAMPLE, *ALIKE]) if "\u0304" not in name]
    done = compiled(engine, tmp_path, latex(Grid("C", ["N", "x"], [
        text_cells([name, f"end{number}"]) for number, name in enumerate(names)
    ])))  # fmt: skip
    assert done.returncode == 0
    text = subprocess.run(
        ["pdftotext", "-layout", "table.pdf", "-"], cwd=tmp_path, capture_output=True, text=True
    ).stdout
    shown = re.findall(r"^ *(.*?) +end\d+$", text, re.MULTILINE)
    assert len(shown) == len(names)
    assert len(set(shown)) == len(names)


def test_a_paper_may_read_several_tables(tmp_path):
    """In a class of its own, with the packages that the head of the file asks for."""
    table = latex(Grid("C 中", ["Model", "x"], [text_cells(["中", "1"])]))
    for name in ("one", "two"):
        (tmp_path / f"{name}.tex").write_text(table, encoding="utf-8")
    paper = (
        "\\documentclass{report}\\usepackage{booktabs,threeparttable}\\begin{document}\n"
        "\\listoftables\\input{one}\\input{two}\\end{document}\n"
    )
    for _ in range(2):  # the list of tables is read the second time
        done = compiled("pdflatex", tmp_path, paper)
        assert done.returncode == 0, done.stdout[-2000:]
