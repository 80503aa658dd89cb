"""Protocols: settings of a run, from the built-in files and from the user's."""

from __future__ import annotations

import threading
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from benchmark.errors import UsageError
from benchmark.planning.protocol import Protocol, choose_models, load_protocol
from benchmark.plugins.registry import load_plugin, register
from features.storage.files import canonical_json


def test_the_papers_protocol():
    paper = load_protocol("paper")
    assert (paper.folds, paper.repeats) == (10, 1)
    assert load_protocol("DEMO").datasets == ("synthetic",)


def test_a_users_protocol(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'datasets = ["a.mat"]\nfolds = 5\nseed = 3\n'
        '[models."AA-kNN"]\nk = 7\n[models."kNN 9"]\nmodel = "aa-knn"\nk = 9\n'
    )
    protocol = load_protocol(path)
    assert (protocol.folds, protocol.seed, protocol.datasets) == (5, 3, ("a.mat",))
    chosen = choose_models(protocol, ["knn 9", "AA-KNN"])
    assert [(m.name, m.params["k"]) for m in chosen] == [("kNN 9", 9), ("AA-kNN", 7)]
    assert chosen[0].describe()["model"] == "AA-kNN"
    everything = [model.name for model in choose_models(protocol, every=True)]
    assert everything.count("AA-kNN") == 1
    assert everything[-1] == "kNN 9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fold = 3", "unknown setting 'fold'; did you mean 'folds'"),
        ("folds = 1", "folds must be a whole number of at least 2"),
        ("folds = true", "folds must be"),
        ("seed = -1", "seed must be"),
        ("folds = ", "not a TOML file"),
        ("datasets = 3", "datasets must be a list"),
        ("models = 3", "write the settings of a model"),
        ("network = 3", r"as a table \[network\]"),
        ("features = 3", r"as a table \[features\]"),
        ('[features]\nbackbon = "vgg16"', "has no 'backbon'; did you mean 'backbone'"),
        ("[features]\nbackbone = 16", r"backbone of \[features\] must be a text, not 16"),
        ("[features]\nsize = -1", "size of .features. must be a whole number, 0 or more"),
        ('[features]\nscope = "all"', "scope must be fold or dataset, not 'all'"),
        ('[features]\nprecision = "half"', "precision must be float32 or bfloat16"),
    ],
)
def test_bad_protocols(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_protocol(path)


def test_settings_of_all_networks_come_before_defaults_and_after_a_rows_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "[network]\nepochs = 3\nbatch_size = 8\n"
        '[models."short"]\nmodel = "EW-MTCNN"\nepochs = 1\n[models."EW-MTCNN"]\nsigma = 0.4\n'
    )
    protocol = load_protocol(path)
    short, own, knn = choose_models(protocol, ["short", "EW-MTCNN", "AA-kNN"])
    assert (short.params["epochs"], short.params["batch_size"]) == (1, 8)
    assert (own.params["epochs"], own.params["sigma"]) == (3, 0.4)
    assert (own.consumes, own.is_network) == ("images", True)
    assert "epochs" not in knn.params
    path.write_text("[network]\nepoch = 3\n")
    with pytest.raises(UsageError, match="no network has a setting 'epoch'; did you mean 'epochs'"):
        choose_models(load_protocol(path), ["DLDL"])


def test_every_model_is_the_nine_and_a_protocol_names_its_own():
    everything = [model.name for model in choose_models(load_protocol("paper"), every=True)]
    assert len(everything) == 9
    assert everything[-2:] == ["DLDL", "EW-MTCNN"]
    table4 = choose_models(load_protocol("table4"))
    assert [model.consumes for model in table4] == ["activations"] * 3 + ["images"] * 6
    ablation = choose_models(load_protocol("wheel"))
    assert len({model.name for model in ablation}) == 17
    assert {model.params["wheel"] for model in ablation} == {
        "none", "prior", "identity", "random", "correlation",
    }  # fmt: skip
    assert load_protocol("figure5").datasets[6] == "ArtPhoto:0.6"


def test_missing_protocol():
    with pytest.raises(UsageError, match="no protocol 'papr'"):
        load_protocol("papr")


@pytest.mark.parametrize(
    ("models", "names", "message"),
    [
        ({}, [], "no model to run"),
        ({}, ["AA-kNN", "aa-knn"], "named twice"),
        ({}, ["kNN"], "no model named 'kNN'; did you mean 'AA-kNN'"),
        ({"AA-kNN": {"q": 3}}, ["AA-kNN"], r"has no setting 'q'.*it has: k, scaling"),
        ({"X": {"model": "nothing"}}, ["AA-kNN"], "no model named 'nothing'"),
        ({"X": {"model": 3}}, ["AA-kNN"], "must be the name of a model, not 3"),
        ({"Oracle": {"model": "AA-kNN"}}, ["AA-kNN"], "is reserved"),
        ({"": {"model": "AA-kNN"}}, ["AA-kNN"], "printable name"),
        ({"a\tb": {"model": "AA-kNN"}}, ["AA-kNN"], "printable name"),
        ({"x" * 81: {"model": "AA-kNN"}}, ["AA-kNN"], "at most 80 characters"),
        ({"pt-svm": {"model": "AA-kNN"}}, ["AA-kNN"], "'pt-svm' is a model itself"),
        ({"X": {"model": "AA-kNN"}, "x": {"model": "AA-kNN"}}, ["X"], "are the same name"),
    ],
)
def test_bad_choices(models, names, message):
    with pytest.raises(UsageError, match=message):
        choose_models(Protocol("x", models=models), names)


def test_a_variant_may_have_the_name_of_its_own_model():
    protocol = Protocol("x", models={"aa-knn": {"model": "AA-kNN", "k": 3}})
    (model,) = choose_models(protocol, ["AA-kNN"])
    assert (model.name, model.params["k"]) == ("AA-kNN", 3)


def test_a_model_that_takes_what_there_is_not_is_refused(plugin):
    load_plugin(plugin("consumes = 'sounds'"))
    with pytest.raises(UsageError, match="'Mine' consumes 'sounds', but the harness"):
        choose_models(Protocol("x"), ["Mine"])


class Holder:
    """A model with one hyper-parameter."""

    params: ClassVar = {}

    def get_params(self, deep=True):
        return dict(self.params)


def described(value):
    register("Holder")(Holder)
    Holder.params = {"value": value}
    (model,) = choose_models(Protocol("x"), ["Holder"])
    return canonical_json(model.describe()["params"]["value"])


def large(last):
    return np.arange(5000.0) * [*[1.0] * 4999, last]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([large(1), "x"], [large(2), "x"]),
        ({"a": large(1)}, {"a": large(2)}),
        (pd.DataFrame({"a": large(1)}), pd.DataFrame({"a": large(2)})),
        (SVC(C=1.0, gamma=large(1)), SVC(C=1.0, gamma=large(2))),
        ({1: "a"}, {"1": "a"}),
        ({1: "a", "b": 2}, {1: "b", "b": 2}),
        (float("nan"), float("inf")),
        (np.mean, np.median),
        ({1, 2}, {1, 3}),
        (1, True),
    ],
)
def test_different_hyper_parameters_look_different(clean_registry, one, other):
    assert described(one) != described(other)


def test_equal_hyper_parameters_look_equal(clean_registry):
    assert described(SVC(C=2.0)) == described(SVC(C=2.0))
    assert described({1: "a", 2: "b"}) == described({2: "b", 1: "a"})
    assert described((1, np.float64(2.0))) == described([1, 2.0]) == "[1,2.0]"
    assert described({"b": np.arange(2)}) == '{"b":[0,1]}'


@pytest.mark.parametrize("value", [threading.Lock(), [threading.Lock()], lambda x: x])
def test_what_cannot_be_pickled_is_refused(clean_registry, value):
    with pytest.raises(
        UsageError, match=r"model 'Holder': the value of value, .* cannot be pickled"
    ):
        described(value)
