"""Errors, bias and confusions label by label (labels), and tuned rows beside others.

Also tests `benchmark.reporting.tuned` and `benchmark.reporting.copies`.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from sklearn.metrics import confusion_matrix

from benchmark.analysis.reference import MEAN
from benchmark.planning.plan import Plan
from benchmark.reporting.copies import (
    confusion_grid,
    confusion_pattern,
    for_names,
    packed,
    unpacked,
)
from benchmark.reporting.labels import balance, confusions, error_tables, errors_of
from benchmark.reporting.tuned import tuned_tables
from benchmark.tables.latex import latex

LABELS = ("joy", "害怕", "a & b_c", "-1+2")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    path = tmp_path_factory.mktemp("labels")
    models = {"Good": 0.1, "模型": 0.5, "lacking": 0.3}
    return make_evidence(path, models, {"faces": 61}, labels=LABELS, folds=4, repeats=2, missing=1)


def test_errors_sum_to_what_the_intersection_lacks_and_bias_to_nothing(evidence):
    found = errors_of(evidence, "faces")
    rows = evidence.summary.set_index("model")
    for name in ("Good", "模型", MEAN):
        errors, biases = found[name]
        assert errors.sum() == pytest.approx(2 * (1 - rows.loc[name, "intersection"]))
        assert biases.sum() == pytest.approx(0, abs=1e-12)
    assert np.isnan(found["lacking"]).all()


def test_bias_has_the_sign_of_what_is_predicted_too_much(evidence):
    doubled = dict(evidence.results)
    for task, result in doubled.items():
        P = result.predictions.copy()
        moved = P[:, 1] / 2
        P[:, 0] += moved
        P[:, 1] -= moved
        doubled[task] = replace(result, predictions=P)
    before = errors_of(evidence, "faces")["Good"][1]
    after = errors_of(replace(evidence, results=doubled), "faces")["Good"][1]
    assert after[0] > before[0] + 0.05
    assert after[1] < before[1] - 0.05
    assert after[2:] == pytest.approx(before[2:])


def test_the_tables_of_errors_show_and_copy_the_same_numbers(evidence):
    error, bias = error_tables(evidence, "faces", "x")
    assert error.grid.headers == ["Model", *LABELS]
    wide = bias.frame.pivot_table(index="model", columns="label", values="bias")
    shown = {str(row[0]): row[1:] for row in bias.grid.cells}
    assert [float(str(cell)) for cell in shown["Good"]] == pytest.approx(
        wide.loc["Good", list(LABELS)].to_numpy(), abs=5.1e-5
    )
    assert [str(cell) for cell in shown["lacking"]] == ["-"] * 4
    signs = {shade[0] for row in bias.shades for shade in row if shade}
    assert signs == {"p", "n"}


def test_confusions_are_those_of_scikit_learn_and_ties_are_told(evidence):
    truth = evidence.plan.truths["faces"]
    D = truth.D.copy()
    D[5] = [0.4, 0.4, 0.1, 0.1]
    made = replace(evidence, plan=replace(evidence.plan, truths={"faces": replace(truth, D=D)}))
    (entry,) = confusions(made)
    predicted = made.predictions("faces")
    for model in entry["models"]:
        P = predicted[model["name"]]
        known = ~np.isnan(P).any(axis=1)
        expected = confusion_matrix(
            D[known].argmax(axis=1), P[known].argmax(axis=1), labels=range(4)
        )
        assert np.reshape(model["counts"], (4, 4)).tolist() == expected.tolist()
    ties = {model["name"]: model["ties"] for model in entry["models"]}
    assert ties["Good"] == [1, 0]
    assert ties["uniform"] == [1, 61]


def test_the_balance_counts_the_first_of_tied_labels(evidence):
    truth = replace(evidence.plan.truths["faces"], D=np.array([[0.4, 0.4, 0.1, 0.1], [0, 1, 0, 0]]))
    table = balance(truth, "x")
    assert list(table.frame["dominant"]) == [1, 1, 0, 0]
    assert list(table.frame["mean_degree"]) == pytest.approx([0.2, 0.7, 0.05, 0.05])
    assert "1 instance has several largest degrees" in table.grid.notes[0]
    again = pd.read_csv(io.StringIO(table.texts[1]))
    assert list(again.columns) == ["dataset", "label", "dominant", "dominant_share", "mean_degree"]


def test_tuned_rows_stand_below_those_that_they_tune(tmp_path):
    made = make_evidence(tmp_path, {"A": 0.4, "A (tuned)": 0.2, "B": 0.3}, {"faces": 60})
    models = dict(made.plan.models)
    search = {"configurations": [{}], "folds": 3, "measure": "kl_divergence"}
    models["A (tuned)"] = {**models["A"], "search": search}
    plan: Plan = replace(made.plan, models=models)
    _, table = tuned_tables(replace(made, plan=plan))
    first, second, gain = ([str(cell) for cell in row] for row in table.grid.cells)
    assert (first[:2], second[:2], gain[:2]) == (["A", "untuned"], ["", "tuned"], ["", "gain"])
    rows = made.summary.set_index("model")
    frame = table.frame.set_index("measure")
    for measure, sign in (("kl_divergence", -1), ("accuracy", 1)):
        expected = sign * (rows.loc["A (tuned)", measure] - rows.loc["A", measure])
        assert frame.loc[measure, "gain"] == pytest.approx(expected)
    assert tuned_tables(made) == []


def test_a_pattern_that_is_filled_is_the_table_itself():
    counts = [[1, 20, 3, 4, 28], [5, 6, 7, 8, 26], [9, 0, 1, 2, 12], [3, 4, 5, 6, 18]]
    text = confusion_pattern(LABELS).replace("Q0Q", "What it shows")
    for place, number in enumerate((n for row in counts for n in row), start=1):
        text = text.replace(f"Q{place}Q", str(number))
    # Numbers that are known are padded, so that units stand below each other, and measured.
    table = latex(confusion_grid(LABELS, counts, "What it shows"))
    text, table = (re.sub(r"\\phantom\{0+\}|ldlneeds\{\d+\}", "", each) for each in (text, table))
    assert text == table


def test_a_pattern_that_takes_chinese_names_is_the_table_itself():
    names = {"情感": (r"\ldlcjk{情感}{\ldlchar{60C5}\ldlchar{611F}}", "情感")}
    text = for_names(confusion_pattern(LABELS), names).replace("Q0Q", names["情感"][0])
    text = re.sub(r"Q\d+Q", "1", text)
    table = latex(confusion_grid(LABELS, [["1"] * 5] * 4, "情感"))
    assert re.sub(r"ldlneeds\{\d+\}", "", text) == re.sub(r"ldlneeds\{\d+\}", "", table)


def test_what_is_packed_comes_back():
    values = {"tables": {"x": ["\\alpha & 情感", 'a,"b"\n']}}
    assert unpacked(packed(values)).items() >= values.items()


def test_of_many_labels_tables_list_the_largest_and_copy_all(evidence, monkeypatch):
    monkeypatch.setattr("benchmark.reporting.labels.MOST_LISTED", 3)
    truth = evidence.plan.truths["faces"]
    least = LABELS[int(truth.D.mean(axis=0).argmin())]
    rest = [label for label in LABELS if label != least]
    error, bias = error_tables(evidence, "faces", "x")
    shown = balance(truth, "y")
    for table in (error, bias):
        assert table.grid.headers == ["Model", *rest]
        assert {len(row) for row in table.grid.cells} == {4}
        assert {len(row) for row in table.shades} == {3}
    assert [str(row[0]) for row in shown.grid.cells] == rest
    for table in (error, bias, shown):
        assert table.grid.notes[-1].startswith("Of 4 labels those 3 with the largest mean degree")
        assert set(table.frame["label"]) == set(LABELS)
