"""What is asked for changes the run or is refused: every option, every protocol."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.cli import main
from benchmark.datasets import make_dataset
from benchmark.errors import UsageError
from benchmark.planning.applied import check_applied, check_rows
from benchmark.planning.find_needs import find_needs
from benchmark.planning.models import choose_models
from benchmark.planning.plan import make_plan
from benchmark.planning.settings import Overrides, make_settings
from benchmark.planning.splits import check_split
from benchmark.plugins import registry
from ewmtcnn.wheel import MIKELS

RNG = np.random.default_rng(0)
D = RNG.dirichlet(np.ones(8), size=12)
X = RNG.normal(size=(12, 3))
IMAGES = ImagesInMemory(RNG.integers(0, 256, (12, 2, 2, 3), dtype=np.uint8))
DATASETS = {
    "table": make_dataset("data", X, D, MIKELS),
    "pictures": make_dataset("data", None, D, MIKELS, images=IMAGES, sigma=0.5),
    "both": make_dataset("data", X, D, MIKELS, images=IMAGES, sigma=0.5),
}
FILE = """
[features]
backbone = "vgg19"
weights = "imagenet"

[network]
epochs = 3

[models."DLDL (own)"]
model = "DLDL"
backbone = "resnet50"
batch_size = 16
"""


@pytest.fixture(autouse=True)
def no_packages(monkeypatch):
    """Looking for installed packages with models is what would take the time."""
    monkeypatch.setattr(registry, "entry_points", lambda group: ())


#: Options that change no result, or name something that may not be needed: a wrong value is told
#: where it is needed. No run refuses them.
HARMLESS = {
    "jobs", "force", "task_timeout", "no_report", "out", "data_dir", "cache_dir", "skip_unreadable",
    "give_up", "quiet", "json", "scheduler",
}  # fmt: skip

#: Options with tests of their own below, or in the tests of the command.
NAMING = {
    "models", "all_models", "datasets", "protocol", "plugins", "ignore", "extended", "regressors",
    "pyldl", "labels", "features", "normalise", "against", "measures",
}  # fmt: skip

#: Those of `test_tuning`.
TUNING = {"tune", "tune_for", "tune_networks"}

#: Values that no protocol has.
OTHER = {
    "folds": 3, "repeats": 2, "seed": 5, "split": "hold-out", "backbone": "resnet101",
    "weights": "random", "precision": "bfloat16", "epochs": 7, "batch_size": 5,
    "pca_scope": "dataset",
}  # fmt: skip


def planned(protocol, dataset, names, every=False, told=None, **changes):
    """Plan a run as the command does, and return what identifies its tasks."""
    given = Overrides(**changes)
    data = {"data": DATASETS[dataset]}
    settings = make_settings(protocol, [], True, given)
    check_split(settings, given, data, print)
    rows = choose_models(settings, names, every)
    check_rows(settings, given, rows)
    tell = [].append if told is None else told.append
    needs = find_needs(data, rows, settings.features, every, tell)
    check_applied(settings, given, rows, needs, tell)
    rows = [model for model in rows if model.name in needs["data"]]
    return [task.key for task in make_plan(settings, data, rows, needs).tasks]


def test_every_option_is_an_override_or_known_to_be_something_else():
    known = {parameter.name for parameter in main.commands["run"].params}
    overrides = {field.name for field in fields(Overrides)}
    assert overrides == set(OTHER) | TUNING
    assert known == overrides | HARMLESS | NAMING


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("protocol", ["demo", "paper", "table4", "wheel", "figure5", "FILE"])
def test_every_option_changes_the_tasks_or_is_refused(protocol, dataset, tmp_path):
    if protocol == "FILE":
        protocol = tmp_path / "mine.toml"
        protocol.write_text(FILE)
    refused, applied = {}, set()
    rows = ["VGGNet", "Fine-tuned ResNet", "EW-MTCNN (ResNet)"] if protocol == "table4" else []
    choices = [["AA-kNN"], ["DLDL"], rows, ["AA-kNN", "EW-MTCNN"]]
    for names, every in (*((names, False) for names in choices), ([], True)):
        try:
            before = planned(protocol, dataset, names, every)
        except UsageError:  # no model, or nothing that the dataset has
            continue
        for key, value in OTHER.items():
            try:
                after = planned(protocol, dataset, names, every, **{key: value})
            except UsageError as error:
                refused[key, str(value)] = str(error)
                continue
            assert after != before, (names, every, key)
            applied.add(key)
    for (key, value), said in refused.items():
        assert said.startswith(f"--{key.replace('_', '-')} {value} would change nothing: ")
    always = {"folds", "repeats", "seed", "split"}
    assert always <= applied
    assert (applied - always) or dataset == "table"
    if dataset == "table":
        assert {key for key, _ in refused} == set(OTHER) - always


def test_rows_that_set_their_backbone_keep_it_and_that_is_refused():
    with pytest.raises(UsageError) as caught:
        planned("table4", "pictures", [], backbone="small", weights="random")
    said = str(caught.value)
    assert said.startswith("--backbone small would change nothing: it is not for AlexNet, VGGNet")
    assert "whose backbone protocol 'table4' sets; change that in a protocol of yours" in said


def test_weights_alone_are_for_every_backbone_that_a_protocol_names():
    changed = choose_models(make_settings("table4", [], True, Overrides(weights="random")))
    assert {model.params["weights"] for model in changed} == {"random"}
    assert [model.params["backbone"] for model in changed] == ["alexnet", "vgg16", "resnet50"] * 3


def test_one_file_of_weights_is_not_for_several_backbones():
    changes = Overrides(weights="mine.npz")
    settings = make_settings("table4", [], True, changes)
    with pytest.raises(UsageError, match=r"--weights mine.npz is one file.*alexnet, vgg16 and"):
        check_rows(settings, changes, choose_models(settings))
    check_rows(settings, changes, choose_models(settings, ["AlexNet", "Fine-tuned AlexNet"]))


def test_rows_that_keep_their_own_are_told_beside_those_that_change(tmp_path):
    (tmp_path / "mine.toml").write_text(FILE)
    told = []
    names = ["DLDL", "DLDL (own)"]
    planned(tmp_path / "mine.toml", "pictures", names, told=told, backbone="resnet101")
    sentence = "--backbone resnet101 is not for DLDL (own), whose backbone protocol 'mine' sets."
    assert sentence in told


def test_features_that_come_with_the_data_are_named():
    with pytest.raises(UsageError, match="the features are those that come with data"):
        planned("paper", "both", ["AA-kNN"], weights="random")


def test_tables_of_a_file_that_nothing_takes_are_told(tmp_path):
    (tmp_path / "mine.toml").write_text(FILE)
    told = []
    planned(tmp_path / "mine.toml", "table", ["AA-kNN"], told=told)
    (sentence,) = told
    assert sentence == (
        "Nothing in this run takes backbone of [features], weights of [features] and "
        "epochs of [network], which protocol 'mine' sets."
    )
    told.clear()
    planned(tmp_path / "mine.toml", "pictures", ["AA-kNN", "DLDL"], told=told)
    planned("demo", "table", ["AA-kNN"], told=told)  # a built-in one is for more than this run
    assert told == []


def test_models_beside_all_are_refused():
    with pytest.raises(UsageError, match=r"either --all or models \(AA-kNN\)"):
        planned("paper", "table", ["AA-kNN"], every=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[network]\nepoch = 3", "no network has a setting 'epoch'; did you mean 'epochs'"),
        ('[models."AA-kNN"]\nkk = 3', "'AA-kNN' has no setting 'kk'"),
        ('[models."X"]\nmodel = "DLDL"\nepoch = 3', "'X' has no setting 'epoch'"),
    ],
)
def test_settings_that_do_not_exist_are_refused_also_where_they_are_not_run(tmp_path, text, said):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        planned(tmp_path / "mine.toml", "table", ["PT-Bayes"])


def test_a_plugin_of_which_no_model_runs_is_told(command, small, plugin):
    path = plugin("def _fit(self, X, D): ...\ndef _predict(self, X): ...")
    done = command(
        "run", "AA-kNN", "--dataset", small, "--folds", 2, "--plugin", path, "--out", "r"
    )
    assert done.returncode == 0
    assert f"No model of {path} is run: to have one, add 'Mine', or give --all" in done.stderr
