"""What commands print as a rule, with ``--quiet``, and as one document with ``--json``.

Also tests `benchmark.commands.document`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.document import as_json
from benchmark.plugins.registry import models

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "results" / "demo"
ALWAYS = {"schema", "version", "command", "exit_code", "errors", "messages", "files"}


@pytest.fixture
def document(command):
    """Run a command with ``--json`` and read its standard output: exit code, document, stderr."""

    def read(*words):
        done = command(*words, "--json")
        found = json.loads(done.stdout)
        assert set(found) >= ALWAYS
        assert found["exit_code"] == done.returncode
        for sentence in found["errors"]:
            assert "\n" not in sentence
            assert not sentence.endswith(".")
            assert sentence in " ".join(done.stderr.split()) or done.returncode == 1
        return done.returncode, found, done.stderr

    return read


@pytest.mark.slow
def test_a_run_as_one_document(document, small, command, capsys):
    code, told, stderr = document("run", "AA-kNN", "PT-Bayes", "--dataset", small, "--folds", "3")
    assert code == 0
    assert told["command"] == "run"
    assert told["complete"]
    assert "done before" in stderr  # how far it is goes there
    scores = pd.read_csv(Path(told["folder"]) / "table3.csv")
    assert documented("run") <= set(told)
    rows = {row["model"]: row for row in told["scores"]}
    for model, value in zip(scores["model"], scores["kl_divergence"], strict=True):
        assert rows[model]["kl_divergence"] == pytest.approx(value, rel=1e-12)

    quiet = command("run", "AA-kNN", "PT-Bayes", "--dataset", small, "--folds", "3", "--quiet")
    assert quiet.stderr == ""
    assert "PT-Bayes" in quiet.stdout
    assert "results/" not in quiet.stdout
    usual = command("run", "AA-kNN", "PT-Bayes", "--dataset", small, "--folds", "3")
    assert usual.stdout.startswith(quiet.stdout.rstrip())

    code, told, _ = document("figure", "boxes", "--format", "svg")
    assert [Path(path).exists() for path in told["figures"][0]["files"]] == [True] * 4
    assert "PT-Bayes" not in told["messages"]
    assert command("figure", "boxes", "--format", "svg", "--quiet").stdout == ""
    code, told, _ = document("table", "tests")
    assert {Path(path).name for path in told["files"]} == {"tests.csv", "tests.tex", "tests.md"}
    assert told["tables"][0]["columns"][0] == "Dataset"
    assert 0 < told["rows"][0]["p_value"] < 1


def documented(command):
    """The names that docs/command_line.md lists of a command's document."""
    text = (ROOT / "docs" / "command_line.md").read_text()
    rows = re.findall(r"(?m)^\| (.*`.*) \| (.*) \|$", text.partition("and further ones")[2])
    (about,) = [about for commands, about in rows if f"`{command}`" in commands]
    return set(re.findall(r"`(\w+)`(?=[:;,]|$| for| of)", about))


@pytest.mark.parametrize("name", ["measures", "completion"])
def test_the_documentation_lists_what_is_in_a_document(document, name):
    told = document(name)[1]
    assert documented(name) - {"script"} <= {*told, *told.get("measures", [{}])[0]}


def test_lists_as_documents(document):
    told = document("models", "--all")[1]
    assert {one["name"] for one in told["models"]} == set(models())
    assert documented("models") <= {*told, *told["models"][0]}
    measures = {one["name"]: one for one in document("measures")[1]["measures"]}
    assert measures["cosine"]["higher_is_better"]
    assert not measures["clark"]["higher_is_better"]
    sets = {one["name"]: one for one in document("datasets")[1]["datasets"]}
    assert sets["SJAFFE"]["rows"] == 213
    assert sets["synthetic"]["state"] == "complete"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["figure", "bxes"], 2, "did you mean 'boxes'?"),
        (["run", "--nosuch"], 2, "--nosuch"),
        (["run", "AA-kN"], 2, "did you mean"),
        (["nosuch"], 2, "nosuch"),
        (["table"], 2, "Choose from"),
        (["table", "3"], 2, "there is no run below results/runs"),
        (["check", "absent.py"], 2, "absent.py"),
    ],
)
def test_errors_are_in_the_document_and_on_stderr(document, words, code, said):
    found, told, stderr = document(*words)
    assert found == code
    assert [said in sentence for sentence in told["errors"]] == [True]
    assert said in stderr


@pytest.mark.slow
def test_the_leaderboard_and_a_check_as_documents(document, command):
    told = document("leaderboard", "--dataset", "SJAFFE", "--measures", "kl_divergence")[1]
    assert {"model", "datasets"} <= set(told["leaderboard"][0])
    assert command("new-model", "Mine", "--quiet").stdout == ""
    plugin = next(Path.cwd().glob("*.py"))
    assert document("check", plugin)[1]["wrong"] == []
    plugin.write_text(
        plugin.read_text().replace("def predict", "def foretell").replace("_predict", "_p")
    )
    code, told, _ = document("check", plugin)
    assert code == 1
    assert told["errors"] == told["wrong"] != []


def test_what_others_print_is_not_in_the_document(tmp_path):
    """A plugin prints when it is loaded, here and in the process that tries it first."""
    plugin = tmp_path / "loud.py"
    plugin.write_text(
        "from benchmark import register_measure\n"
        "import os\nprint('heard by nobody')\nos.write(1, b'nor this')\n"
        "@register_measure('loud', higher_is_better=False)\n"
        "def loud(D, P):\n    return abs(D - P).sum(axis=1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "measures", "--plugin", str(plugin), "--json"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["measures"][-1]["name"] == "loud"


def test_the_version(command, document):
    line = command("--version").stdout
    assert line.startswith("ldl-benchmark ")
    assert document("--version")[1]["version"] == line.split()[1]


def test_numbers_as_json_has_them():
    frame = pd.DataFrame({"model": ["标签"], "value": [np.nan], "folds": [np.int64(3)]})
    made = {"rows": frame, "path": Path("a/b"), "set": (1.5, np.float32(0.5)), "none": None,
            "huge": float("inf")}  # fmt: skip
    assert json.loads(as_json(made)) == {
        "rows": [{"model": "标签", "value": None, "folds": 3}], "path": "a/b", "set": [1.5, 0.5],
        "none": None, "huge": None,
    }  # fmt: skip
    assert "标签" in as_json(made)
