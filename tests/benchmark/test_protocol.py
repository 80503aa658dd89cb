"""Protocols: settings of a run, from the built-in files and from the user's."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.protocol import Protocol, choose_models, load_protocol


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


@pytest.mark.parametrize(
    ("models", "names", "message"),
    [
        ({}, [], "no model to run"),
        ({}, ["AA-kNN", "aa-knn"], "named twice"),
        ({}, ["kNN"], "no model named 'kNN'; did you mean 'AA-kNN'"),
        ({"AA-kNN": {"q": 3}}, ["AA-kNN"], r"has no setting 'q'.*it has: k, scaling"),
        ({"X": {"model": "nothing"}}, ["AA-kNN"], "no model named 'nothing'"),
    ],
)
def test_bad_choices(models, names, message):
    with pytest.raises(UsageError, match=message):
        choose_models(Protocol("x", models=models), names)
