"""What the report's tables and its browser of instances show, as plain values."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.analysis.comparisons import as_good_as_best
from benchmark.analysis.evidence import Evidence
from benchmark.analysis.samples import KL
from benchmark.analysis.statistics import ALPHA
from benchmark.errors import apart, raised_last
from benchmark.metrics import Measure
from benchmark.planning.splits import name_split
from benchmark.reporting.summary import size_of
from benchmark.store.pictures import SIDE
from benchmark.wording import GAP, count, duration, listed, percent, seen, value
from features.arrays import FloatArray

#: Stands for `pairs_data` where that cannot be made.
NO_PAIRS: dict[str, Any] = {"columns": [], "measures": [], "datasets": []}


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes
    ----------
    text : str
        As shown; a dash where there is no value.
    value : float
        What the column is sorted by; NaN where there is no value.
    rank : str
        Among the models, or empty.
    best, as_good, lost : bool
        First of its column; not told from the first by the test; not better than the mean
        training distribution.
    interval : str
        Bootstrap interval of the mean, or empty.
    """

    text: str
    value: float
    rank: str = ""
    best: bool = False
    as_good: bool = False
    lost: bool = False
    interval: str = ""

    @property
    def key(self) -> str:
        """The value for sorting, empty where there is none."""
        return "" if np.isnan(self.value) else repr(float(self.value))


@dataclass(frozen=True)
class ResultTable:
    """Table 3 of one dataset.

    Attributes
    ----------
    dataset : str
    about : str
        Size of the data, in words.
    has_oracle : bool
        Whether there is a column for the distance to the oracle.
    models, extended, newer, peer, trivial : list of (name, list of Cell)
        Rows; the cells are the measures, the mean rank, and the gap to the oracle if there is one.
    """

    dataset: str
    about: str
    has_oracle: bool
    models: list[tuple[str, list[Cell]]] = field(default_factory=list)
    extended: list[tuple[str, list[Cell]]] = field(default_factory=list)
    newer: list[tuple[str, list[Cell]]] = field(default_factory=list)
    peer: list[tuple[str, list[Cell]]] = field(default_factory=list)
    trivial: list[tuple[str, list[Cell]]] = field(default_factory=list)


def result_tables(evidence: Evidence, problems: list[str] | None = None) -> list[ResultTable]:
    """Make Table 3 of every dataset.

    Where the tests or the intervals cannot be made, the tables lack them, and `problems` gets a
    sentence; without that list it is an error.
    """
    with raised_last(problems) as found:
        good: set[tuple[str, str, str]] = set()
        with apart("the tests of significance", found):
            good = as_good_as_best(evidence.summary, evidence.pairs, evidence.measures)
        ends: dict[tuple[Any, Any, Any], tuple[Any, Any]] = {}
        with apart("the intervals of means", found):
            ends = {
                (row.dataset, row.model, row.measure): (row.low, row.high)
                for row in evidence.intervals.itertuples()
            }
    tables = []
    for dataset, part in evidence.summary.groupby("dataset", sort=False):
        truth = evidence.plan.truths[str(dataset)]
        table = ResultTable(str(dataset), size_of(truth), bool(part["oracle_gap"].notna().any()))
        for row in part.to_dict("records"):
            cells = _cells(row, good, ends, evidence.measures)
            if table.has_oracle:
                gap = row["oracle_gap"]
                cells.append(Cell(percent(gap), gap))
            own = {
                "extended": table.extended,
                "newer": table.newer,
                "peer": table.peer,
                "trivial": table.trivial,
            }
            rows = own.get(row["group"], table.models)
            rows.append((row["model"], cells))
        tables.append(table)
    return tables


def _cells(
    row: dict[Any, Any],
    good: set[tuple[str, str, str]],
    ends: dict[tuple[Any, Any, Any], tuple[float, float]],
    measures: Sequence[Measure],
) -> list[Cell]:
    cells = []
    lost = str(row["not_better_than_mean"]).split()
    for measure in measures:
        mean, rank = row[measure.name], row[f"{measure.name}_rank"]
        if np.isnan(mean):
            cells.append(Cell(GAP, mean))
            continue
        key = (row["dataset"], row["model"], measure.name)
        low, high = ends.get(key, (np.nan, np.nan))
        interval = f"{value(low, measure)} to {value(high, measure)}"
        cells.append(
            Cell(
                text=value(mean, measure),
                value=mean,
                rank="" if np.isnan(rank) else f"{rank:.0f}",
                best=rank == 1,
                as_good=key in good and rank != 1,
                lost=measure.name in lost,
                interval="" if np.isnan(low) else interval,
            )
        )
    rank = row["mean_rank"]
    return [*cells, Cell("" if np.isnan(rank) else f"{rank:.2f}", rank)]


def overall_table(evidence: Evidence) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """Make the table of mean ranks: models by datasets, and the mean over all datasets.

    Returns
    -------
    headers : list of str
        Datasets, and ``all``.
    rows : list of (name, list of Cell)
        A model that lacks a dataset has no mean over all.
    """
    summary = evidence.summary[evidence.summary["kind"] == "model"]
    ranks = summary.set_index(["model", "dataset"])["mean_rank"].to_dict()
    datasets = list(evidence.plan.truths)
    table = {
        model: [ranks.get((model, dataset), np.nan) for dataset in datasets]
        for model in evidence.plan.models
    }
    values = {model: [*row, float(np.mean(row))] for model, row in table.items()}
    best = np.nanmin([*values.values(), [np.inf] * (len(datasets) + 1)], axis=0)
    rows = [
        (
            model,
            [
                Cell(
                    GAP if np.isnan(rank) else f"{rank:.2f}",
                    rank,
                    best=bool(np.isclose(rank, lowest)),
                )
                for rank, lowest in zip(row, best, strict=True)
            ],
        )
        for model, row in values.items()
    ]
    return [*datasets, "all"], rows


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


def settings_rows(evidence: Evidence) -> list[tuple[str, str]]:
    """List what the run was asked to do."""
    plan = evidence.plan
    rows = [("Protocol", plan.protocol), ("Seed", str(plan.seed))]
    for name, truth in plan.truths.items():
        folds = truth.folds
        split = name_split(truth, folds)
        rows.append(
            (
                f"Dataset {name}",
                f"{count(len(truth.D), 'instance')}, {count(truth.D.shape[1], 'label')} "
                f"({', '.join(truth.label_names)}); {split} "
                f"(version {folds.version}); "
                f"{truth.source or 'in memory'}; fingerprint {truth.fingerprint[:16]}",
            )
        )
    return rows


def environment_rows(evidence: Evidence) -> list[tuple[str, str]]:
    """List command, versions and machine of every run."""
    rows = []
    for folder, about in zip(evidence.folders, evidence.abouts, strict=True):
        if len(evidence.folders) > 1:
            rows.append(("Run", str(folder.path)))
        rows += [
            ("Command", str(about.get("command", ""))),
            ("Written", str(about.get("written", ""))),
            ("Machine", ", ".join(f"{k} {v}" for k, v in about.get("machine", {}).items())),
        ]
    used: dict[str, set[str]] = {}
    for result in evidence.results.values():
        for name, version in result.record.get("versions", {}).items():
            used.setdefault(name, set()).add(version)
    versions = (f"{name} {listed(sorted(found))}" for name, found in used.items())
    return [*rows, ("Results made with", ", ".join(versions))]


def timing_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """List time to learn and to predict per fold, iterations, and folds stopped at the budget."""
    records: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for task, result in evidence.results.items():
        records.setdefault((task.dataset, task.model), []).append(result.record)
    rows = []
    for dataset in evidence.plan.truths:
        for model in evidence.plan.models_of(dataset):
            found = records.get((dataset, model))
            if not found:
                continue
            fit, predict = (
                float(np.mean([record[what] for record in found]))
                for what in ("fit_seconds", "predict_seconds")
            )
            iterations = [n for r in found if (n := _number(r.get("n_iter"))) is not None]
            ends = [r["converged"] for r in found if r.get("converged") is not None]
            rows.append(
                {
                    "dataset": dataset,
                    "model": model,
                    "fit": fit,
                    "fit_text": duration(fit),
                    "predict": predict,
                    "predict_text": duration(predict),
                    "iterations": f"{np.mean(iterations):.0f}" if iterations else "",
                    "stopped": f"{ends.count(False)} of {len(ends)}" if False in ends else "",
                }
            )
    return rows


def _number(value: Any) -> float | None:
    """Return what a model told of its training as a number; None for what is none, or too large."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def failure_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """List tasks that failed in the last run and have no result since, with their tracebacks."""
    done = {(task.dataset, task.model, task.repeat, task.fold) for task in evidence.results}
    found: Iterable[dict[str, Any]] = (
        entry for folder in evidence.folders for entry in folder.read_failures()
    )
    return [
        entry
        for entry in found
        if (entry["dataset"], entry["model"], entry["repeat"], entry["fold"]) not in done
    ]
