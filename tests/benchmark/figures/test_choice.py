"""What a figure is asked to show: names as the run writes them, and what is not there is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made import make_evidence

from benchmark.errors import UsageError
from benchmark.figures.choice import (
    Choice,
    NotShown,
    chosen_dataset,
    chosen_measure,
    chosen_models,
    complete_models,
    left_out,
    no_complete_model,
    not_run,
    resolve,
)
from benchmark.metrics import BY_NAME, FURTHER
from benchmark.wording import find_measure


@pytest.fixture
def evidence(tmp_path):
    models = {"A": 0.2, "B": 0.5, "C": 0.8}
    return make_evidence(tmp_path, models, {"one": 24, "four": 24}, folds=3)


def test_names_are_written_as_the_run_writes_them(evidence):
    choice = Choice("FOUR", "Cos", ("b", "A", "B", "a"))
    assert resolve(choice, evidence.plan) == Choice("four", "cosine", ("B", "A"))
    assert resolve(Choice(), evidence.plan) == Choice()


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (Choice(dataset="foru"), "the run has no dataset 'foru'; did you mean 'four'? "
         "(it has: one, four)"),
        (Choice(dataset="xyz"), "the run has no dataset 'xyz' (it has: one, four)"),
        (Choice(models=("A", "Z")), "the run has no model 'Z' (it has: A, B, C)"),
        (Choice(measure="cosin"), "there is no measure 'cosin'; did you mean 'cosine'? "
         "(there are: chebyshev, clark, canberra, kl_divergence, cosine, intersection, accuracy, "
         f"tie_aware_accuracy, {', '.join(m.name for m in FURTHER)})"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_one_sentence(evidence, choice, sentence):
    with pytest.raises(UsageError) as error:
        resolve(choice, evidence.plan)
    assert str(error.value) == sentence


def test_the_first_dataset_is_shown_unless_another_is_chosen(evidence):
    assert chosen_dataset(evidence.plan, Choice()) == "one"
    assert chosen_dataset(evidence.plan, Choice(dataset="four")) == "four"


def test_models_keep_the_order_of_the_choice(evidence):
    assert chosen_models(Choice(), ["A", "B", "C"]) == ["A", "B", "C"]
    assert chosen_models(Choice(models=("B", "A")), ["A", "B", "C"]) == ["B", "A"]
    assert complete_models(evidence, Choice(models=("B",))) == (["B"], "")


def test_measures_go_by_name_or_title(evidence):
    for text in ("kl_divergence", "KL_Divergence", "KLdiv", "kldiv"):
        assert find_measure(text).name == "kl_divergence"
    assert chosen_measure(Choice(measure="cosine"), evidence).name == "cosine"
    assert chosen_measure(Choice(), evidence).name == "kl_divergence"
    chosen = replace(evidence, chosen=(BY_NAME["fidelity"], BY_NAME["cosine"]))
    assert chosen_measure(Choice(), chosen).name == "fidelity"


def test_models_without_all_folds_are_named(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.2, "B": 0.5}, {"d": 30}, missing=1)
    shown, remark = complete_models(evidence, Choice())
    assert shown == ["A"]
    assert remark == left_out(["B"]) == "Left out, for folds without a result: B."
    assert no_complete_model(evidence, Choice()) is None
    lacking = no_complete_model(evidence, Choice(models=("B",)))
    assert lacking.reason.startswith("none of B has all of its folds; the same run command")


def test_models_that_did_not_run_on_the_dataset_are_named(evidence):
    plan = replace(evidence.plan, inputs={**evidence.plan.inputs, "four": {"A": ""}})
    evidence = replace(evidence, plan=plan)
    found = no_complete_model(evidence, Choice("four", models=("B", "A", "C")))
    assert found == NotShown("B and C did not run on it")
    assert not_run(Choice(models=("A",)), ["A"]) is None
    assert not_run(Choice(), ["A"]) is None
