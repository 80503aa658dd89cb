"""Measures of users: what is refused, what `check` tells, and that one costs its column alone.

Tests `benchmark.plugins.measure_contract` and `benchmark.plugins.loading` too.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from made import make_evidence

import benchmark
from benchmark.errors import UsageError
from benchmark.metrics import ALL_MEASURES, BY_NAME, REGISTERED, Measure
from benchmark.metrics import known as known_module
from benchmark.plugins.measure_contract import check_measure
from benchmark.wording import find_measures

SOUND = """
import numpy as np
from benchmark import register_measure

@register_measure("halves", title="Half", higher_is_better=False, range=(0, 1), best=0)
def halves(D, P):
    "Half of the sum of absolute differences."
    print("scoring")
    return np.abs(D - P).sum(axis=1) / 2
"""


def registered(function, name="mine", **declared) -> Measure:
    benchmark.register_measure(name, **{"higher_is_better": False, **declared})(function)
    return REGISTERED[name]


BROKEN = {
    "shape": (lambda D, P: np.abs(D - P), {}, "one value per row"),
    "mean": (lambda D, P: np.abs(D - P).mean(), {}, "one value per row"),
    "rows": (lambda D, P: np.zeros(len(D)), {"per_row": False}, "one number"),
    "text": (lambda D, P: "good", {}, "no numbers"),
    "log": (lambda D, P: (D * np.log(D / P)).sum(axis=1), {}, "not finite"),
    "range": (lambda D, P: np.abs(D - P).sum(axis=1), {"range": (0, 1)}, "from 0 to 1"),
    "raises": (lambda D, P: 1 / 0, {}, "raises ZeroDivisionError"),
    "changes": (lambda D, P: np.subtract(D, P, out=P).sum(axis=1), {}, "must not change D or P"),
    "chance": (lambda D, P: np.random.default_rng().random(len(D)), {}, "different values"),
    "others": (lambda D, P: np.full(len(D), np.abs(D - P).mean()), {}, "declare per_row=False"),
    "best": (lambda D, P: 1 + np.abs(D - P).sum(axis=1), {"best": 0}, "not the best value 0"),
    "turned": (lambda D, P: np.abs(D - P).sum(axis=1), {"best": 0, "higher_is_better": True},
               "is higher_is_better=True right"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_breaks_the_contract_is_told(what):
    function, declared, sentence = BROKEN[what]
    assert any(sentence in problem for problem in check_measure(registered(function, **declared)))


@pytest.mark.parametrize("measure", ALL_MEASURES, ids=lambda m: m.name)
def test_the_built_in_ones_keep_the_contract_too(measure):
    best = 1.0 if measure.higher_is_better else 0.0
    own = registered(
        measure.function, higher_is_better=measure.higher_is_better,
        range=(measure.low, measure.high), per_row=measure.per_row,
        # a prediction that hits by chance is no better than P = D in any of them
        best=best,
    )  # fmt: skip
    assert check_measure(own) == []


@pytest.mark.parametrize(
    ("name", "declared", "sentence"),
    [
        ("Mine!", {}, "small letters"),
        ("klDivergence", {}, "small letters"),
        ("kldivergence", {}, "taken by a built-in measure"),
        ("mean_rank", {}, "another column"),
        ("chebyshev_std", {}, "another column"),
        ("mine", {"range": (1, 0)}, "least below the largest"),
        ("mine", {"range": 3}, "least below the largest"),
        ("mine", {"higher_is_better": "yes"}, "True or False"),
        ("mine", {"title": "KLdiv"}, "title of a built-in"),
    ],
)
def test_what_cannot_be_registered_is_refused(name, declared, sentence):
    with pytest.raises(UsageError, match=sentence):
        registered(lambda D, P: np.zeros(len(D)), name, **declared)
    assert not REGISTERED


def test_a_cell_run_twice_replaces_its_measure_and_a_wrong_name_is_suggested():
    first = registered(lambda D, P: np.zeros(len(D)), "zeroes")
    assert registered(lambda D, P: np.ones(len(D)), "zeroes") is not first
    with pytest.raises(UsageError, match=r"did you mean 'zeroes'"):
        find_measures("KL,zeros")


def test_a_plugin_with_a_measure_alone_is_checked_and_shown(tmp_path, command, small):
    plugin = tmp_path / "mine.py"
    plugin.write_text(SOUND)
    assert benchmark.check_plugin(plugin) == []
    done = command("run", "AA-kNN", "Ridge", "--dataset", small, "--folds", "3", "--out", "r",
                   "--plugin", plugin, "--measures", "halves,Int")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Half is the measure halves of mine.py." in done.stdout
    assert "scoring" not in done.stdout
    plugin.write_text(SOUND.replace("/ 2", "* 2"))
    said = benchmark.check_plugin(plugin)
    assert said[0].startswith("halves: on 2 labels: it declares values from 0 to 1, it returns")
    listed = command("measures", "--plugin", plugin).stdout
    assert "Half of the sum of absolute differences." in listed
    for words, code in ((["run", "AA-kNN", "Ridge", "--dataset", small, "--folds", "3"], 1),
                        (["table", "3"], 2)):  # fmt: skip
        asked = command(*words, "--out", "r", "--plugin", plugin, "--measures", "halves")
        assert asked.returncode == code, asked.stderr
        assert asked.stderr.count("no measure that was asked for can score this run (halves: ") == 1
    idle = command("run", "AA-kNN", "Ridge", "--dataset", small, "--folds", "3", "--out", "r",
                   "--plugin", plugin)  # fmt: skip
    assert "No column shows halves" in idle.stderr


@pytest.mark.parametrize("what", ["raises", "others"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_that_fails_on_the_data_costs_its_column_alone(tmp_path, what):
    function, declared, sentence = {
        **BROKEN,
        "others": (lambda D, P: np.zeros(len(D)) / (len(D) < 20), {}, "not finite"),
    }[what]
    own = registered(function, "own", **declared)
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.4}, {"d": 60}, folds=3)
    kl = BY_NAME["kl_divergence"]
    both, alone = (
        dataclasses.replace(evidence, chosen=chosen) for chosen in ((own, kl), (kl,))
    )  # fmt: skip
    assert both.measures == (kl,)
    assert both.summary.equals(alone.summary)
    assert both.notes[:-1] == alone.notes
    assert both.notes[-1].startswith("There is no column of the measure own: ")
    assert sentence.removeprefix("raises ") in both.notes[-1]
    with pytest.raises(UsageError, match="measure own cannot score this run"):
        evidence.including(own)


def test_one_of_a_set_of_rows_and_one_with_a_range_by_labels(tmp_path):
    own = registered(lambda D, P: float(np.abs(D - P).max()), "worst", per_row=False, range=(0, 1))
    wide = registered(lambda D, P: np.full(len(D), 2.0), "wide", range=(0, math.sqrt))
    assert check_measure(own) == []
    assert "on 2 labels: it declares values from 0 to 1.41421" in check_measure(wide)[0]
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.4}, {"d": 60}, folds=3)
    chosen = dataclasses.replace(evidence, chosen=(own, BY_NAME["cosine"]))
    pairs = chosen.pairs.set_index("measure")
    assert pairs.loc["worst", "difference"] > 0
    assert np.isnan(pairs.loc["worst", "effect_size"])
    assert set(chosen.intervals["measure"]) == {"cosine"}
    plain = evidence.pairs.set_index("measure")
    assert pairs.loc["cosine", "effect_size"] == plain.loc["cosine", "effect_size"]


def test_an_installed_package_that_breaks_is_told(monkeypatch):
    class Point:
        name, value = "theirs", "their.package"

        def load(self):
            raise ImportError("no such thing")

    monkeypatch.setattr(known_module, "entry_points", lambda group: [Point()])
    known_module.installed_problems.cache_clear()
    assert known_module.installed_problems() == [
        "measure 'theirs' cannot be loaded from their.package: ImportError: no such thing"
    ]
    monkeypatch.undo()
    known_module.installed_problems.cache_clear()
