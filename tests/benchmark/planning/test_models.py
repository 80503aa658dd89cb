"""The models of a run: which are chosen, by what names, and with what settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.errors import UsageError
from benchmark.planning.models import choose_models, with_facts
from benchmark.planning.protocol import Protocol, load_protocol
from benchmark.plugins.registry import load_plugin


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


@pytest.mark.parametrize(
    ("models", "names", "message"),
    [
        ({}, [], "no model to run"),
        ({}, ["AA-kNN", "aa-knn"], "named twice"),
        ({}, ["kNN"], "no model named 'kNN'; did you mean 'AA-kNN'"),
        ({"AA-kNN": {"q": 3}}, ["AA-kNN"], r"has no setting 'q'.*it has: components, k, scaling"),
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


def test_facts_of_the_dataset_fill_what_settings_ask_for():
    facts = {"labels": ("x", "y"), "sigma": 0.3}
    asked = {"labels": None, "sigma": "data", "k": None}
    assert with_facts(asked, facts) == {"labels": ("x", "y"), "sigma": 0.3, "k": None}
    given = {"labels": ("p", "q"), "sigma": 0.6}
    assert with_facts(given, facts) == given
    assert with_facts({}, facts) == {}
    with pytest.raises(ValueError, match="needs a dataset whose single labels"):
        with_facts(asked, {"labels": (), "sigma": None})


def test_settings_that_came_later_leave_the_keys_of_stored_results_alone():
    """The committed run was stored before they came; only another value than the default counts."""
    stored = Path(__file__).resolve().parents[3] / "results" / "demo" / "run.json"
    rows = {row["name"]: row["params"] for row in json.loads(stored.read_text())["models"]}
    for name in ("PT-SVM", "AA-BP", "SA-CPNN"):
        (model,) = choose_models(load_protocol("demo"), [name])
        later = model.entry.load().later_settings
        assert later
        assert set(later) < set(model.params)
        assert model.describe()["params"] == rows[name]
    changed = replace(model, params={**model.params, "batch_size": 32})
    assert changed.describe()["params"] == {**rows["SA-CPNN"], "batch_size": 32}
