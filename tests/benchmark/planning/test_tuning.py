"""Rows that are tuned: which models get one, with what, and under which key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.errors import UsageError
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import Protocol, Tuning
from benchmark.planning.settings import Overrides, make_settings
from benchmark.planning.tasks import enumerate_tasks
from benchmark.planning.tuning import add_tuned, tuned_name
from benchmark.plugins.registry import register

TUNED = Protocol("p", tuning=Tuning(tune=True))


@pytest.fixture
def two_models():
    from baselines import AAKNN, LDLEstimator

    class WithSpace(AAKNN):
        search_space = {"k": (50, 9, 4), "scaling": ("none", "standard")}  # noqa: RUF012

    class Without(LDLEstimator):
        def _fit(self, X, D):
            self.mean_ = D.mean(axis=0)

    register("With-space")(WithSpace)
    register("Without")(Without)
    return ["With-space", "Without"]


def test_a_tuned_row_follows_the_row_that_it_tunes(two_models):
    rows = choose_models(TUNED, two_models)
    found = add_tuned(TUNED, rows)
    assert [row.name for row in found] == ["With-space", "With-space (tuned)", "Without"]
    tuned = found[1]
    assert tuned.params == found[0].params
    assert len(tuned.search.configurations) == 6
    assert (tuned.search.measure, tuned.search.folds) == ("kl_divergence", 3)
    assert "search" not in found[0].describe()
    assert tuned.describe()["search"]["configurations"][1] == {"k": 50}
    assert add_tuned(replace(TUNED, tuning=Tuning()), rows) == rows


def test_it_is_an_error_if_nothing_would_be_tuned(two_models):
    with pytest.raises(UsageError, match="--tune would change nothing"):
        add_tuned(TUNED, choose_models(TUNED, ["Without"]))
    with pytest.raises(UsageError, match="--tune-for KL would change nothing: it goes with --tune"):
        make_settings("demo", [], False, Overrides(tune_for="KL"))
    with pytest.raises(UsageError, match="--no-tune-networks would change nothing: it goes with"):
        make_settings("demo", [], False, Overrides(tune_networks=False))
    with pytest.raises(UsageError, match="there is no measure 'KLL'"):
        make_settings("demo", [], False, Overrides(tune=True, tune_for="KLL"))
    settings = make_settings("demo", [], False, Overrides(tune=True, tune_for="Cos"))
    assert settings.tuning.measure == "cosine"


def test_networks_have_a_budget_of_their_own_or_none():
    settings = make_settings("demo", [], False, Overrides(tune=True))
    names = ["SA-BFGS", "DLDL"]
    space = {"epochs": tuple(range(1, 40)), "dropout": (0.5, 0.3, 0.1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("baselines.dldl.DLDL.search_space", space, raising=False)
        found = add_tuned(settings, choose_models(settings, names))
        tuned = {row.name: len(row.search.configurations) for row in found if row.search}
        assert tuned["DLDL (tuned)"] == 8
        without = make_settings("demo", [], False, Overrides(tune=True, tune_networks=False))
        assert without.tuning.network_budget == 0
        found = add_tuned(without, choose_models(without, names))
        assert "DLDL (tuned)" not in [row.name for row in found]


def test_all_models_of_a_task_share_its_inner_folds(two_models):
    class Split:
        n_folds, n_repeats, version, groups = 2, 1, 2, None

        def key(self, repeat, fold):
            return f"{repeat}{fold}"

    rows = add_tuned(TUNED, choose_models(TUNED, two_models))
    described = {row.name: row.describe() for row in rows}
    described["other (tuned)"] = {**described["With-space (tuned)"], "model": "other"}

    def tasks(seed):
        inputs = {"d": dict.fromkeys(described, "")}
        return list(enumerate_tasks({"d": "x"}, {"d": Split()}, described, seed, inputs))

    seeds = {(task.model, task.fold): task.inner_seed for task in tasks(0)}
    assert seeds["With-space", 0] is None
    assert seeds["With-space (tuned)", 0] == seeds["other (tuned)", 0]
    assert seeds["With-space (tuned)", 0] != seeds["With-space (tuned)", 1]
    assert len({task.key for task in tasks(0)}) == len(tasks(0))
    other = {(task.model, task.fold): task.inner_seed for task in tasks(1)}
    assert other["With-space (tuned)", 0] != seeds["With-space (tuned)", 0]


def test_a_name_that_is_taken_is_refused(two_models):
    protocol = replace(TUNED, models={tuned_name("With-space"): {"model": "Without"}})
    rows = choose_models(protocol, ["With-space", tuned_name("With-space")])
    with pytest.raises(UsageError, match=r"'With-space .tuned.' is the name of a tuned row"):
        add_tuned(protocol, rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tuning = 3", "write the settings of tuning as a table"),
        ("[tuning]\ntunes = true", "has no 'tunes'; did you mean 'tune'"),
        ("[tuning]\ntune = 1", "tune of .tuning. must be true or false, not 1"),
        ("[tuning]\nbudget = 1", "budget must be at least 2, not 1"),
        ("[tuning]\nfolds = 'x'", "folds of .tuning. must be a whole number"),
        ("[tuning]\nmeasure = 'KLL'", "there is no measure 'KLL'"),
    ],
)
def test_a_protocol_says_how_to_tune(tmp_path, text, said):
    from benchmark.planning.protocol import load_protocol

    file = tmp_path / "p.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_protocol(file)
    file.write_text("[tuning]\ntune = true\nbudget = 30\nmeasure = 'Cheb'")
    assert load_protocol(file).tuning == Tuning(True, "chebyshev", 30)
