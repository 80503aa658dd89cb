"""The examples of docs/own_data.md: each file there is read with each command that it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.commands import run as running
from benchmark.datasets import load_dataset
from benchmark.planning.protocol import load_protocol

PAGE = Path(__file__).parents[3] / "docs" / "own_data.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def examples(tmp_path, monkeypatch):
    """The folder with every file of the page; its Python has been run."""
    monkeypatch.chdir(tmp_path)
    for kind, text in BLOCKS:
        if kind == "csv":
            name, _, content = text.removeprefix("# ").partition("\n")
            (tmp_path / name).write_text(content)
        elif kind == "toml":
            (tmp_path / "own.toml").write_text(text)
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    return tmp_path


def test_every_file_is_read_as_the_page_says(examples, monkeypatch):
    commands = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
    read = {}
    for line in commands:
        given = {}
        monkeypatch.setattr(
            running, "run", lambda _given=given, **words: _given.update(words) or 1 / 0
        )
        assert isinstance(
            CliRunner().invoke(main, shlex.split(line)[1:]).exception, ZeroDivisionError
        )
        wanted = {k: given[k] for k in ("labels", "features", "ignore", "normalise")}
        read[line] = load_dataset(*given["datasets"], **wanted)
        assert len(read[line].label_names) == 3
    files = {path.name for path in examples.iterdir() if path.suffix != ".toml"}
    assert files == {shlex.split(line)[4] for line in commands}  # none is shown without a command
    assert {data.X.shape[1] for data in read.values()} == {2, 4}
    by_name = {shlex.split(line)[4]: data for line, data in read.items()}
    assert by_name["plain.csv"].ids == ("beach.jpg", "storm.jpg", "peak.jpg")
    assert by_name["named.csv"].label_names == ("emo_joy", "emo_fear", "emo_awe")
    assert by_name["votes.csv"].raters.tolist() == [10, 11, 10]
    assert by_name["grouped.csv"].groups == ("anna", "anna", "ben")
    assert read[next(c for c in commands if "grouped" in c)].given_folds.tolist() == [-1, -1, 0]
    assert by_name["grouped.csv"].given_folds is None
    for name in ("matrices.mat", "matrices.npz"):
        assert by_name[name].label_names == ("joy", "fear", "awe")
    assert "were turned" in by_name["others.mat"].notes[0]


def test_the_protocol(examples):
    reading = load_protocol("own.toml").reading
    assert (reading.labels, reading.ignore, reading.normalise) == (("emo_*",), ("file",), True)
