"""Sentences of a comparison: what is told loudly, and which published cells lose."""

from __future__ import annotations

import pandas as pd
from made_paper import truth

from benchmark.analysis.evidence import gather
from benchmark.paper.claims import Verdict
from benchmark.paper.comparison import compare
from benchmark.paper.grids import grids
from benchmark.paper.sentences import beaten, numbers_of, sentences


def test_other_data_is_told_loudly(run):
    with gather(run) as evidence:
        plan = evidence.plan
        renamed = truth("else", rows=60, labels=4)
        plan.truths["else"] = renamed
        plan.inputs["else"] = {}
        comparison = compare(evidence, "EMOTION6")
        assert comparison.stand_ins == {}
        assert not any("OTHER DATA" in line for line in sentences(comparison))
        comparison = compare(evidence, "Else")
    assert comparison.stand_ins == {"Emotion6": "else"}
    assert sentences(comparison)[0].startswith("OTHER DATA: else is not Emotion6.")
    assert all("OTHER DATA" in grid.caption for grid in grids(comparison))


def test_p_values_of_claims_are_written_as_everywhere(published):
    pair = {
        "dataset": "mine",
        "measure": "kl_divergence",
        "better": "A",
        "worse": "B",
        "published_difference": 0.0134,
        "difference": 0.01234,
        "p_holm": 0.0496,
        "outcome": "agrees",
    }
    verdict = Verdict(published.claims[0], "holds", pd.DataFrame([pair]), ())
    assert numbers_of(verdict) == (
        "mine, KLdiv, A against B +0.0123 (published +0.0134, p = 0.0496)"
    )


def test_beaten_cells_in_words(published):
    text = beaten(published)
    assert text.startswith("28 of the 63 published cells of Table 3 do not beat")
    assert "AA-kNN in KLdiv." in text
    assert "EW-MTCNN" not in text
