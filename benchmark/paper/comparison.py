"""A run held against the paper: our tables beside the published ones, and the paper's claims."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.metrics import MEASURES
from benchmark.paper.claims import ABSENT, Ours, Verdict, judge, over_sigma
from benchmark.paper.published import (
    ARTPHOTO,
    EMOTION6,
    FIGURE5,
    TABLE3,
    TABLE4,
    Published,
    load_published,
)
from benchmark.paper.reasons import Reason, find_reasons, joined, stands_in
from benchmark.paper.side_by_side import (
    agreement,
    art_photos,
    match_datasets,
    match_rows,
    side_by_side,
)


@dataclass(frozen=True)
class Comparison:
    """A run beside the paper.

    Attributes
    ----------
    published : Published
        What the paper says.
    matches : dict
        Dataset of the paper to the run's dataset that stands for it.
    stand_ins : dict
        Those of `matches` where it is other data.
    cells : DataFrame
        One row per cell of Tables 3 and 4, columns `benchmark.columns.COMPARE`. Missing values
        where one side has nothing. A table is absent if the run has none of its models.
    agreement : DataFrame
        Rank correlations, see `benchmark.paper.side_by_side.agreement`.
    verdicts : tuple of Verdict
        One per claim, in the order of the paper.
    reasons : tuple of Reason
        Why numbers may differ.
    """

    published: Published
    matches: dict[str, str]
    stand_ins: dict[str, str]
    cells: pd.DataFrame
    agreement: pd.DataFrame
    verdicts: tuple[Verdict, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class NotComparable:
    """A run has none of the paper's datasets.

    Attributes
    ----------
    reason : str
        What it lacks and what to do; a sentence without capital and full stop.
    """

    reason: str


def compare(
    evidence: Evidence, dataset: str = "", published: Published | None = None
) -> Comparison | NotComparable:
    """Hold a run against the paper.

    Parameters
    ----------
    evidence : Evidence
        Stored results.
    dataset : str
        Which dataset of the run stands for Emotion6; by default the one of that name. Case does
        not matter.
    published : Published, optional
        What the paper says, by default what `load_published` returns.

    Returns
    -------
    Comparison or NotComparable
        The latter if no dataset of the run has the name of one of the paper's, and none is given.

    Raises
    ------
    UsageError
        The run has no dataset of the name that is given.
    """
    published = load_published() if published is None else published
    plan = evidence.plan
    matches = match_datasets(plan, published, dataset)
    if not matches:
        return NotComparable(
            f"this run has neither {EMOTION6} nor {ARTPHOTO}, the datasets of the published "
            f"tables; name the dataset that stands for {EMOTION6}, for example: "
            f"--dataset {shlex.quote(next(iter(plan.truths)))}"
        )
    evidence = evidence.including(*MEASURES)  # its tables are those of the paper
    parts = [
        side_by_side(evidence.summary, published, table, paper, matches[paper])
        for table, paper in ((TABLE3, EMOTION6), (TABLE4, EMOTION6), (TABLE4, ARTPHOTO))
        if paper in matches
    ]
    cells = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    figure = published.settings["figure5"]
    model = match_rows([figure["model"]], plan.models)
    sigma = over_sigma(evidence, art_photos(plan), model.get(figure["model"], ""), figure["best"])
    reasons = []
    ours: dict[str, dict[str, Ours]] = {TABLE3: {}, TABLE4: {}, FIGURE5: {}}
    for paper, name in matches.items():
        rows = [row for table in (TABLE3, TABLE4) if _has(published, table, paper)
                for row in published.rows(table)]  # fmt: skip
        names = match_rows(rows, plan.models_of(name))
        reasons += find_reasons(plan, published, paper, name, names)
        for table in (TABLE3, TABLE4):
            ours[table][paper] = Ours(name, names, evidence.pairs)
    if sigma is not None:
        ours[FIGURE5][figure["dataset"]] = sigma
        reasons += find_reasons(plan, published, ARTPHOTO, matches[ARTPHOTO], model, True)
    reasons = joined(reasons)
    verdicts = [judge(claim, published, ours[claim.table]) for claim in published.claims]
    return Comparison(
        published=published,
        matches=matches,
        stand_ins={
            paper: name for paper, name in matches.items() if stands_in(plan.truths[name], paper)
        },
        cells=cells,
        agreement=agreement(cells),
        verdicts=tuple(
            replace(verdict, reasons=_concerning(verdict, reasons, figure["model"]))
            for verdict in verdicts
        ),
        reasons=tuple(reasons),
    )


def _has(published: Published, table: str, dataset: str) -> bool:
    cells = published.cells
    return bool(((cells["table"] == table) & (cells["dataset"] == dataset)).any())


def _concerning(verdict: Verdict, reasons: list[Reason], figure_model: str) -> tuple[str, ...]:
    """Choose the reasons that touch the pairs that the run has."""
    compared = verdict.pairs[verdict.pairs["outcome"] != ABSENT]
    about: set[tuple[str, str]] = set()
    for paper, better, worse in zip(
        compared["published_dataset"], compared["better"], compared["worse"], strict=True
    ):
        rows = (figure_model,) if verdict.claim.table == FIGURE5 else (better, worse)
        about |= {(paper, row) for row in rows}
    return tuple(r.text for r in reasons if r.concerns(about, verdict.claim.measures))
