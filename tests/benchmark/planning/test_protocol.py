"""Protocols: settings of a run, from the built-in files and from the user's."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import load_protocol


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


def test_missing_protocol():
    with pytest.raises(UsageError, match="no protocol 'papr'"):
        load_protocol("papr")
