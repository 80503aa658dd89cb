"""The command line end to end: what a user sees, keeps and gets back.

Also tests `benchmark.cli`, `benchmark.commands.options` and the files of commands that are below
`benchmark.commands.line`: `benchmark.commands.line.data`, `benchmark.commands.line.figure`,
`benchmark.commands.line.methods`, `benchmark.commands.line.report`,
`benchmark.commands.line.run`, `benchmark.commands.line.table`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.run import RunSettings
from benchmark.metrics import MEASURES
from benchmark.planning.settings import Overrides

BAD_MODELS = Path(__file__).parents[1] / "plugins" / "bad_models.py"
QUICK = ["AA-kNN", "PT-Bayes", "SA-BFGS", "AA-BP"]


@pytest.mark.slow
def test_a_run_leaves_everything_a_paper_needs(command, small, tmp_path):
    done = command("run", *QUICK, "--dataset", small, "--folds", 3, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "AA-kNN" in done.stdout
    assert "mean distribution" in done.stdout
    out = tmp_path / "out"
    table = pd.read_csv(out / "table3.csv")
    columns = [c for m in MEASURES for c in (m.name, f"{m.name}_std", f"{m.name}_rank")]
    assert list(table.columns[:27]) == ["dataset", "model", *columns, "mean_rank"]
    assert list(table["model"]) == [*QUICK, "mean distribution", "uniform"]
    scores = pd.read_csv(out / "scores.csv")
    assert list(scores.columns) == ["dataset", "model", "repeat", "fold", "measure", "value"]
    assert len(scores) == 6 * 3 * len(MEASURES)
    mine = scores.query("model == 'AA-kNN' and measure == 'cosine'")["value"]
    assert table.set_index("model").loc["AA-kNN", "cosine"] == pytest.approx(mine.mean())
    timings = pd.read_csv(out / "timings.csv")
    assert len(timings) == 4 * 3
    assert (timings[["fit_seconds", "predict_seconds"]] > 0).all(axis=None)
    assert timings.query("model == 'SA-BFGS'")["converged"].notna().all()
    run = json.loads((out / "run.json").read_text())
    assert run["seed"] == 0
    assert run["datasets"][0]["rows"] == 60
    assert [m["name"] for m in run["models"]] == QUICK
    assert "numpy" in run["versions"]
    folds = pd.read_csv(out / "folds" / "small.csv")
    assert sorted(folds["repeat0"].unique()) == [0, 1, 2]
    assert not (out / "running").exists()


@pytest.mark.slow
def test_results_do_not_depend_on_jobs_order_or_restart(command, small, tmp_path):
    options = ["--dataset", small, "--folds", 3, "--seed", 5]
    command("run", *QUICK, *options, "--jobs", 2, "--out", "a")
    command("run", *QUICK, *options, "--jobs", 1, "--out", "b")
    command("run", *reversed(QUICK), *options, "--jobs", 2, "--out", "c")
    command("run", QUICK[2], *options, "--out", "c")  # another run in the same folder
    again = command("run", *QUICK, *options, "--out", "c")
    assert "12 done before, 0 to do" in again.stderr
    texts = {(tmp_path / out / "scores.csv").read_bytes() for out in "abc"}
    assert len(texts) == 1
    other = command("run", *QUICK, *options[:-1], 6, "--out", "d")
    assert other.returncode == 0
    assert (tmp_path / "d" / "scores.csv").read_bytes() not in texts


@pytest.mark.slow
def test_changed_settings_are_computed_anew(command, small, tmp_path):
    options = ["AA-kNN", "--dataset", small, "--out", "out", "--folds", 3]
    command("run", *options)
    first = (tmp_path / "out" / "scores.csv").read_bytes()
    protocol = tmp_path / "five.toml"
    protocol.write_text('folds = 3\n[models."AA-kNN"]\nk = 5\n')
    changed = command("run", *options[:-2], "--protocol", protocol)
    assert "0 done before, 3 to do" in changed.stderr
    assert (tmp_path / "out" / "scores.csv").read_bytes() != first
    back = command("run", *options)
    assert "3 done before, 0 to do" in back.stderr
    assert (tmp_path / "out" / "scores.csv").read_bytes() == first
    forced = command("run", *options, "--force")
    assert "0 done before, 3 to do" in forced.stderr
    assert (tmp_path / "out" / "scores.csv").read_bytes() == first


def test_a_changed_plugin_or_dataset_is_computed_anew(command, small, plugin, tmp_path):
    path = plugin(
        "def _fit(self, X, D):\n    pass\n"
        "def _predict(self, X):\n    return np.full((len(X), 4), 0.25)"
    )
    options = ["run", "mine", "--plugin", path, "--dataset", small, "--folds", 2, "--out", "o"]
    assert "2 to do" in command(*options).stderr
    assert "0 to do" in command(*options).stderr
    path.write_text(path.read_text() + "\n# a change\n")
    assert "2 to do" in command(*options).stderr
    from scipy.io import loadmat, savemat

    content = loadmat(small)
    savemat(small, {"features": content["features"] * 2, "labels": content["labels"]})
    assert "2 to do" in command(*options).stderr


SLEEPS = """
import pathlib
import time

import numpy as np

from baselines import LDLEstimator
from benchmark import register


@register("Sleeps")
class Sleeps(LDLEstimator):
    search_space = {"share": (0.9, 0.5, 0.1)}

    def __init__(self, share=1.0):
        self.share = share

    def _fit(self, X, D):
        with pathlib.Path("{folder}/fits").open("a") as fits:
            fits.write("fit\\n")
        if len(pathlib.Path("{folder}/fits").read_text().split()) == 6:
            time.sleep(3600)
        self.mean_ = self.share / D.shape[1] + (1 - self.share) * D.mean(axis=0)

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))
"""


@pytest.mark.slow
def test_a_search_out_of_time_says_that_it_goes_on(command, small, tmp_path):
    """A fit in the second of three inner folds hangs; the next command begins with that one.

    There are a fit without a search, four in each inner fold, and one of what was chosen.
    """
    (tmp_path / "sleeps.py").write_text(SLEEPS.replace("{folder}", str(tmp_path)))
    options = ["run", "Sleeps", "--tune", "--plugin", "sleeps.py", "--dataset", small, "--folds", 2,
               "--out", "out", "--jobs", 1, "--task-timeout", 1]  # fmt: skip
    done = command(*options)
    assert done.returncode == 1
    assert (
        "Sleeps (tuned) failed in 1 fold of small: stopped after the time limit of 1 s "
        "(--task-timeout); what it has scored is kept, and the same command goes on from there"
    ) in done.stderr
    fits, before = tmp_path / "fits", (1 + 4 + 1) + (1 + 4 + 4 + 4 + 1)  # in either fold
    assert len(fits.read_text().split()) == before
    done = command(*options)
    assert done.returncode == 0, done.stderr
    assert len(fits.read_text().split()) == before + 4 + 4 + 1


@pytest.mark.slow
def test_bad_models_fail_alone(command, small, tmp_path):
    """Every way to fail that a plugin has; the others finish, the table shows the gaps.

    What costs seconds or a process is done in one of two folds.
    """
    bad = ["Raises", "Exits", "NoDistribution", "NoNumbers"]
    once = ["Hangs", "HangsHard", "Crashes", "Leaves", "FailsOnce"]
    done = command(
        "run", *bad, *once, "AA-kNN", "--plugin", BAD_MODELS, "--dataset", small,
        "--folds", 2, "--task-timeout", 1, "--out", "out",
    )  # fmt: skip
    assert done.returncode == 1
    table = pd.read_csv(tmp_path / "out" / "table3.csv").set_index("model")
    assert table.loc["AA-kNN", "mean_rank"] == 1
    assert (table.loc[bad, "folds"] == 0).all()
    assert (table.loc[once, "folds"] == 1).all()
    assert table.loc[[*bad, *once], "chebyshev"].isna().all()
    for sentence in (
        "Raises failed in 2 folds of small: RuntimeError: out of ideas",
        "Hangs failed in 1 fold of small: stopped after the time limit of 1 s",
        "HangsHard failed in 1 fold of small: its process was ended",
        "Crashes failed in 1 fold of small: its process died, by a crash",
        "Leaves failed in 1 fold of small: its code, or a library that it uses, ended its process "
        "(exit code 3)",
        "Exits failed in 2 folds of small: SystemExit: 5",
        "NoDistribution failed in 2 folds of small: ValueError: the prediction",
        "NoNumbers failed in 2 folds of small: ValueError: the prediction",
        "FailsOnce failed in 1 fold of small: ValueError: no outlier",
    ):
        assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    log = (tmp_path / "out" / "log.txt").read_text()
    assert 'raise RuntimeError("out of ideas\\nsecond line")' in log
    assert "Segmentation fault" in log
    again = command("table", 3, "--out", "out")
    assert again.returncode == 1
    assert again.stdout.splitlines()[:12] == done.stdout.splitlines()[:12]


def test_table_makes_every_file_again_without_a_model(command, small, tmp_path):
    command("run", "AA-kNN", "SA-BFGS", "--dataset", small, "--folds", 2)
    out = tmp_path / "results" / "runs" / "small"
    names = ["scores.csv", "timings.csv", "table3.csv", "table3.tex", "table3.md"]
    before = {name: (out / name).read_bytes() for name in names}
    for name in names:
        (out / name).unlink()
    (out / "scores.csv").write_text("damaged by hand")
    done = command("table", 3)  # finds the latest run itself
    assert done.returncode == 0, done.stderr
    assert {name: (out / name).read_bytes() for name in names} == before
    assert "±" not in (out / "table3.md").read_text()
    command("table", 3, "--std")
    assert "±" in (out / "table3.md").read_text()


@pytest.mark.slow
def test_damaged_results_are_told_and_computed_again(command, small, tmp_path):
    options = ["run", "AA-kNN", "SA-BFGS", "--dataset", small, "--folds", 2, "--out", "out"]
    command(*options)
    scores = (tmp_path / "out" / "scores.csv").read_bytes()
    task = next((tmp_path / "out" / "tasks").rglob("*.npz"))
    content = bytearray(task.read_bytes())
    content[len(content) // 2] ^= 0xFF
    task.write_bytes(content)
    table = command("table", 3, "--out", "out")
    assert table.returncode == 1
    assert f"{task.name} is damaged" in table.stderr
    again = command(*options)
    assert again.returncode == 0
    assert f"{task.name} is damaged" in again.stderr
    assert "3 done before, 1 to do" in again.stderr
    assert (tmp_path / "out" / "scores.csv").read_bytes() == scores
    for name in ("run.json", "data/small.npz"):
        (tmp_path / "out" / name).write_text("{}")
        table = command("table", 3, "--out", "out")
        assert table.returncode == 1
        assert f"{Path(name).name} is damaged" in table.stderr
        assert "give the same run command again" in table.stderr
        assert command(*options).returncode == 0
        assert (tmp_path / "out" / "scores.csv").read_bytes() == scores


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(command, small, tmp_path, plugin):
    """The model waits for a file, so that no run is over before it is interrupted."""
    path = plugin(
        "def _fit(self, X, D):\n    import pathlib, time\n"
        f"    while not pathlib.Path({str(tmp_path / 'GO')!r}).exists(): time.sleep(0.01)\n"
        "def _predict(self, X):\n    return np.full((len(X), 4), 0.25)"
    )
    arguments = ["run", "mine", "aa-knn", "--plugin", str(path), "--dataset", str(small),
                 "--folds", "10", "--out", "out", "--no-report"]  # fmt: skip
    root = Path(__file__).resolve().parents[3]
    env = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *arguments, "--jobs", "2"],
        cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not list(tmp_path.glob("out/tasks/**/*.npz")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the run
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "interrupted: " in errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "scores.csv").exists()
    kept = len(list(tmp_path.glob("out/tasks/**/*.npz")))
    assert kept >= 1
    (tmp_path / "GO").touch()
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"{kept} done before, {20 - kept} to do" in done.stderr


@pytest.mark.slow
def test_a_full_disk_is_told_and_nothing_is_lost(small, tmp_path, monkeypatch):
    import errno

    import benchmark
    from benchmark.store import run_folder as store

    real, calls = store.write_arrays, []

    def fills_up(path, arrays, **settings):
        calls.append(path)
        if len(calls) > 3:  # the truth, and two results
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, arrays, **settings)

    options = {"datasets": [small], "folds": 4, "out": tmp_path / "out", "jobs": 1, "report": False}
    monkeypatch.setattr(store, "write_arrays", fills_up)
    with pytest.raises(benchmark.BenchmarkError, match=r"cannot write .*No space left") as caught:
        benchmark.run(["AA-kNN"], **options)
    assert caught.value.exit_code == 1
    monkeypatch.undo()
    told = []
    study = benchmark.run(["AA-kNN"], **options, tell=told.append)
    assert "2 done before, 2 to do" in told[0]
    assert study.complete


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run"], "no model to run: name some, or give --all"),
        (["run", "kNN"], "no model named 'kNN'; did you mean 'AA-kNN'"),
        (["run", "AA-kNN", "--dataset", "none.mat"], "no such file: none.mat"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--dataset", "SMALL"], "two datasets"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--folds", "61"], "60 rows cannot be split"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--folds", "1"], "needs at least 2"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--jobs", "0"], "--jobs must be at least 1"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--seed", "-1"], "--seed must not be negative"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--task-timeout", "-1"], "--task-timeout must"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--out", "/dev/null/x"], "cannot write to"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--out", "/proc/x"], "cannot write to"),
        (["run", "AA-kNN", "--dataset", "SMALL", "--plugin", "none.py"], "no such plugin file"),
        (["run", "AA-kNN", "--protocol", "none.toml"], "no protocol 'none.toml'"),
        (["run", "AA-kNN", "--protocol", "paper"], "names no dataset"),
        (["table", "3"], "there is no run below"),
        (["table", "3", "--out", "."], "holds no run"),
        (["table", "9"], "is none of 1, 3, 4, wheel, tests"),
        (["check", "none.py"], "no such plugin file"),
        (["new-model", "AA-KNN"], "is taken"),
        (["nothing"], "No such command"),
        (["datasets", "--data-dir", "a", "fetch", "FI", "--data-dir", "b"], "is given twice"),
        (["features", "--dataset", "synthetic:60", "--size", "0"], "--size must be at least 32"),
    ],
)
def test_usage_errors_are_one_sentence(arguments, sentence, command, small, tmp_path):
    done = command(*[small if argument == "SMALL" else argument for argument in arguments])
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.rglob("*.npz"))


def test_lists(command, tmp_path):
    models = command("models").stdout
    assert all(name in models for name in QUICK)
    assert "synthetic" in command("datasets").stdout


def test_new_model_checks_and_runs(command, small, tmp_path):
    written = command("new-model", 'My "New" Method')
    assert written.returncode == 0, written.stderr
    path = tmp_path / "my_new_method.py"
    checked = command("check", path)
    assert checked.returncode == 0, checked.stdout
    assert "follows the contract" in checked.stdout
    assert command("new-model", 'My "New" Method').returncode == 2  # never overwrites
    done = command("run", 'my "new" method', "--plugin", path, "--dataset", small, "--folds", 2)
    assert done.returncode == 0, done.stderr
    assert 'My "New" Method' in done.stdout


@pytest.mark.slow
def test_help_is_light_and_no_command_loads_tensorflow(small, tmp_path):
    """What is imported decides how long it takes; times themselves are measured in tests/perf."""
    code = (
        "import sys; from benchmark.cli import main\n"
        "for arguments in {commands!r}:\n"
        "    try: main(arguments)\n"
        "    except SystemExit as end: assert not end.code\n"
        "print([m for m in {modules!r} if m in sys.modules])"
    )

    def loaded(commands, modules):
        script = code.format(commands=commands, modules=modules)
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    assert loaded([["--help"]], ["numpy", "pandas", "scipy", "sklearn", "joblib"]) == "[]"
    run = ["run", "AA-kNN", "--dataset", str(small), "--folds", "2", "--jobs", "1"]
    commands = [run, ["table", "3"], ["models"], ["datasets"]]  # one after the other: none does
    assert loaded(commands, ["tensorflow", "keras", "torch", "jax"]) == "[]"


def test_python_interface_gives_numbers(small, tmp_path):
    import benchmark

    options = {"datasets": [small], "folds": 3, "out": tmp_path / "o", "report": False}
    study = benchmark.run(["aa-knn"], **options, jobs=1)
    assert study.complete
    assert study.failures == []
    assert np.isfinite(study.summary.loc[0, "kl_divergence"])
    again = benchmark.table(tmp_path / "o")
    pd.testing.assert_frame_equal(again.summary, study.summary)


def test_force_never_passes_an_old_result_for_a_new_one(command, small, plugin, tmp_path):
    path = plugin(
        "def _fit(self, X, D):\n    import pathlib\n"
        f"    if pathlib.Path({str(tmp_path / 'FAIL')!r}).exists(): raise RuntimeError('now')\n"
        "def _predict(self, X):\n    return np.full((len(X), 4), 0.25)",
        name="Forced",  # the workers may know another test's plugin by the usual name
    )
    options = ["run", "forced", "--plugin", path, "--dataset", small, "--folds", 2, "--out", "out"]
    assert command(*options).returncode == 0
    (tmp_path / "FAIL").touch()
    assert command(*options).returncode == 0  # nothing to do
    forced = command(*options, "--force")
    assert forced.returncode == 1
    assert "0/2 folds" in forced.stdout


def test_nothing_of_the_users_is_overwritten(command, small, tmp_path):
    (tmp_path / "work" / "running").mkdir(parents=True)
    (tmp_path / "work" / "scores.csv").write_text("precious")
    done = command("run", "AA-kNN", "--dataset", small, "--out", "work")
    assert done.returncode == 2
    assert "is not empty and holds no run" in done.stderr
    assert (tmp_path / "work" / "scores.csv").read_text() == "precious"
    assert (tmp_path / "work" / "running").is_dir()


@pytest.mark.slow
def test_two_sizes_of_the_synthetic_set_are_two_datasets(command, keras_once, tmp_path):
    both = ["--dataset", "synthetic:30x16", "--dataset", "synthetic:40x16"]
    done = command("run", "AA-kNN", *both, "--folds", 2, "--out", "out")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "table3.csv")
    assert list(table["dataset"].unique()) == ["synthetic-30x16", "synthetic-40x16"]
    again = command("run", "AA-kNN", *both[:2], *both[:2], "--out", "out")
    assert again.returncode == 2
    assert "two datasets are called 'synthetic-30x16'" in again.stderr


def test_data_in_memory_and_single_names(problem, tmp_path):
    import benchmark

    data = benchmark.make_dataset("memory", *problem)
    study = benchmark.run("aa-knn", datasets=data, folds=2, out=tmp_path / "out", report=False)
    assert study.summary["dataset"].unique().tolist() == ["memory"]
    with pytest.raises(benchmark.UsageError, match="folds must be a whole number"):
        benchmark.run("aa-knn", datasets=data, folds=2.5, out=tmp_path / "out")


def test_installed_outside_of_its_folder(tmp_path):
    """The packages are found by what is installed, not because the tests run beside them."""
    done = subprocess.run(
        [sys.executable, "-c", "from benchmark import register, run; import baselines.pt_svm"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_terminal_without_arrows_shows_the_table(command, small, tmp_path):
    command("run", "AA-kNN", "--dataset", small, "--folds", 2)
    arguments = [sys.executable, "-m", "benchmark", "table", "3"]
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(arguments, cwd=tmp_path, env=env, capture_output=True, encoding="latin-1")
    assert done.returncode == 0, done.stderr
    assert "Cheb v" in done.stdout


def test_the_typed_settings_are_those_that_there_are():
    assert get_type_hints(RunSettings) == get_type_hints(Overrides)
