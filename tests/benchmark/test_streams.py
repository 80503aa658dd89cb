"""Standard streams (streams): closed, full, broken off or not waiting, they end no command."""

from __future__ import annotations

import fcntl
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.streams import make_steady, terminal_width

ROOT = Path(__file__).resolve().parents[2]
FULL = Path("/dev/full")

#: Six rows, two folds: seconds.
ROWS = "f1,label:a,label:b\n1,.1,.9\n2,.2,.8\n3,.3,.7\n4,.6,.4\n5,.5,.5\n6,.9,.1\n"


def in_shell(line, folder, **environment):
    """Run a line of shell in which $B is the command line: returncode, stdout, stderr."""
    given = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    line = line.replace("$B", f"{sys.executable} -m benchmark")
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=given, text=True, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip


def check_streams(line, folder, streams, code, **environment):
    """Give a command with its streams closed, full or broken off."""
    if "full" in streams and not FULL.exists():
        pytest.skip("there is no /dev/full here")
    done = in_shell(f"{line} {streams}", folder, **environment)
    assert done.returncode == code, done
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("streams", "code", "environment"),
    [
        (">&- 2>&- <&-", 0, {}), ("2>/dev/full", 0, {"PYTHONUNBUFFERED": "1"}),
        (">/dev/full 2>/dev/full", 1, {}), ("2>&1 | true", 0, {}),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_run_writes_its_tables_whatever_its_streams_do(tmp_path, streams, code, environment):
    (tmp_path / "d.csv").write_text(ROWS)
    # a plugin that prints must not fail for it either
    (tmp_path / "loud.py").write_text(
        "from baselines import AAKNN\nfrom benchmark import register\n\n\n"
        "@register('Loud')\nclass Loud(AAKNN):\n"
        "    def _fit(self, X, D):\n        print('fitting' * 9999, flush=True)\n"
        "        super()._fit(X, D)\n"
    )
    run = "$B run AA-kNN Loud --plugin loud.py --dataset d.csv --folds 2 --no-report --out r"
    check_streams(f"{run} --jobs 1", tmp_path, streams, code, **environment)
    values = (tmp_path / "r" / "scores.csv").read_text().splitlines()
    assert sum("Loud" in line for line in values) == 2 * 8


@pytest.mark.parametrize(("streams", "code"), [(">&-", 0), ("2>&-", 0), (">/dev/full", 1)])
@pytest.mark.slow
def test_a_command_writes_its_table_whatever_one_stream_does(command, tmp_path, streams, code):
    (tmp_path / "d.csv").write_text(ROWS)
    command("run", "AA-kNN", "--dataset", "d.csv", "--folds", 2, "--out", "r")
    check_streams("$B table 3 --out r --to t", tmp_path, streams, code)
    assert (tmp_path / "t" / "table3.csv").read_bytes() == (
        tmp_path / "r" / "table3.csv"
    ).read_bytes()


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.slow
def test_a_script_without_descriptors_computes(tmp_path):
    (tmp_path / "d.csv").write_text(ROWS)
    (tmp_path / "script.py").write_text(
        "from benchmark import run\n\nif __name__ == '__main__':\n"
        "    run('AA-kNN', datasets='d.csv', folds=2, report=False, out='r', show_progress=True)\n"
    )
    done = in_shell(f"{sys.executable} script.py >&- 2>&- <&-", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "r" / "scores.csv").exists()


@pytest.mark.parametrize("command", ["--version", "models"])
@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_what_cannot_be_printed_is_a_sentence(tmp_path, command, environment):
    done = in_shell(f"$B {command} >/dev/full", tmp_path, **environment)
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write to standard output: No space left on device\n"


def test_a_reader_who_leaves_is_no_error_worth_a_word(tmp_path):
    done = in_shell("$B models | head -1", tmp_path)
    assert done.stdout.startswith("Model ")
    assert done.stderr == ""


def test_a_working_folder_that_is_gone_is_a_sentence(tmp_path):
    for command in ("$B", str(Path(sys.executable).with_name("ldl-benchmark"))):
        done = in_shell(f"mkdir gone; cd gone; rmdir ../gone; {command} models", tmp_path)
        assert done.returncode == 2
        assert "the folder that this was started in is gone" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_pipe_that_does_not_wait_gets_everything(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmark.streams import lost_output, make_steady\n"
        "make_steady()\nprint('x' * 3_000_000)\nassert lost_output() is None\n"
    )
    reading, writing = os.pipe()
    flags = fcntl.fcntl(writing, fcntl.F_GETFL)
    fcntl.fcntl(writing, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    process = subprocess.Popen([sys.executable, "-c", program, str(ROOT)], stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert len(pipe.read()) == 3_000_001
    assert process.wait() == 0


def test_streams_that_somebody_put_in_place_stay(monkeypatch):
    mine = io.StringIO()
    monkeypatch.setattr(sys, "stdout", mine)
    make_steady()
    assert sys.stdout is mine


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "gbk"])
def test_names_that_a_terminal_cannot_write_stay_different(tmp_path, encoding):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from benchmark.streams import make_steady\n"
        "make_steady()\n"
        "print('δ-kNN', 'β-kNN', '中', '华', 'é', 'è', '😀', '😁', '\\ud800', '\\ud801')\n"
        "print('KL ↓ 1 †')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    *names, measure, arrow, one, sign = done.stdout.decode(encoding).split()
    assert len(set(names)) == 10
    assert "?" not in "".join(names)
    assert (measure, one) == ("KL", "1")
    assert arrow != sign


@pytest.mark.parametrize(
    ("columns", "width"), [("100", 100), ("", None), ("abc", None), ("0", None), ("-5", None)]
)
def test_a_file_has_no_width_unless_it_is_said(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert terminal_width() == width
