"""A run held against the paper: our tables beside the published ones, and the paper's claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.paper.claims import ABSENT, OUTCOMES, Ours, Verdict, judge, over_sigma
from benchmark.paper.grids import grids
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
from benchmark.paper.sentences import datasets_of, numbers_of, sentences, warnings
from benchmark.paper.side_by_side import (
    agreement,
    art_photos,
    match_datasets,
    match_rows,
    side_by_side,
)
from benchmark.tables import grid
from benchmark.tables.render import LATEX_HEAD, markdown_text

__all__ = ["Comparison", "claims_frame", "compare", "grids", "sentences", "write"]


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
        One row per cell of Tables 3 and 4: columns table, published_dataset, dataset, model,
        measure; ours and published (accuracies as shares); difference, positive where ours is
        better, whatever the measure's direction; our_rank among the models of the run;
        published_rank, as printed in Table 3 and computed in Table 4; ours_beats_mean, whether
        ours beats the mean training distribution of the run, and published_beats_mean, whether the
        published value beats that of the real labels. Missing values where one side has nothing.
        A table is absent if the run has none of its models.
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


def compare(
    evidence: Evidence, dataset: str = "", published: Published | None = None
) -> Comparison:
    """Hold a run against the paper.

    Parameters
    ----------
    evidence : Evidence
        Stored results.
    dataset : str
        Which dataset of the run stands for Emotion6; by default the one of that name. Case does
        not matter.
    published : Published, optional
        What the paper says, read from ``results/published`` by default.

    Raises
    ------
    UsageError
        No dataset of the run has the name of one of the paper's, and none is given; or there is
        none of the name that is given.
    BenchmarkError
        The published tables are not there.
    """
    published = load_published() if published is None else published
    plan = evidence.plan
    matches = match_datasets(plan, published, dataset)
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


def claims_frame(comparison: Comparison) -> pd.DataFrame:
    """List the verdicts, one row per claim.

    Returns
    -------
    DataFrame
        Columns claim, text, where, datasets (the run's), verdict; the numbers of pairs that agrees,
        opposes, not_significant and absent; numbers, obstacles and reasons in words.
    """
    rows = [
        {
            "claim": verdict.claim.id,
            "text": verdict.claim.text,
            "where": verdict.claim.where,
            "datasets": "; ".join(datasets_of(verdict)),
            "verdict": verdict.outcome,
            **{outcome.replace(" ", "_"): verdict.count(outcome) for outcome in OUTCOMES},
            "numbers": numbers_of(verdict),
            "obstacles": "; ".join(verdict.obstacles),
            "reasons": " ".join(verdict.reasons),
        }
        for verdict in comparison.verdicts
    ]
    return pd.DataFrame(rows)


def write(evidence: Evidence, comparison: Comparison) -> list[Path]:
    """Write ``compare.csv``, ``compare.md``, ``compare.tex`` and ``claims.csv``.

    Parameters
    ----------
    evidence : Evidence
        Its target folder is where they go.
    comparison : Comparison
        What `compare` returned for it.

    Raises
    ------
    BenchmarkError
        A file cannot be written.
    """
    folder = evidence.target
    return [
        folder.write_file("compare.csv", comparison.cells.to_csv(index=False)),
        folder.write_file("compare.md", _markdown(comparison)),
        folder.write_file("compare.tex", _latex(comparison)),
        folder.write_file("claims.csv", claims_frame(comparison).to_csv(index=False)),
    ]


def _markdown(comparison: Comparison) -> str:
    """Render everything as Markdown."""
    blocks = [grid.markdown(table) for table in grids(comparison)]
    loud = [f"**{markdown_text(line)}**\n" for line in warnings(comparison)]
    lines = sentences(comparison)[len(loud) :]
    items = "\n".join(f"- {markdown_text(line)}" for line in lines)
    return "\n".join([*loud, *blocks, f"{items}\n"])


def _latex(comparison: Comparison) -> str:
    r"""Render everything as LaTeX: compiles as it is, and can be ``\input`` in a paper."""
    tables = grids(comparison)
    # All notes come last, for LaTeX may move tables.
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    tables = [replace(table, notes=[]) for table in tables]
    tables[-1] = replace(tables[-1], notes=[*notes, *sentences(comparison)])
    end = "\\ldltableend\n"
    bodies = [grid.latex(t).removeprefix(LATEX_HEAD).removesuffix(end) for t in tables]
    # Also a table that fills most of a page stands before the notes.
    text = "\n".join(bodies).replace("\\begin{table}[htbp]", "\\begin{table}[!htbp]")
    return LATEX_HEAD + text + end
