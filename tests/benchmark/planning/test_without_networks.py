"""Where no network can run, a sentence says what to install, and everything else works."""

from __future__ import annotations

import pandas as pd
import pytest

from features.networks import backend

NEEDED = "networks need Keras (pip install 'ldl-benchmark[networks]')"
SEVEN = ["PT-Bayes", "PT-SVM", "AA-kNN", "AA-BP", "SA-IIS", "SA-BFGS", "SA-CPNN"]
IMAGES = ["--dataset", "synthetic:30", "--folds", 2, "--out", "out"]


@pytest.fixture
def without(monkeypatch):
    """A function that makes this process believe that no network can run."""
    return lambda: monkeypatch.setattr(backend, "missing", lambda: NEEDED)


def test_a_named_network_is_refused(command, without, tmp_path):
    without()
    done = command("run", "AA-kNN", "dldl", *IMAGES)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: model 'DLDL' cannot run here: {NEEDED}\n"
    assert not (tmp_path / "out").exists()


def test_features_that_only_a_network_can_compute_are_refused(command, without, tmp_path):
    without()
    for start in (["run", "--all"], ["run", "AA-kNN"]):
        done = command(*start, *IMAGES)
        assert (done.returncode, done.stdout) == (2, "")
        *left_out, refused = done.stderr.splitlines()
        assert left_out == []  # one sentence says what to install, and not two
        assert refused == (
            "Error: the features of synthetic-30x64 are not in results/cache, and cannot be "
            f"computed: {NEEDED}"
        )
        assert not (tmp_path / "out" / "run.json").exists()
    done = command("features", "--dataset", "synthetic:30", "--backbone", "small")
    assert done.returncode == 2
    assert done.stderr.endswith(f"cannot be computed: {NEEDED}\n")


@pytest.mark.slow
def test_features_that_are_there_need_no_network(command, keras_once, without, tmp_path):
    assert command("run", "AA-kNN", *IMAGES, "--no-report").returncode == 0
    without()
    done = command("run", "--all", *IMAGES, "--no-report")
    assert done.returncode == 0, done.stderr
    assert f"DLDL and EW-MTCNN left out: {NEEDED}." in done.stderr
    rows = pd.read_csv(tmp_path / "out" / "table3.csv")["model"]
    assert list(rows[:-3]) == SEVEN  # below them the trivial predictors


def test_a_dataset_without_images_is_not_told_what_to_install(command, without, small):
    without()
    done = command("run", "--all", "--dataset", small, "--folds", 2, "--no-report")
    assert done.returncode == 0, done.stderr
    assert "pip install" not in done.stderr
    done = command("run", "DLDL", "--dataset", small)
    assert done.returncode == 2
    assert "learns from images" in done.stderr
