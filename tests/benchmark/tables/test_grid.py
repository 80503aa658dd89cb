"""Finished cells as Markdown and LaTeX: nothing in them is taken for markup, and it compiles."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from benchmark.tables.grid import (
    DAGGER,
    Cell,
    Grid,
    group_rules,
    markdown,
    markdown_text,
    terminal,
    text_cells,
)
from benchmark.tables.latex import latex
from benchmark.wording import seen, visible

NASTY = Grid(
    caption="A & B: 100 % of <script>",
    headers=["Model", "50 %", "x_y"],
    cells=[
        [Cell("[odd] \\input{x}"), Cell("1", DAGGER, best=True, rank="1"), Cell("2")],
        [Cell("*bold* | pipe", best=True), Cell("-"), Cell("4 ± ↑")],
        text_cells(["aside", "", "{}"]),
    ],
    notes=["Costs $5 & more."],
)


def test_terminal_shows_every_cell():
    text = terminal(NASTY)
    assert all(cell in text for row in NASTY.rows for cell in row)
    assert "1(1)†" in text
    assert "\x1b" not in text
    assert text.startswith(NASTY.caption)
    assert text.endswith("Costs $5 & more.\n")


def test_markdown_escapes_and_marks_the_best():
    lines = markdown(NASTY).splitlines()
    assert lines[0] == "### A & B: 100 % of \\<script\\>"
    body = [line for line in lines if line.startswith("|")]
    assert len(body) == 5
    assert all(line.replace("\\|", "").count("|") == 4 for line in body)
    assert "**1**(1)†" in body[2]
    assert "**\\*bold\\* \\| pipe**" in body[3]


def test_bold_on_a_terminal_is_the_value_alone():
    assert "\x1b[1m1\x1b[0m(1)†" in terminal(NASTY, colour=True)


def test_latex_escapes_and_marks_the_best():
    lines = latex(NASTY).splitlines()
    # The empty group keeps [odd] from being read as an option of the line before.
    assert r"{}[odd] \textbackslash{}input\{x\} & \textbf{1}(1)$\dagger$ & 2 \\" in lines
    assert r"{}\textbf{*bold* \textbar{} pipe} & -- & 4 $\pm$ $\uparrow$ \\" in lines
    assert r"{}Model & 50 \% & x\_y \\" in lines
    assert lines.count(r"\midrule") == 1


def grids():
    rows = [text_cells(["a", "1"]), text_cells(["b", "2"]), [Cell("c", aside=True), Cell("3")]]
    plain = Grid("The caption", ["Model", "x"], rows, ["Of both.", "Of the first."])
    ruled = Grid("Caption", ["Model", "y"], rows, ["Of both."], "Title", frozenset({2}))
    return [plain, ruled]


def test_several_tables_on_a_terminal():
    first = "Model    x\n-------  ---\na        1\nb        2\nc        3"
    second = "Model    y\n-------  ---\na        1\nb        2\n----\nc        3"
    assert terminal(grids(), ["Of all."]) == (
        f"The caption\n{first}\n\nOf both.\nOf the first.\n\n"
        f"Title\n{second}\n\nOf both.\n\nOf all.\n"
    )


def test_several_tables_in_markdown():
    text = markdown(grids(), ["Of *all*."])
    assert text.startswith("### The caption\n\n| Model   | x   |\n")
    assert "| *c*     | 3   |\n\n- Of both.\n- Of the first.\n\n### Title\n\n| Model" in text
    assert text.endswith("| *c*     | 3   |\n\n- Of both.\n\n- Of \\*all\\*.\n")


def test_a_grid_is_as_good_as_a_list_of_one():
    one = grids()[0]
    for render in (terminal, markdown, latex):
        assert render(one) == render([one])


NAMES = st.text(max_size=12)


@given(NAMES)
def test_no_name_is_taken_for_markup(name):
    """What it is in LaTeX is tested in `test_latex_text`."""
    grid = Grid(name, ["Model", name], [text_cells([name, "1"])], [name])
    line = next(x for x in latex(grid).splitlines() if x.startswith("{}"))
    assert line.count("&") - line.count(r"\&") == 1
    body = [row for row in markdown(grid).splitlines() if row.startswith("|")]
    assert len(body) == 3
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3 for row in body)


@given(NAMES | st.text("a \n\t\u200b\u00a0⟨U+20BD⟩\\&;*`#~$", max_size=9), NAMES)
def test_different_names_stay_different_on_a_terminal_and_in_markdown(one, other):
    for a, b in ((one, other), (one, f"{one} "), (one, one.replace("a", "a\u200b"))):
        for write in (visible, markdown_text, seen):
            assert (write(a) == write(b)) == (a == b)
        assert visible(a).isprintable()
        # A browser shows one space for several, and none at the ends.
        assert " ".join(seen(a).split(" ")) == seen(a).strip(" ")
        assert "  " not in seen(a)


def test_lines_part_extended_baselines_and_trivial_predictors():
    groups = ["paper", "paper", "extended", "extended", "newer", "own", "trivial", "trivial"]
    assert group_rules(groups) == {2, 4, 5, 6}
    assert group_rules(["paper", "own", "trivial"]) == {2}
    assert group_rules(["own"]) == frozenset()
