"""Files and folders of any name that a disk takes: used as they are, or refused at the start."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from miniature import make_fi

PLUGIN = (
    "import numpy as np\n"
    "from baselines import LDLEstimator\n"
    "from benchmark import register\n"
    "@register({name!r})\n"
    "class Mean(LDLEstimator):\n"
    "    def _fit(self, X, D): self.mean_ = D.mean(axis=0)\n"
    "    def _predict(self, X): return np.tile(self.mean_, (len(X), 1))\n"
)


def table(path, start=b""):
    rng = np.random.default_rng(0)
    values = np.hstack([rng.normal(size=(20, 2)), rng.dirichlet(np.ones(3), 20)])
    lines = ["f1,f2,label:a,label:b,label:c", *(",".join(map(str, row)) for row in values)]
    path.write_bytes(start + "\n".join(lines).encode())
    return path


@pytest.fixture
def run(command, tmp_path):
    """Run AA-kNN on a small table, with further arguments."""
    table(tmp_path / "t.csv")

    def call(*arguments, dataset="t.csv", model="AA-kNN"):
        return command(
            "run", model, f"--dataset={dataset}", "--folds", "2", "--jobs", "1", *arguments
        )

    return call


@pytest.mark.parametrize("name", [b"\xff\xfe", b"new\nline", b"...", b"x" * 251])
def test_a_dataset_of_any_name_is_shown_in_all_outputs(run, command, name):
    path = table(Path(os.fsdecode(name + b".csv")))
    done = run(dataset=path)
    assert done.returncode == 0, done.stderr
    for arguments in (("table", "4"), ("figure", "boxes", "--format", "svg")):
        again = command(*arguments)
        assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_the_report_of_a_dataset_whose_name_is_no_text(run, command):
    table(Path(os.fsdecode(b"\xff.csv")))
    assert run("--out", "r", dataset=os.fsdecode(b"\xff.csv")).returncode == 0
    assert command("report", "--out", "r").returncode == 0
    assert "\\udcff" in Path("r/report.html").read_text()


@pytest.mark.slow
def test_many_datasets_have_a_short_folder_that_is_found_again(command, tmp_path):
    paths = [table(tmp_path / f"a_rather_long_name_of_a_dataset_{i}.csv") for i in range(12)]
    given = [word for path in paths for word in ("--dataset", path)]
    arguments = ("run", "AA-kNN", *given, "--folds", "2", "--jobs", "1")
    assert "0 done before" in command(*arguments).stderr
    assert "24 done before, 0 to do" in command(*arguments).stderr
    assert len(list(Path("results/runs").iterdir())) == 1
    assert command("table", "3").returncode == 0


@pytest.mark.slow
def test_image_files_whose_names_are_no_text(command, keras_once, tmp_path):
    folder = make_fi(tmp_path / "data") / "fear"
    first = min(folder.iterdir())
    first.rename(first.with_name(os.fsdecode(b"\xff.jpg")))
    done = command(
        *("run", "AA-kNN", "--dataset", "FI", "--backbone", "small", "--weights", "random"),
        *("--folds", "2", "--jobs", "1", "--out", "r"),
    )
    assert done.returncode == 0, done.stderr
    assert "fear/\\udcff.jpg" in Path("r/folds/FI.csv").read_text()


@pytest.mark.parametrize("option", ["--out", "--cache-dir", "--data-dir"])
def test_folders_whose_names_are_no_text(run, command, option):
    folder = os.fsdecode(b"folder\xff")
    assert run(f"{option}={folder}").returncode == 0
    if option == "--out":
        assert command("table", "3", f"--out={folder}").returncode == 0
        assert command("table", "4", f"--out={folder}", f"--to={folder}2").returncode == 0


@pytest.mark.parametrize(("file", "start"), [(b"p\xff.py", b""), (b"bom.py", b"\xef\xbb\xbf")])
def test_a_plugin_of_any_name_with_a_byte_order_mark(run, command, file, start):
    name = f"Mean {len(file)}"
    Path(os.fsdecode(file)).write_bytes(start + PLUGIN.format(name=name).encode())
    done = run(f"--plugin={os.fsdecode(file)}", model=name)
    assert done.returncode == 0, done.stderr
    assert command("check", os.fsdecode(file)).returncode == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xef\xbb\xbffolds = 2\n", 0),
        ("folds = 2\n".encode("utf-16"), 2),
        (b"# caf\xe9\nfolds = 2\n", 2),
        (b"x = " + b"[" * 100_000, 2),
        (b"", 0),
    ],
)
def test_protocols_in_other_encodings(run, content, code):
    file = Path(os.fsdecode(b"\xff.toml"))
    file.write_bytes(content)
    done = run(f"--protocol={file}")
    assert done.returncode == code
    assert code == 0 or re.search(r"Error: .*\.toml is not a TOML file in UTF-8: .+\n", done.stderr)


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("file", "cannot write to file"),
        ("file/x", "cannot write to file/x"),
        ("loop", "cannot write to loop"),
        ("loop/x", "cannot write to loop/x"),
        ("x" * 256, "File name too long"),
        ("a/" * 1500, "File name too long"),
        (".", "is not empty and holds no run"),
        ("", "--out is empty; give something, or leave it out"),
    ],
)
def test_folders_that_cannot_be(run, out, said):
    Path("file").touch()
    Path("loop").symlink_to("loop")
    done = run("--out", out)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(("run", option, "") for option in ("--dataset", "--protocol", "--out", "--data-dir",
                                             "--cache-dir", "--plugin", "--weights", "--backbone")),
        *((name, option, "") for name in ("report", "compare") for option in ("--out", "--to")),
        ("run", ""), ("table", "3", "--out", ""), ("table", "4", "--to", ""),
        ("figure", "1", "--dataset", ""), ("datasets", "--data-dir", ""), ("check", ""),
        ("datasets", "fetch", "FI", "--data-dir", ""), ("new-model", "x", "--out", ""),
        ("features", "--dataset", ""),
    ],
)  # fmt: skip
def test_empty_words_are_refused(command, arguments):
    done = command(*arguments)
    assert done.returncode == 2
    assert re.fullmatch(r"Error: \S+ is empty; give something, or leave it out\n", done.stderr)
    assert list(Path.cwd().iterdir()) == []


def test_the_home_folder_is_meant_by_a_tilde(run, command, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert run("--out=~/r").returncode == 0
    assert (home / "r" / "run.json").exists()
    assert command("table", "4", "--out=~/r", "--out=second=~/r", "--to=~/t").returncode == 0
    assert (home / "t" / "table4.md").exists()
    assert not Path("~").exists()
