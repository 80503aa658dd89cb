"""Completion: `benchmark.commands.line.names` and `benchmark.commands.line.shells`, in real shells.

Also tests `benchmark.commands.line.completion` and `benchmark.store.latest`.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from benchmark.cli import main
from benchmark.commands.line import shells
from benchmark.datasets import BUILT_IN
from benchmark.datasets.image_sets.catalogue import IMAGE_SETS
from benchmark.datasets.tabular_sets.catalogue import tabular_sets
from benchmark.figures import FIGURES
from benchmark.metrics import BY_NAME
from benchmark.plugins.registry import models

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = """
import undefined_module_that_nobody_has
from benchmark import register, register_measure
@register("My method")
class Mine: ...
register("Configured, too", Mine())
register_measure("my_measure", print)
"""


def completed(line, shell="fish"):
    """What a shell gets for a line that ends at the cursor: the values, then the other kinds."""
    *words, last = line.split(" ")
    asked = shells.BY_NAME[shell](main, {}, "ldl-benchmark", "_LDL_BENCHMARK_COMPLETE")
    items = asked.get_completions(words, last)
    return [item.value for item in items if item.type == "plain"], {
        item.type for item in items if item.type != "plain"
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a plugin, a CSV file and a run of two models on two datasets."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(PLUGIN)
    Path("own.csv").write_text("label:joy,label:fear,size\n0.5,0.5,1\n")
    Path("results/runs/last").mkdir(parents=True)
    plan = {"models": [{"name": "AA-kNN"}, {"name": "Old, with comma"}],
            "datasets": [{"name": "first"}, {"name": "数据"}]}  # fmt: skip
    Path("results/runs/last/run.json").write_text(json.dumps(plan))


def test_every_name_that_is_known_is_offered():
    assert set(completed("run ")[0]) == set(models())
    known = {*BUILT_IN, *(s.name for s in tabular_sets()), *(s.name for s in IMAGE_SETS)}
    assert set(completed("run --dataset ")[0]) == known
    assert set(completed("figure ")[0]) == {*FIGURES, "all", "style"}
    assert set(completed("run --tune-for ")[0]) == set(BY_NAME)
    assert {"run", "table", "figure", "leaderboard"} <= set(completed("")[0])


@pytest.mark.parametrize(
    ("line", "values", "others"),
    [
        ("run sa-", ["SA-IIS", "SA-BFGS", "SA-CPNN"], {"file"}),
        ("run SA-IIS SA-BFGS sa-", ["SA-CPNN"], {"file"}),
        ("run --plugin mine.py my", ["My method"], {"file"}),
        ("run --plugin mine.py --measures cosine,my", ["cosine,my_measure"], set()),
        ("table 3 --plugin mine.py --measures my", ["my_measure"], set()),
        ("run --dataset=SJ", ["--dataset=SJAFFE"], {"file"}),
        ("run --dataset own.csv --labels label:", ["label:joy", "label:fear"], set()),
        ("run --protocol wheel no", ["no wheel"], {"file"}),
        ("run --backbone resnet10", ["resnet101", "resnet101v2"], set()),
        ("run --split hold", ["hold-out"], set()),
        ("run --tune-for nosuch", [], set()),
        ("figure boxes --dataset ", ["first", "数据"], set()),
        ("figure boxes --models ", ["AA-kNN", '"Old, with comma"'], set()),
        ("figure boxes --models AA-kNN,o", ['AA-kNN,"Old, with comma"'], set()),
        ("figure boxes --out elsewhere --dataset ", [], set()),
        ("figure boxes --format p", ["pdf", "png"], set()),
        ("table 3 --to ", [], {"dir"}),
        ("check ", [], {"file"}),
        ("run --against ", ["reference"], {"dir"}),
        ("completion f", ["fish"], set()),
    ],
)
def test_what_is_offered(folder, line, values, others):
    assert completed(line) == (values, others)


def test_bash_gets_what_stands_behind_a_colon_and_an_equals_sign(monkeypatch):
    monkeypatch.setenv("LDL_WORD", "LDL_LR")  # what bash takes for the word
    assert completed("run pyldl:LDL_LR", "bash")[0] == ["LDL_LRR"]
    monkeypatch.setenv("LDL_WORD", "SJ")
    assert completed("run --dataset=SJ", "bash")[0] == ["SJAFFE"]


def test_every_option_that_takes_a_name_or_a_path_offers_something(folder):
    """So that a new option is not forgotten."""
    silent = {("new-model", "name"), ("fetch", "url"), ("run", "regressors"), ("table", "label")}
    commands = {**main.commands, **main.commands["datasets"].commands}
    for name, command in commands.items():
        for param in command.params:
            context = click.Context(command, info_name=name)
            if name == "run":
                context.params["datasets"] = ("own.csv",)
            free = {"CAPTION", "TEXT", "CM", "LABEL", "COLUMNS"} & {str(param.metavar)}
            if isinstance(param.type, click.types.StringParamType) and not free:
                offered = param.shell_complete(context, "")
                assert offered or (name, param.name) in silent, f"{name} {param.name}"


def test_nothing_heavy_is_imported_between_two_keys(folder):
    code = (
        "import sys, os\n"
        "from benchmark.cli import main\n"
        "for line in ['run SA', 'run --dataset S', 'figure c', 'figure boxes --models A',"
        " 'run --plugin mine.py M', 'datasets fetch S']:\n"
        "    os.environ['LDL_LINE'] = 'ldl-benchmark ' + line\n"
        "    try: main.main([])\n"
        "    except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'sklearn', 'matplotlib', 'keras', 'joblib', 'h5py'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "os.environ['LDL_LINE'] = 'ldl-benchmark table 3 --measures k'\n"
        "try: main.main([])\n"
        "except SystemExit: pass\n"
        "del os.environ['_LDL_BENCHMARK_COMPLETE']\n"
        "try: main.main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not heavy - {'numpy'} & set(sys.modules), heavy & set(sys.modules)\n"
    )
    env = {**os.environ, "_LDL_BENCHMARK_COMPLETE": "fish_complete"}
    done = subprocess.run([sys.executable, "-c", code], env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "plain\tSA-BFGS\tof the paper\n" in done.stdout
    assert "plain\tMy method\tof mine.py\n" in done.stdout
    assert "plain\tkl_divergence\tKLdiv\n" in done.stdout


# --- In the shells themselves ---------------------------------------------------------------------

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile"], 'eval "$(ldl-benchmark completion bash)"'),
    "zsh": (["zsh", "-f"], 'eval "$(ldl-benchmark completion zsh)"'),
    "fish": (["fish", "--no-config"], "ldl-benchmark completion fish | source"),
}


class Terminal:
    """A shell at a terminal, typed into."""

    def __init__(self, command, env):
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, env)  # noqa: S606 - no shell but the one meant

    def type(self, keys, expected):
        """Type, and wait until the screen shows something."""
        os.write(self.end, keys.encode())
        seen, last = "", time.monotonic() + 60
        while not re.search(expected, seen):
            assert time.monotonic() < last, f"{keys!r} gave {seen!r}"
            if select.select([self.end], [], [], 0.2)[0]:
                seen += os.read(self.end, 65536).decode(errors="replace")

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.end)


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_in_a_shell(folder, shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    program = tmp_path / "bin" / "ldl-benchmark"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m benchmark "$@"\n'
    )
    program.chmod(0o755)
    command, setup = SHELLS[shell]
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "TERM": "xterm",
           "EDITOR": "", "PS1": "$ ", "HOME": str(tmp_path), "COLUMNS": "160"}  # fmt: skip
    terminal = Terminal(command, env)
    try:
        terminal.type(f"{setup}; echo rea''dy\r", "ready\r\n")
        for typed, result in [
            ("run SA-B", "SA-BFGS"),
            ("run --protocol wheel no", "no wheel"),
            ("run --dataset=sjaf", "SJAFFE"),
            ("run PyLDL:LDL_LR", "LDL_LRR"),
            ("figure crit", "critical"),
            ("table 3 --measures cosine,kl", "cosine,kl_divergence"),
        ]:
            # then the line as the shell takes it, quotes gone, printed instead of run
            terminal.type(f"ldl-benchmark {typed}\t\x01echo '<'\x05'>'\r", f"<.*{result}.*>")
    finally:
        terminal.close()
