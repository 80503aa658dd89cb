"""What a reader chooses in the report: pairs of models, and instances one by one."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.samples import KL
from benchmark.analysis.statistics import ALPHA
from benchmark.store.pictures import SIDE
from benchmark.wording import seen
from features.arrays import FloatArray

#: Stands for `pairs_data` where that cannot be made.
NO_PAIRS: dict[str, Any] = {"columns": [], "measures": [], "datasets": []}


def pairs_data(evidence: Evidence) -> dict[str, Any]:
    """Collect all pairwise comparisons: dataset to measure to rows of numbers, models by number."""
    evidence = evidence.including(KL)
    columns = [
        "difference", "low", "high", "p_holm", "p_a_better", "p_equivalent", "p_b_better",
        "effect_size", "share_won",
    ]  # fmt: skip
    found: dict[str, Any] = {
        "columns": columns,
        "measures": [
            {"name": m.name, "title": m.title, "percent": m.percent} for m in evidence.measures
        ],
        "datasets": [],
    }
    for dataset in evidence.plan.truths:
        names = evidence.plan.models_of(dataset)
        here = evidence.pairs[evidence.pairs["dataset"] == dataset]
        rows = {}
        for measure, part in here.groupby("measure", sort=False):
            a, b = (part[c].map(names.index).to_numpy() for c in ("model_a", "model_b"))
            numbers = part[columns].to_numpy(dtype=np.float64)
            rows[str(measure)] = [
                [int(i), int(j), *map(_short, values)]
                for i, j, values in zip(a, b, numbers, strict=True)
            ]
        found["datasets"].append(
            {
                "name": seen(dataset),
                "models": [seen(name) for name in names],
                "first": _first(evidence, dataset),
                "rows": rows,
            }
        )
    return found


def _first(evidence: Evidence, dataset: str) -> int:
    """Return the number of the model with the best mean rank, 0 if none has one."""
    ranks = evidence.summary.set_index(["dataset", "model"])["mean_rank"]
    values = [ranks[dataset, model] for model in evidence.plan.models_of(dataset)]
    known = [number for number, value in enumerate(values) if not np.isnan(value)]
    return min(known, key=lambda number: values[number], default=0)


def _short(value: float) -> float | None:
    """Shorten to so many digits that rounding again to those shown gives the tables' text.

    None for NaN and infinity, which JSON lacks.
    """
    if not np.isfinite(value):
        return None
    shortened = float(f"{value:.10g}")
    # A p-value just below the level stays below it.
    return value if value < ALPHA <= shortened else shortened


def instances_data(evidence: Evidence, pictures: bool) -> list[dict[str, Any]]:
    """Collect the instances that can be looked at one by one, per dataset.

    Shares are in thousandths, so that they take little room.
    """
    found = []
    evidence = evidence.including(KL)
    place = evidence.row_measures.index(KL)
    for dataset, truth in evidence.plan.truths.items():
        rows = evidence.shown_rows(dataset)
        stored = evidence.thumbnails(dataset) if pictures else {}
        predicted = evidence.predictions(dataset)
        values = evidence.values[dataset]
        found.append(
            {
                "name": seen(dataset),
                "total": len(truth.D),
                "repeats": truth.folds.n_repeats,
                "side": SIDE,
                "labels": [seen(label) for label in truth.label_names],
                "first": _first(evidence, dataset),
                "ids": [seen(truth.ids[row]) for row in rows],
                "rows": rows,
                "truth": _thousandths(truth.D[rows]),
                "pictures": [_picture(stored.get(row)) for row in rows] if stored else [],
                "models": [
                    {
                        "name": seen(name),
                        "shares": _thousandths(shares[rows]),
                        "kl": [_short(value) for value in values[name][rows, place]],
                    }
                    for name, shares in predicted.items()
                ],
            }
        )
    return found


def _thousandths(D: FloatArray) -> list[list[int] | None]:
    return [
        None if np.isnan(row).any() else [round(1000 * float(share)) for share in row] for row in D
    ]


def _picture(content: bytes | None) -> str:
    return "" if content is None else base64.b64encode(content).decode()
