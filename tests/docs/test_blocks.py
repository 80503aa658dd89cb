"""Every block of code in docs/: Python is run, commands are run on small data, in this process.

A block that is marked ``no-run: REASON`` (it needs a network, images, hours) is not run, but its
commands must be ones that the command line understands. docs/own_data.md and the tutorials have
tests of their own.
"""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import contextmanager, nullcontext
from itertools import takewhile
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat

from benchmark.cli import main
from benchmark.planning.protocol import load_protocol
from benchmark.plugins import registry
from benchmark.plugins.measures import REGISTERED

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^ *```([a-z]+)([^\n`]*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
APART = {"own_data.md", "tutorial.md"}
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "docs").rglob("*.md")
    if path.name not in APART and not {"reference", "equations"} & set(path.parts)
)

#: Blocks that are not run, page by page: a new one has to be counted here.
NOT_RUN = {
    "docs/backbones.md": 1,
    "docs/docker.md": 3,
    "docs/guides/cluster.md": 5,
    "docs/guides/gpu.md": 2,  # one of them is run elsewhere
    "docs/guides/shared_folder.md": 2,
    "docs/guides/offline.md": 2,
    "docs/guides/paper.md": 6,
    "docs/images.md": 2,
    "docs/paper.md": 1,
    "docs/peer_library.md": 1,
    "docs/running.md": 1,
    "docs/significance.md": 1,
    "docs/submitting.md": 5,
}


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Return kind, mark and text of the blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [(kind, mark.strip(), body) for kind, mark, body in FENCE.findall(text)]


def commands(text: str) -> list[list[str]]:
    """Return the words of the commands of a block of shell, up to a pipe or a file."""
    lines = text.replace("\\\n", " ").splitlines()
    found = (shlex.split(line, comments=True) for line in lines)
    return [list(takewhile(lambda word: word not in ("|", ">"), words)) for words in found if words]


def parse(words: list[str]) -> None:
    """Have the command line read a command, without doing anything."""
    command, context = main, None
    name, rest = "ldl-benchmark", [re.sub(r"\$\{?\w+\}?", "1", word) for word in words]
    while True:
        context = command.make_context(name, rest, parent=context)
        if not isinstance(command, click.Group):
            return
        left = [*context._protected_args, *context.args]
        if not left or not left[0]:
            return
        name, command, rest = command.resolve_command(context, left)


def small(words: list[str]) -> list[str]:
    """Return a command with options that make it short."""
    if words[0] == "run" and "--against" not in words:
        given = {word for word in words if word.startswith("--")}
        words = words + [
            word
            for option in (["--folds", "2"], ["--jobs", "1"], ["--no-report"])
            if option[0] not in given
            for word in option
        ]
    return words


MINE = """
import numpy as np
from baselines import LDLEstimator
from benchmark import register


@register("Mine")
class Mine(LDLEstimator):
    def _fit(self, X, D):
        self.mean_ = D.mean(axis=0)

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))
"""


@contextmanager
def nothing_new():
    """Forget the models and measures that are registered within."""
    kept = [(known, dict(known)) for known in (registry._registered, REGISTERED)]
    yield
    for known, before in kept:
        known.clear()
        known.update(before)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # loading a plugin adds its folder
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(40, 4)), rng.dirichlet(np.ones(3), 40)
    savemat("data.mat", {"features": X, "labels": D})
    votes = 1 + rng.integers(0, 9, (40, 3))
    rows = [f"{x[0]},{x[1]},{v[0]},{v[1]},{v[2]}" for x, v in zip(X, votes, strict=True)]
    head = "hue,contrast,label:joy,label:fear,label:awe"
    Path("votes.csv").write_text("\n".join([head, *rows]))
    Path("mine.py").write_text(MINE)
    shares = [f"{x[0]},{x[1]},{d[0]},{d[1]},{1 - d[0] - d[1]}" for x, d in zip(X, D, strict=True)]
    Path("data.csv").write_text("\n".join([head, *shares]))
    with nothing_new():
        yield tmp_path
    for file in tmp_path.glob("*.py"):  # `new-model` takes no name that a module has
        sys.modules.pop(file.stem, None)


@pytest.mark.parametrize("page", PAGES)
def test_blocks(page, folder):
    X, D = np.random.default_rng(1).normal(size=(40, 4)), np.full((40, 3), 1 / 3)
    namespace = {"__name__": "page", "X": X, "D": D, "X_new": X[:3]}  # what pages take for given
    for kind, mark, text in blocks(page):
        if kind == "python" and not mark:
            if named := re.match(r"# (\w+\.py)\n", text):
                (folder / named[1]).write_text(text)
            with nothing_new() if named else nullcontext():  # a file registers when it is run
                exec(compile(text, page, "exec"), namespace)  # noqa: S102 - our own page
        elif kind == "toml" and not mark:
            (folder / "mine.toml").write_text(text)
            load_protocol("mine.toml")
        elif kind in ("sh", "bash"):
            for words in commands(text):
                run_line(words, page, mark)


def run_line(words, page, mark):
    program, *rest = words
    if program == "ldl-benchmark":
        if mark:
            parse(rest)
            return
        result = CliRunner().invoke(main, small(rest))
        assert result.exit_code == 0, f"{page}: {shlex.join(words)}\n{result.output}"
    elif program == "jq":  # reads what a command wrote
        return
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert rest[0] in targets
    elif program == "pip" and not mark:
        extras = re.findall(r"\[([\w,]+)\]", " ".join(rest))
        declared = (ROOT / "pyproject.toml").read_text()
        assert all(f"\n{name} = [" in declared for some in extras for name in some.split(","))
    else:
        assert mark, f"{page}: mark the block no-run, with the reason: {shlex.join(words)}"


def test_what_is_not_run_has_a_reason_and_is_counted():
    counted = {}
    for page in PAGES:
        marks = [mark for _, mark, _ in blocks(page) if mark]
        assert all(re.fullmatch(r"no-run: \w.{5,}", mark) for mark in marks), (page, marks)
        if marks:
            counted[page] = len(marks)
    assert counted == NOT_RUN
