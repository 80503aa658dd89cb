"""A comparison with the paper, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmark.analysis.reference import MEAN
from benchmark.analysis.statistics import ALPHA
from benchmark.metrics import Measure
from benchmark.paper.claims import HOLDS, OUTCOMES, UNJUDGED, VERDICTS
from benchmark.paper.comparison import Comparison
from benchmark.paper.published import EMOTION6, PAPER_MEASURES, TABLE3, TABLE4
from benchmark.paper.sentences import datasets_of, numbers_of
from benchmark.tables.grid import DAGGER, Cell, Grid, text_cells
from benchmark.wording import GAP, effect, rank_text, signed, value

_BETTER = "ours better by"
_SIGN = (
    f'"{_BETTER}": + where ours is better and - where the published value is, whatever the '
    f"direction of the measure."
)
_TAU = "Kendall's tau-b"
_TAU_NOTE = (
    f"{_TAU}: 1 if ours and the published values order the models that both have alike, -1 if "
    f"the other way round."
)


@dataclass(frozen=True)
class _Side:
    """Whose values they are: what a row of the table is called, and the columns of the cells."""

    title: str
    rank: str
    beats_mean: str


_OURS = _Side("ours", "our_rank", "ours_beats_mean")
_PUBLISHED = _Side("published", "published_rank", "published_beats_mean")


def grids(comparison: Comparison) -> list[Grid]:
    """Lay out the tables side by side, where the run has any of their models, and the claims."""
    cells = comparison.cells
    found = []
    if (cells["table"] == TABLE3).any():
        found.append(_table3(comparison, cells[cells["table"] == TABLE3]))
    if (cells["table"] == TABLE4).any():
        found.append(_table4(comparison, cells[cells["table"] == TABLE4]))
    return [*found, _claims(comparison)]


def _table3(comparison: Comparison, cells: pd.DataFrame) -> Grid:
    measures = [PAPER_MEASURES[name] for name in cells["measure"].unique()]
    headers = ["Model", ""] + [f"{m.title} {'↑' if m.higher_is_better else '↓'}" for m in measures]
    rows = []
    for model, part in cells.groupby("model", sort=False):
        lines = part.to_dict("records")
        if model == MEAN:
            real = comparison.published.mean_distribution
            ours = map(value, part["ours"], measures)
            rows.append(text_cells([MEAN, "ours", *ours]))
            theirs = (value(real[m.name], m) for m in measures)
            rows.append(text_cells(["", f"real {EMOTION6}", *theirs]))
            continue
        for side in (_OURS, _PUBLISHED):
            shown = [_ranked(row, side, m) for row, m in zip(lines, measures, strict=True)]
            name = str(model) if side == _OURS else ""
            rows.append([*text_cells([name, side.title]), *shown])
        if part["difference"].notna().any():
            differences = map(signed, part["difference"], measures)
            rows.append(text_cells(["", _BETTER, *differences]))
    taus = _taus(comparison, TABLE3, EMOTION6, [m.name for m in measures])
    rows.append(text_cells([_TAU, "", *taus]))
    name = comparison.matches[EMOTION6]
    return Grid(
        caption=_caption(
            comparison,
            f"Our results beside Table 3 of {comparison.published.short}",
            [EMOTION6],
        ),
        headers=headers,
        names=2,
        cells=rows,
        notes=[
            f"Table 3: ours is {name}, in parentheses the rank among the models of the run; "
            f"published is {EMOTION6}, ranks as printed.",
            _SIGN,
            f"{DAGGER} does not beat the mean training distribution: ours that of {name}, the "
            f"published values that of the real {EMOTION6} labels, computed by this project (the "
            f"paper has no such row).",
            _TAU_NOTE,
        ],
        legend=[
            "In parentheses: rank among the models of the run, or as printed. Bold: best. "
            f"{DAGGER} does not beat the mean training distribution.",
            _SIGN,
            _TAU_NOTE,
        ],
        name="beside-table3",
    )


def _table4(comparison: Comparison, cells: pd.DataFrame) -> Grid:
    papers = list(cells["published_dataset"].unique())
    measure = PAPER_MEASURES["accuracy"]
    headers = ["Model"]
    models = list(dict.fromkeys(cells["model"]))
    models = [model for model in models if model != MEAN] + [MEAN]
    rows = {model: [Cell(str(model))] for model in models}
    for paper in papers:
        here = cells[cells["published_dataset"] == paper].set_index("model").reindex(models)
        headers += [f"{comparison.matches[paper]}, ours", f"{paper}, published", _BETTER]
        for model, row in zip(models, here.to_dict("records"), strict=True):
            rows[model] += [_ranked(row, side, measure) for side in (_OURS, _PUBLISHED)]
            rows[model].append(Cell(signed(row["difference"], measure)))
    taus = [_TAU]
    for paper in papers:
        taus += ["", "", *_taus(comparison, TABLE4, paper, [measure.name])]
    return Grid(
        caption=_caption(
            comparison,
            f"Our accuracies (%) beside Table 4 of {comparison.published.short}",
            papers,
        ),
        headers=headers,
        cells=[*rows.values(), text_cells(taus)],
        notes=[
            "Table 4: in parentheses the rank, ours among the models of the run, the published "
            "among the nine of the table.",
            _SIGN,
            f"{DAGGER} does not beat the mean training distribution, as far as that is known for "
            f"the published values.",
            _TAU_NOTE,
        ],
        legend=[
            "In parentheses: rank among the models of the run, or of the published table. Bold: "
            f"best. {DAGGER} does not beat the mean training distribution.",
            _SIGN,
            _TAU_NOTE,
        ],
        name="beside-table4",
    )


def _claims(comparison: Comparison) -> Grid:
    verdicts = comparison.verdicts
    numbers = {reason.text: i for i, reason in enumerate(comparison.reasons, start=1)}
    rows, notes = [], []
    obstacles: dict[str, list[str]] = {}
    for i, verdict in enumerate(verdicts, start=1):
        why = _ranges([numbers[text] for text in verdict.reasons])
        rows.append(
            [
                str(i),
                verdict.claim.text,
                ", ".join(datasets_of(verdict)) or GAP,
                verdict.outcome,
                *(str(verdict.count(outcome)) for outcome in OUTCOMES),
                "" if verdict.outcome in (HOLDS, UNJUDGED) else why,
            ]
        )
        found = numbers_of(verdict)
        if found:
            notes.append(f"Claim {i} ({verdict.claim.where}), {verdict.outcome}: {found}.")
        for obstacle in verdict.obstacles:
            obstacles.setdefault(obstacle, []).append(str(i))
    counts = Counter(verdict.outcome for verdict in verdicts)
    summary = ", ".join(f"{outcome} {counts[outcome]}" for outcome in VERDICTS if counts[outcome])
    lacking = [
        f"Lacking for claim{'s' if len(claims) > 1 else ''} {', '.join(claims)}: {obstacle}."
        for obstacle, claims in obstacles.items()
    ]
    return Grid(
        caption=_caption(
            comparison,
            f"Claims of {comparison.published.short}, held against our results",
            comparison.stand_ins,
        ),
        headers=["", "Claim", "Held against", "Verdict", *map(str.capitalize, OUTCOMES),
                 "May differ by reason"],
        cells=[text_cells(row) for row in rows],
        notes=[
            f"Verdicts on {len(verdicts)} claims: {summary}. A claim holds if all of its "
            f"comparisons agree and are significant, and does not hold if one of them is "
            f"significantly the other way round.",
            f"Significant: p below {ALPHA:g} in the corrected resampled t-test over the folds, "
            f"adjusted by Holm's method for all pairs of models of the dataset and measure (over "
            f"sigma: for all other sigma). + means that the first is better, whatever the "
            f"measure's direction.",
            *notes,
            *lacking,
        ],
        legend=[
            "A claim holds if all of its comparisons agree and are significant (corrected "
            f"resampled t-test over the folds, Holm-adjusted, level {ALPHA:g}); it does not hold "
            "if one is significantly the other way round."
        ],
        name="claims",
    )  # fmt: skip


def _caption(comparison: Comparison, text: str, papers: Iterable[str]) -> str:
    """Add loudly which data is other data."""
    other = [f"{comparison.stand_ins[p]} instead of {p}" for p in papers
             if p in comparison.stand_ins]  # fmt: skip
    return f"{text}; OTHER DATA: {', '.join(other)}" if other else text


def _taus(comparison: Comparison, table: str, paper: str, measures: list[str]) -> list[str]:
    frame = comparison.agreement
    mine = frame[(frame["table"] == table) & (frame["published_dataset"] == paper)]
    taus = mine.set_index("measure")["tau"].to_dict()
    return [GAP if taus[name] is None else effect(taus[name]) for name in measures]


def _ranked(row: dict[Any, Any], side: _Side, measure: Measure) -> Cell:
    rank, beats = row[side.rank], row[side.beats_mean]
    lost = not pd.isna(beats) and not beats
    return Cell(
        value(row[side.title], measure),
        rank=rank_text(rank),
        after=DAGGER if lost else "",
        best=rank == 1,
    )


def _ranges(numbers: list[int]) -> str:
    """Write sorted numbers as 1-3, 5."""
    parts: list[list[int]] = []
    for n in numbers:
        if parts and n == parts[-1][-1] + 1:
            parts[-1].append(n)
        else:
            parts.append([n])
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
