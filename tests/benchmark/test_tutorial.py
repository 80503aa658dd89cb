"""Every block of docs/tutorial.md runs, and the table it shows is the one that comes out.

The Chinese tutorial has the same blocks (tests/test_languages.py). The notebooks' cells run, too.
"""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def same(one, other):
    """Whether two lines have the same words, and nearly the same numbers.

    SA-CPNN's move with the kernel of the BLAS by up to 0.6 %: one of 240 rows in the accuracy.
    """
    number = re.compile(r"\d+\.\d+")
    words = [" ".join(number.sub("#", line).split()) for line in (one, other)]
    values = [[float(found) for found in number.findall(line)] for line in (one, other)]
    return words[0] == words[1] and values[0] == pytest.approx(values[1], rel=0.01, abs=0.002)


def test_what_is_the_same_line():
    assert same("A   0.1450(1)  83.75", "A 0.1451(1) 83.75")
    assert not same("A 0.1450(1)", "A 0.1450(2)")
    assert not same("A 0.1450(1)", "A 0.1550(1)")


def test_the_tutorial_word_for_word(tmp_path, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a wide terminal: the table in one block
    printed = ""
    for kind, text in BLOCK.findall((DOCS / "tutorial.md").read_text(encoding="utf-8")):
        name = re.match(r"# (\w+\.py)", text)
        if kind == "text":
            for line in text.splitlines():
                assert any(same(line, got) for got in printed.splitlines()), line
        elif kind == "python" and name:
            (tmp_path / name[1]).write_text(text, encoding="utf-8")
        elif kind == "python":
            text = text.replace('out="two"', 'out="two", jobs=1, report=False')
            exec(text, {"__name__": "tutorial"})  # noqa: S102
        else:
            printed = ""
            for line in text.splitlines():
                program, *arguments = shlex.split(line, comments=True)
                if program == "ldl-benchmark":
                    # No worker to be started, which costs more than the folds do. The page ends
                    # with the report, which each run would write, too.
                    jobs = ["--jobs", "1"] if arguments[0] == "run" else []
                    done = command(*arguments, *jobs)
                    assert done.returncode == 0, line + done.stderr
                    printed += done.stdout
                elif program == "python":
                    runpy.run_path(arguments[0], run_name="__main__")
                else:
                    assert (program, arguments[0]) == ("head", "-3")
                    printed += "\n".join(Path(arguments[1]).read_text().splitlines()[:3])
    made = {path.name for path in (tmp_path / "results" / "runs" / "moods").rglob("*")}
    assert made >= {"table3.tex", "report.html", "tests.csv", "ranks-moods.pdf", "boxes-moods.pdf"}


@pytest.mark.parametrize("name", ["quickstart", "own_method"])
def test_the_cells_of_a_notebook_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((DOCS / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    space = {"__name__": f"notebook_{name}"}
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    for cell in cells:
        exec(compile(cell, f"{name}.ipynb", "exec"), space)  # noqa: S102
    summary = space["study"].summary.set_index("model")["kl_divergence"]
    assert (summary.drop(["mean distribution", "uniform"]) < 0.5 * summary["uniform"]).all()
