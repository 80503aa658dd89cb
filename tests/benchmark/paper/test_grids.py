"""The tables of a comparison: gaps, daggers, signs, and the numbers of reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_paper import HOSTILE, claim_of

from benchmark.analysis.evidence import gather
from benchmark.paper.comparison import compare
from benchmark.paper.grids import grids
from benchmark.paper.sentences import sentences


def test_grids_show_gaps_daggers_and_signs(run):
    with gather(run) as evidence:
        comparison = compare(evidence)
    table, claims = grids(comparison)
    rows, model = {}, ""
    for name, side, *cells in table.rows:
        model = name or model  # told once for all of its lines
        rows[model, side] = dict(zip(table.headers[2:], cells, strict=True))
    assert rows["PT-Bayes", "published"]["KLdiv ↓"] == "2.3804(9)†"
    assert rows["AA-kNN", "published"]["Accuracy % ↑"] == "44.90(4)"
    assert rows["EW-MTCNN", "ours"]["Cos ↑"] == "-"
    assert rows["EW-MTCNN", "published"]["Cos ↑"] == "0.7902(1)"
    assert ("EW-MTCNN", "ours better by") not in rows
    assert rows[HOSTILE, "ours"]["Int ↑"].endswith("†")
    assert rows["mean distribution", "real Emotion6"]["Accuracy % ↑"] == "32.22"
    for (model, side), cells in rows.items():
        if side == "ours better by":
            for title, cell in cells.items():
                ours, theirs = (
                    float(rows[model, of][title].partition("(")[0]) for of in ("ours", "published")
                )
                gain = theirs - ours if title.endswith("↓") else ours - theirs
                assert float(cell) == pytest.approx(gain, abs=0.011 if "%" in title else 1.1e-4)
                assert cell[0] in "+-"
    assert [row[3] for row in claims.rows] == ["cannot be judged"] * len(comparison.verdicts)


def test_claims_tell_their_reasons_by_number(published, run):
    """A claim that does not hold names the reasons that touch its models, and their numbers."""
    with gather(run) as evidence:
        claim = claim_of(("AA-kNN", "SA-BFGS"), measure="kl_divergence")
        changed = replace(published, claims=(claim,))
        comparison = compare(evidence, published=changed)
    (verdict,) = comparison.verdicts
    assert verdict.outcome == "does not hold"
    assert any("dataset's own (EMOTION6.mat)" in text for text in verdict.reasons)
    grid = grids(comparison)[-1]
    numbers = [comparison.reasons.index(r) + 1 for r in comparison.reasons
               if r.text in verdict.reasons]  # fmt: skip
    assert len(numbers) > 2
    assert grid.rows[0][-1] == f"{numbers[0]}-{numbers[-1]}"
    assert f"Reason {numbers[0]}: {verdict.reasons[0]}" in sentences(comparison)
    note = next(note for note in grid.notes if note.startswith("Claim 1"))
    assert "EMOTION6, KLdiv, AA-kNN against SA-BFGS -" in note
    assert "(published +0.1345, p" in note
