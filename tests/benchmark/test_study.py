"""From JPEG files in the true layouts to Tables 1, 3, 4, the wheel ablation and Figure 5."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from miniature import make_artphoto, make_emotion6

from benchmark.planning.protocol import load_protocol

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("keras_once")]

PROTOCOLS = Path(__file__).resolve().parents[2] / "benchmark" / "planning" / "protocols"

NINE = ["PT-Bayes", "PT-SVM", "AA-kNN", "AA-BP", "SA-IIS", "SA-BFGS", "SA-CPNN", "DLDL", "EW-MTCNN"]

#: Every worker of networks loads TensorFlow, which takes longer than these networks do.
ONE = ["--jobs", 1]

SMALL = """
[features]
backbone = "small"
weights = "random"
size = 32
components = 8

[network]
weights = "random"
size = 32
epochs = 2
batch_size = 8
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Miniature Emotion6 and ArtPhoto folders, as their archives unpack."""
    folder = tmp_path_factory.mktemp("data")
    make_emotion6(folder, per_class=4)
    make_artphoto(folder, per_class=4)
    return folder


@pytest.fixture
def small_version(tmp_path):
    """Write a built-in protocol with a small backbone in place of each of its own."""

    def write(name, folds=2):
        text = (PROTOCOLS / f"{name}.toml").read_text()
        for backbone in ("alexnet", "vgg16", "resnet50"):
            text = text.replace(f'backbone = "{backbone}"', 'backbone = "small"')
        text = text.replace("folds = 10", f"folds = {folds}")
        if 'backbone = "small"' not in text:
            text += SMALL.replace("[network]", '[network]\nbackbone = "small"')
        else:
            text += SMALL
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        tomllib.loads(text)
        return path

    return write


def test_table_1_counts_the_images(command, data_dir, tmp_path):
    done = command("table", 1, "--data-dir", data_dir, "--out", "t1")
    assert done.returncode == 0, done.stderr
    assert "330" in done.stdout  # what the full set has
    table = pd.read_csv(tmp_path / "t1" / "table1.csv")
    assert set(table["dataset"]) == {"Emotion6", "ArtPhoto"}
    assert (tmp_path / "t1" / "table1.tex").exists()


def test_table_3_with_all_nine_models(command, data_dir, small_version, tmp_path):
    protocol = small_version("paper")
    options = ["--dataset", "Emotion6", "--data-dir", data_dir, "--protocol", protocol, *ONE]
    done = command("run", "--all", *options, "--out", "run")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "run" / "table3.csv")
    assert list(table["model"]) == [*NINE, "mean distribution", "uniform"]
    assert table["chebyshev"].notna().all()
    assert "features: layer fc2 of small (random weights, 32 x 32 pixels)" in done.stdout
    again = command("run", "--all", *options, "--out", "run")
    assert "18 done before, 0 to do" in again.stderr
    # The cached features serve another run; with PCA on all rows the table says that it leaks.
    leaking = command("run", "SA-BFGS", *options, "--pca-scope", "dataset", "--out", "leaking")
    assert leaking.returncode == 0, leaking.stderr
    assert "LEAKS" in leaking.stdout
    other = pd.read_csv(tmp_path / "leaking" / "table3.csv").set_index("model")
    mine = table.set_index("model")
    assert other.loc["SA-BFGS", "chebyshev"] != mine.loc["SA-BFGS", "chebyshev"]


@pytest.mark.parametrize(
    "networks",
    [
        # One of each kind: with one backbone for all, the others of a kind are the same network.
        ["VGGNet", "Fine-tuned AlexNet", "EW-MTCNN (ResNet)"],
        pytest.param(list(load_protocol("table4").models), marks=pytest.mark.thorough, id="all"),
    ],
)
def test_table_4_with_networks_on_two_datasets(
    command, data_dir, small_version, tmp_path, networks
):
    assert len(load_protocol("table4").models) == 9
    options = ["--data-dir", data_dir, "--protocol", small_version("table4"), *ONE]
    done = command("run", *networks, *options, "--out", "run")
    assert done.returncode == 0, done.stderr
    made = command("table", 4, "--out", "run")
    assert made.returncode == 0, made.stderr
    table = pd.read_csv(tmp_path / "run" / "table4.csv").set_index("model")
    assert list(table.index[: len(networks)]) == networks
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    mine = scores.query("dataset == 'ArtPhoto' and model == 'VGGNet' and measure == 'accuracy'")
    assert table.loc["VGGNet", "ArtPhoto"] == pytest.approx(mine["value"].mean())
    assert table.loc[networks, ["Emotion6", "ArtPhoto"]].notna().all(axis=None)


def test_figure_5_has_every_sigma(command, data_dir, small_version, tmp_path):
    protocol = small_version("figure5")
    text = protocol.read_text()
    kept = ("0.0", "0.6", "1.0")
    lines = [line for line in text.splitlines() if "ArtPhoto:" not in line or line.endswith(
        tuple(f':{sigma}",' for sigma in kept))]  # fmt: skip
    protocol.write_text("\n".join(lines))
    done = command("run", "--data-dir", data_dir, "--protocol", protocol, "--out", "run", *ONE)
    assert done.returncode == 0, done.stderr
    drawn = command("figure", 5, "--out", "run", "--format", "png")
    assert drawn.returncode == 0, drawn.stderr
    curve = pd.read_csv(tmp_path / "run" / "figures" / "figure5.csv")
    assert list(curve["sigma"]) == [0.0, 0.6, 1.0]
    assert curve[["accuracy", "kl_divergence"]].notna().all(axis=None)
    assert (tmp_path / "run" / "figures" / "figure5.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "rows",
    [
        ["no wheel", "prior, trained, mixture", "identity, frozen, mixture",
         "correlation, trained, mixture", "identity, frozen, logit"],
        pytest.param(list(load_protocol("wheel").models), marks=pytest.mark.thorough, id="all"),
    ],
)  # fmt: skip
def test_the_wheel_ablation(command, small_version, tmp_path, rows):
    assert len(load_protocol("wheel").models) == 1 + 4 * 2 * 2
    options = ["--dataset", "synthetic:24", "--protocol", small_version("wheel"), *ONE]
    done = command("run", *rows, *options, "--out", "run")
    assert done.returncode == 0, done.stderr
    made = command("table", "wheel", "--out", "run")
    assert made.returncode == 0, made.stderr
    table = pd.read_csv(tmp_path / "run" / "wheel.csv").set_index("model")
    assert list(table.index) == rows
    # A frozen identity is no wheel: the same predictions in both readings.
    for reading in ("mixture", "logit"):
        same = table.loc[f"identity, frozen, {reading}"]
        np.testing.assert_allclose(
            same[["accuracy", "kl_divergence"]].astype(float),
            table.loc["no wheel", ["accuracy", "kl_divergence"]].astype(float),
            rtol=1e-4,
        )


def test_networks_learn_what_the_built_in_images_show(command, tmp_path):
    done = command("run", "DLDL", "EW-MTCNN", "--dataset", "synthetic:150", "--folds", 2,
                   "--epochs", 8, "--out", "run", *ONE)  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "run" / "table3.csv").set_index("model")
    for model in ("DLDL", "EW-MTCNN"):
        lost = table["not_better_than_mean"].astype(object).fillna("")[model].split()
        assert set(lost) <= {"clark", "canberra"}  # which reward sparse predictions
        assert table.loc[model, "oracle_gap"] < 0.7
        mean = table.loc["mean distribution", "kl_divergence"]
        assert table.loc[model, "kl_divergence"] < 0.75 * mean


def test_networks_need_images(command, small, data_dir, tmp_path):
    done = command("run", "EW-MTCNN", "--dataset", small)
    assert done.returncode == 2
    assert "model 'EW-MTCNN' learns from images, but small has none" in done.stderr
    every = command("run", "--all", "--dataset", small, "--folds", 2, "--out", "all")
    assert every.returncode == 0, every.stderr
    assert "small has no images: DLDL and EW-MTCNN left out" in every.stderr
    assert list(pd.read_csv(tmp_path / "all" / "table3.csv")["model"])[:7] == NINE[:7]


def test_missing_weights_stop_a_run_before_it_starts(command, data_dir, tmp_path):
    done = command("run", "AA-kNN", "--dataset", "Emotion6", "--data-dir", data_dir,
                   "--weights", tmp_path / "none.h5")  # fmt: skip
    assert done.returncode == 2
    assert "none.h5" in done.stderr
    assert not list(tmp_path.rglob("*.npz"))
