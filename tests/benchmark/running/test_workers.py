"""Workers survive what models do to them; see also test_bad_models_fail_alone of commands/run.

Also tests `benchmark.running.local`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BAD_MODELS = Path(__file__).parents[1] / "plugins" / "bad_models.py"


def test_a_model_that_litters_harms_no_other_and_repeats(command, small, tmp_path):
    """Floating point errors, working folder, stdout and global generators are put back."""
    names = ["Litters", "PT-Bayes", "AA-BP", "Unspeakable", "AA-kNN"]
    texts = []
    for jobs in (1, 2):
        done = command("run", *names, "--plugin", BAD_MODELS, "--dataset", small, "--folds", 3,
                       "--jobs", jobs, "--out", f"out{jobs}")  # fmt: skip
        assert done.returncode == 1
        assert "litter" not in done.stdout
        table = pd.read_csv(tmp_path / f"out{jobs}" / "table3.csv").set_index("model")
        assert table.loc["Unspeakable", "folds"] == 0
        assert (table.drop("Unspeakable")["folds"] == 3).all()
        texts.append((tmp_path / f"out{jobs}" / "scores.csv").read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_class_that_workers_cannot_load_fails_alone(small, tmp_path, clean_registry):
    """As one of a module that exists in this process only."""
    import types

    import benchmark

    module = types.ModuleType("a_module_of_this_process")
    sys.modules[module.__name__] = module
    exec(  # noqa: S102
        "from baselines import AAKNN\nclass Loaded(AAKNN):\n    pass\n", module.__dict__
    )
    benchmark.register("Loaded")(module.Loaded)
    try:
        study = benchmark.run(
            ["AA-kNN", "Loaded"], datasets=small, folds=3, out=tmp_path / "out", report=False
        )
    finally:
        del sys.modules[module.__name__]
    summary = study.summary.set_index("model")
    assert summary.loc["AA-kNN", "folds"] == 3
    assert summary.loc["Loaded", "folds"] == 0
    assert "cannot load it" in study.failures[0].error


LITTLE = """
def _predict(self, X):
    return np.full((len(X), self.n_labels_), 1 / self.n_labels_)

def _fit(self, X, D):
"""


def fits(code):
    lines = "\n".join(f"    {line}" for line in code.strip().splitlines())
    return f"{LITTLE}{lines}\n"


@pytest.mark.slow
def test_a_model_whose_process_is_killed_once_is_run_again_alone(command, plugin, small, tmp_path):
    """As where memory has no room for two at a time."""
    once = f"""
import pathlib, os
path = pathlib.Path({str(tmp_path / "killed")!r})
if not path.exists():
    path.touch()
    os.kill(os.getpid(), 9)
"""
    done = command("run", "mine", "AA-kNN", "--plugin", plugin(fits(once)), "--dataset", small,
                   "--folds", 2, "--jobs", 2, "--out", "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "killed").exists()


@pytest.mark.slow
def test_a_model_whose_process_is_always_killed_is_told_by_name(command, plugin, small):
    path = plugin(fits("import os; os.kill(os.getpid(), 9)"))
    done = command("run", "mine", "AA-kNN", "--plugin", path, "--dataset", small,
                   "--split", "hold-out")  # fmt: skip
    assert done.returncode == 1
    assert (
        "Mine failed in 1 fold of small: its process died, by a crash or for want of memory "
        "(SIGKILL)"
    ) in done.stderr
    assert "AA-kNN failed" not in done.stderr


@pytest.mark.slow
def test_what_a_model_says_at_length_is_bounded(command, plugin, small, tmp_path):
    body = fits(
        """
import sys, warnings
for number in range(5000):
    warnings.warn(f"number {number} {'x' * 1000}")
for _ in range(100):
    sys.stdout.write("y" * 10 ** 5)
raise ValueError("z" * 10 ** 7)
"""
    )
    done = command("run", "mine", "--plugin", plugin(body), "--dataset", small, "--folds", 2,
                   "--out", "out")  # fmt: skip
    assert done.returncode == 1
    log = (tmp_path / "out" / "log.txt").read_text()
    assert len(log) < 200_000
    assert "4,980 more warnings, which are left out" in log
    assert len(done.stderr) < 200_000
    assert (tmp_path / "out" / "failures.json").stat().st_size < 100_000


@pytest.mark.slow
def test_large_data_is_read_from_one_file(command, plugin, tmp_path):
    """What a model computes of it is the same, and nothing stays."""
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(600, 300)), rng.dirichlet(np.ones(3), 600)
    columns = {f"f{j}": X[:, j] for j in range(300)} | {f"label:{j}": D[:, j] for j in range(3)}
    pd.DataFrame(columns).to_csv(tmp_path / "large.csv", index=False)
    seen = tmp_path / "seen"
    body = fits(f"open({str(seen)!r}, 'a').write(f'{{type(X).__name__}} {{X.sum():.6f}}\\n')")
    done = command("run", "mine", "AA-kNN", "--plugin", plugin(body), "--dataset", "large.csv",
                   "--folds", 2, "--jobs", 1, "--out", "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    sums = [float(line.split()[1]) for line in seen.read_text().splitlines()]
    assert sum(sums) == pytest.approx(X.sum())  # two folds: each row is in one training set
    assert {line.split()[0] for line in seen.read_text().splitlines()} == {"ndarray"}
    assert not (tmp_path / "out" / "running").exists()


@pytest.mark.slow
def test_copies_of_a_process_that_has_run_have_workers_of_their_own(small, tmp_path):
    """As those of a pool that a script starts after its first run."""
    script = """
import multiprocessing, os, sys
import benchmark

def run(out):
    return benchmark.run("AA-kNN", datasets=sys.argv[1], folds=2, out=out, report=False).missing

print(run("first"))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(run, ["second", "third"]))
"""
    done = subprocess.run([sys.executable, "-c", script, small], cwd=tmp_path, text=True,
                          capture_output=True, timeout=120)  # fmt: skip
    assert done.stdout.split("\n") == ["0", "[0, 0]", ""], done.stderr
    texts = {(tmp_path / out / "scores.csv").read_bytes() for out in ("first", "second", "third")}
    assert len(texts) == 1


@pytest.mark.slow
def test_a_working_folder_that_goes_while_a_run_is_at_work_costs_no_task(plugin, small, tmp_path):
    folder = tmp_path / "passing"
    folder.mkdir()
    path = plugin(fits(f"import shutil; shutil.rmtree({str(folder)!r}, ignore_errors=True)"))
    line = [sys.executable, "-m", "benchmark", "run", "AA-kNN", "Mine", "--plugin", path,
            "--dataset", small, "--folds", "2", "--jobs", "1", "--no-report", "--out",
            tmp_path / "o"]  # fmt: skip
    done = subprocess.run(line, cwd=folder, text=True, capture_output=True, timeout=120)
    assert not folder.exists()
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("how", ["os.rename(out, moved)", "shutil.rmtree(out)"])
def test_a_run_folder_that_is_moved_or_removed_while_a_run_is_at_work_is_told(
    how, command, plugin, small, tmp_path
):
    """In a sentence; what is stored in its place afterwards is not computed again."""
    out, moved, once = tmp_path / "out", tmp_path / "moved", tmp_path / "once"
    body = fits(
        f"""
import os, shutil
out, moved, once = {str(out)!r}, {str(moved)!r}, {str(once)!r}
if not os.path.exists(once):
    open(once, "w").close()
    {how}
"""
    )
    line = ["run", "Mine", "--plugin", plugin(body), "--dataset", small, "--folds", 3,
            "--jobs", 1, "--out", "out"]  # fmt: skip
    done = command(*line)  # which raises what would be a traceback
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if "missing" in line]
    assert said == (
        "Error: out/run.json is missing: has the folder been moved or removed while a run was at "
        "work there? What was stored since lies there; give the same run command again"
    )
    done = command(*line)
    assert (done.returncode, "3 done before, 0 to do" in done.stderr) == (0, True), done.stderr
