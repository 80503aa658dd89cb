"""Weak rows are explained: settings kept as published, and rows worse than equal shares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made import make_evidence

from benchmark.analysis.caveats import WEAK, published_but_weak, worse_than_uniform
from benchmark.plugins.parameters import default_params
from benchmark.plugins.registry import find_model


@pytest.mark.parametrize("name", WEAK)
def test_the_sentence_is_about_the_default(name):
    settings, _ = WEAK[name]
    defaults = default_params(find_model(name).load())
    assert {key: defaults[key] for key in settings} == settings


def test_only_rows_with_the_published_settings_are_named(tmp_path):
    made = make_evidence(tmp_path, {"AA-kNN": 0.5, "other": 0.3, "wide": 0.2}, {"one": 40})
    models = {
        "AA-kNN": {"model": "AA-kNN", "params": {"k": 4}},
        "AA-kNN (tuned)": {"model": "AA-kNN", "params": {"k": 4}, "search": {}},
        "wide": {"model": "AA-kNN", "params": {"k": 50}},
    }
    (sentence,) = published_but_weak(replace(made.plan, models=models))
    assert sentence.startswith("Kept as published although weak: AA-kNN averages 4 neighbours, as")
    assert "wide" not in sentence
    assert "--tune" not in sentence  # there is a tuned row
    (alone,) = published_but_weak(replace(made.plan, models={"x": models["AA-kNN"]}))
    assert alone.endswith("--tune adds tuned rows.")
    assert published_but_weak(replace(made.plan, models={"x": models["wide"]})) == []


def test_rows_worse_than_equal_shares_are_named(tmp_path):
    # The error of a model is the share of a random distribution that is mixed in.
    evidence = make_evidence(tmp_path, {"good": 0.1, "bad": 1.0}, {"one": 60})
    (sentence,) = worse_than_uniform(evidence.summary)
    assert sentence.startswith("Worse than equal shares in KLdiv: bad on one. ")
    assert sentence in evidence.notes
    fine = evidence.summary[evidence.summary["model"] != "bad"]
    assert worse_than_uniform(fine) == []
