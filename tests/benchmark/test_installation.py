"""Which files Python takes for this project's packages; what type checkers see of them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import baselines
import benchmark
import ewmtcnn
from benchmark import installation
from benchmark.errors import UsageError

STRAY = {
    "SOURCE_DATE_EPOCH": "abc", "TQDM_MININTERVAL": "abc", "TQDM_NCOLS": "", "LOKY_PICKLER": "abc",
    "SKLEARN_WORKING_MEMORY": "1 GB", "SKLEARN_PAIRWISE_DIST_CHUNK_SIZE": "",
    "LOKY_MAX_CPU_COUNT": "1.5", "JOBLIB_START_METHOD": "abc",
}  # fmt: skip

ROOT = Path(__file__).resolve().parents[2]


def python(*arguments, cwd, path=()):
    places = os.pathsep.join(map(str, [*path, ROOT]))
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py"])
def test_files_in_the_working_folder_hide_no_package(tmp_path, form):
    for name in installation.OTHERS:
        file = tmp_path / form.format(name)
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise SystemExit('not ours')\n")
    done = python("-m", "benchmark", "models", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_files_in_the_working_folder_hide_no_module_from_workers(small, tmp_path):
    for name in ("random", "types", "tempfile", "loky", "features"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    run = ("run", "AA-kNN", "--dataset", small, "--folds", 2, "--jobs", 2, "--no-report")
    done = python("-m", "benchmark", *run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "not ours" not in done.stderr


@pytest.mark.parametrize("name", installation.OTHERS)
def test_a_file_that_is_searched_first_is_named(tmp_path, name):
    (tmp_path / "first").mkdir()
    file = tmp_path / "first" / f"{name}.py"
    file.write_text("")
    sentence = (
        f"{file.resolve()} hides the package {name!r} of ldl-benchmark; rename it, or take its "
        "folder out of where Python searches"
    )
    done = python("-m", "benchmark", "models", cwd=tmp_path, path=[tmp_path / "first"])
    assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")
    script = "import benchmark\ntry: benchmark.run\nexcept Exception as error: print(error)"
    done = python("-c", script, cwd=tmp_path / "first")
    assert (done.stdout, done.stderr) == (f"{sentence}\n", "")


@pytest.mark.slow
def test_a_folder_of_data_hides_nothing(tmp_path):
    (tmp_path / "features").mkdir()
    assert python("-m", "benchmark", "models", cwd=tmp_path).returncode == 0


def test_the_search_order_stays_where_the_working_folder_is_not_searched(monkeypatch):
    order = [str(installation.HOME), "/elsewhere"]
    monkeypatch.setattr(sys, "path", list(order))
    installation.search_first_folder_last()
    assert sys.path == order
    monkeypatch.setattr(sys, "path", ["/elsewhere", "/other"])
    installation.search_first_folder_last()
    assert sys.path == ["/other", "/elsewhere"]


def test_a_hidden_package_is_refused_in_this_process_too(monkeypatch, tmp_path):
    installation.refuse_hidden()
    monkeypatch.setattr(installation, "HOME", tmp_path)
    with pytest.raises(UsageError, match="hides the package 'baselines'"):
        installation.refuse_hidden()


@pytest.mark.parametrize("package", [benchmark, baselines, ewmtcnn])
def test_every_public_name_loads(package):
    assert dir(package) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def test_the_version_is_a_text():
    assert benchmark.__version__ == installation.version()
    assert benchmark.__version__[0].isdigit()


SCRIPT = """
import baselines, benchmark, ewmtcnn
reveal_type(benchmark.run)
reveal_type(benchmark.__version__)
reveal_type(baselines.SABFGS().fit)
reveal_type(ewmtcnn.EWMTCNN)
benchmark.rnu
reveal_type(benchmark.table(3))
reveal_type((benchmark.figure("boxes"), benchmark.figure("all")))
benchmark.run("AA-kNN", fold=3)
benchmark.run("AA-kNN", folds="3")
benchmark.table(3, stdd=True)
"""


@pytest.mark.slow
def test_types_are_visible_from_outside(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    options = ["--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache"]
    done = python("-m", "mypy", *options, "script.py", cwd=tmp_path)
    said = [line for line in done.stdout.splitlines() if ": note: " not in line or "Reveal" in line]
    run, version, fit, network, misspelt, table, figures, fold, text, std, _ = said
    assert ".Study" in run
    assert 'Revealed type is "str"' in version
    assert "numpy" in fit
    assert "ewmtcnn.estimator.EWMTCNN" in network
    assert 'Module has no attribute "rnu"' in misspelt
    assert "answers.tables.Table" in table
    assert figures.index("answers.figures.Figure,") < figures.index("answers.figures.Figures]")
    assert 'Unexpected keyword argument "fold" for "run"; did you mean "folds"?' in fold
    assert 'incompatible type "str"; expected "int | None"' in text
    assert 'Unexpected keyword argument "stdd" for "table"; did you mean "std"?' in std
    for package in ("baselines", "benchmark", "ewmtcnn", "features"):
        assert (ROOT / package / "py.typed").exists()


@pytest.mark.slow
def test_settings_of_libraries_in_the_environment_end_no_run(tmp_path, monkeypatch):
    for name, value in STRAY.items():
        monkeypatch.setenv(name, value)
    lines = ["f1,label:a,label:b", *(f"{k % 7},0.{k},{1 - k / 10:.1f}" for k in range(1, 10))]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    command = ("-m", "benchmark", "run", "AA-kNN", "--dataset", "d.csv", "--folds", "3")
    done = python(*command, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_a_number_in_the_environment_is_kept(monkeypatch):
    for name, value in {**STRAY, "LOKY_MAX_CPU_COUNT": "3", "TQDM_NCOLS": "80"}.items():
        monkeypatch.setenv(name, value)
    installation.drop_stray_variables()
    assert {name for name in STRAY if name in os.environ} == {"LOKY_MAX_CPU_COUNT", "TQDM_NCOLS"}


def test_packages_are_asked_again_only_when_one_came(tmp_path, monkeypatch):
    asked = []
    true = metadata.entry_points
    monkeypatch.setattr(metadata, "entry_points", lambda **k: asked.append(k) or true(**k))
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[made.up]\n{name} = {name}:Class\n")

    install("one")
    for _ in range(3):
        assert [point.name for point in installation.entry_points("made.up")] == ["one"]
    assert len(asked) == 1
    install("two")
    assert {point.name for point in installation.entry_points("made.up")} == {"one", "two"}
