"""A comparison with the paper, in sentences."""

from __future__ import annotations

import numpy as np

from benchmark.paper.claims import ABSENT, Verdict
from benchmark.paper.comparison import Comparison
from benchmark.paper.published import EMOTION6, PAPER_MEASURES, TABLE3, Published, errata
from benchmark.wording import p_equals, signed


def sentences(comparison: Comparison) -> list[str]:
    """Say what a reader has to know: other data, beaten cells, errata, reasons of differences."""
    published = comparison.published
    return [
        *warnings(comparison),
        f"Published: {published.reference}",
        beaten(published),
        *(f"Erratum of the paper. {text}" for text in errata(published)),
        *(f"Reason {i}: {reason.text}" for i, reason in enumerate(comparison.reasons, start=1)),
    ]


def warnings(comparison: Comparison) -> list[str]:
    """Say loudly where other data stands for the paper's; empty if nowhere."""
    return [
        f"OTHER DATA: {name} is not {paper}. Its values and the published ones were measured on "
        f"different data, so no difference between them confirms or refutes the paper."
        for paper, name in comparison.stand_ins.items()
    ]


def beaten(published: Published) -> str:
    """Say which published cells do not beat the mean distribution of the real labels."""
    cells = published.cells
    lost = cells[(cells["beats_mean"] == False).fillna(False)]  # noqa: E712 - it may be missing
    named = [
        f"{model} in {', '.join(PAPER_MEASURES[m].title for m in part['measure'])}"
        for model, part in lost.groupby("model", sort=False)
    ]
    known = cells["beats_mean"].notna() & (cells["table"] == TABLE3)
    return (
        f"{len(lost)} of the {known.sum()} published cells of Table 3 do not beat the mean "
        f"distribution of the real {EMOTION6} labels, which looks at no image: "
        f"{'; '.join(named)}."
    )


def datasets_of(verdict: Verdict) -> list[str]:
    """List the run's datasets that a claim was held against."""
    return list(dict.fromkeys(verdict.pairs.loc[verdict.pairs["outcome"] != ABSENT, "dataset"]))


def numbers_of(verdict: Verdict) -> str:
    """Give our differences and the published ones in words; empty if nothing was compared."""
    pairs = verdict.pairs[verdict.pairs["outcome"] != ABSENT]
    parts = []
    for keys, group in pairs.groupby(["dataset", "measure", "better"], sort=False):
        dataset, measure, better = map(str, keys)
        m = PAPER_MEASURES[measure]
        against = []
        for row in group.to_dict("records"):
            notes = [p_equals(row["p_holm"])]
            if not np.isnan(row["published_difference"]):
                notes.insert(0, f"published {signed(row['published_difference'], m)}")
            ours = signed(row["difference"], m)
            against.append(f"{row['worse']} {ours} ({', '.join(notes)})")
        parts.append(f"{dataset}, {m.title}, {better} against {', '.join(against)}")
    return "; ".join(parts)
