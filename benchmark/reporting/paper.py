"""The paper's numbers beside the run's, where the run is that paper's study."""

from __future__ import annotations

from typing import Any

from benchmark.analysis.evidence import Evidence
from benchmark.paper.comparison import Comparison, NotComparable, compare
from benchmark.paper.grids import grids
from benchmark.paper.sentences import sentences
from benchmark.paper.writing import claims_frame
from benchmark.reporting.copies import Shown


def paper_section(evidence: Evidence) -> dict[str, Any] | None:
    """Hold the run against the paper; None where it is another study.

    It is the paper's study where it has one of the paper's rows on one of the paper's datasets:
    of that name, and with as many images and labels as the paper states. On other data, on the
    built-in images too, published values beside ours would say nothing of either;
    ``ldl-benchmark compare`` makes such tables for those who ask.
    """
    compared = compare(evidence)
    if isinstance(compared, NotComparable) or not of_the_paper(evidence, compared):
        return None
    laid_out = grids(compared)
    frames = [part for _, part in compared.cells.groupby("table", sort=False)]
    frames.append(claims_frame(compared))
    return {
        "tables": [
            Shown(f"paper-{number}", grid, frame)
            for number, (grid, frame) in enumerate(zip(laid_out, frames, strict=True))
        ],
        "sentences": sentences(compared),
    }


def of_the_paper(evidence: Evidence, compared: Comparison) -> bool:
    """Tell whether a run has a row of the paper on a dataset of the paper."""
    if not compared.cells["difference"].notna().any():
        return False
    stated = compared.published.settings["datasets"]
    return any(
        evidence.plan.truths[name].D.shape == (stated[paper]["images"], stated[paper]["labels"])
        for paper, name in compared.matches.items()
        if paper not in compared.stand_ins
    )
