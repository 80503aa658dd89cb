"""Label by label: how many instances each has, and how the models err in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.reference import MEAN, trivial_predictions
from benchmark.planning.plan import Truth
from benchmark.reporting.copies import Shown
from benchmark.tables.grid import Cell, Grid, text_cells
from benchmark.wording import GAP, count, percent, rounded, seen
from features.arrays import FloatArray

#: With more labels than this a table of all pairs of labels cannot be read.
MOST_LABELS = 40

#: A table with a row or a column for each label has no more of them.
MOST_LISTED = 100

# What is among the largest twentieth is shaded as deeply as the style sheet can.
_DEEPEST = 95

_ERROR, _BIAS = "mean_absolute_error", "bias"


def tied(D: FloatArray) -> int:
    """Count the rows with several largest shares; exactly equal ones, as in the measures."""
    return int(((D == D.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())


def listed_labels(truth: Truth) -> tuple[list[int], list[str]]:
    """Say which labels tables list, and note where these are not all: those of largest mean degree.

    What is copied as CSV has all labels.
    """
    c = len(truth.label_names)
    if c <= MOST_LISTED:
        return list(range(c)), []
    order = np.argsort(-truth.D.mean(axis=0), kind="stable")
    note = (
        f"Of {c:,} labels those {MOST_LISTED} with the largest mean degree; what is copied as CSV "
        f"has all."
    )
    return sorted(int(label) for label in order[:MOST_LISTED]), [note]


def balance(truth: Truth, name: str) -> Shown:
    """Say how the labels of a dataset are shared out: dominant ones, and description degrees."""
    first = truth.D.argmax(axis=1)
    frame = pd.DataFrame(
        {
            "dataset": truth.name,
            "label": list(truth.label_names),
            "dominant": np.bincount(first, minlength=len(truth.label_names)),
            "mean_degree": truth.D.mean(axis=0),
        }
    )
    frame.insert(3, "dominant_share", frame["dominant"] / len(first))
    kept, left_out = listed_labels(truth)
    rows = [
        [row["label"], f"{row['dominant']:,}", percent(row["dominant_share"]),
         rounded(row["mean_degree"], 4)]
        for row in frame.iloc[kept].to_dict("records")
    ]  # fmt: skip
    ties = tied(truth.D)
    several = (
        f"{count(ties, 'instance has', 'instances have')} several largest degrees: the first of "
        f"these labels counts as the dominant one, as in the measure accuracy."
        if ties
        else "No instance has several largest degrees."
    )
    grid = Grid(
        caption=f"Class balance of {truth.name}: dominant labels and mean description degrees",
        headers=["Label", "Dominant in instances", "Share", "Mean degree"],
        cells=[text_cells(row) for row in rows],
        notes=[several, *left_out],
    )
    return Shown(name, grid, frame, sortable=True)


def errors_of(evidence: Evidence, dataset: str) -> dict[str, FloatArray]:
    """Measure how models err in every label of a dataset.

    Returns
    -------
    dict of str to ndarray of shape (2, c)
        Mean absolute error, and bias (predicted minus true), of models and of the mean training
        distribution: means over folds of means over instances, so that the absolute errors of a
        model sum to 2 (1 - intersection). NaN where a fold is missing.
    """
    truth = evidence.plan.truths[dataset]
    folds = [(r, f) for r in range(truth.folds.n_repeats) for f in range(truth.folds.n_folds)]
    shape = (2, truth.D.shape[1])
    sums = {name: np.zeros(shape) for name in (*evidence.plan.models_of(dataset), MEAN)}
    counts = dict.fromkeys(sums, 0)

    def add(name: str, repeat: int, fold: int, P: FloatArray) -> None:
        difference = P - truth.D[truth.folds.test(repeat, fold)]
        sums[name] += np.abs(difference).mean(axis=0), difference.mean(axis=0)
        counts[name] += 1

    for task, result in evidence.results.items():
        if task.dataset == dataset:
            add(task.model, task.repeat, task.fold, result.predictions)
    for repeat, fold in folds:
        add(MEAN, repeat, fold, trivial_predictions(truth, repeat, fold)[MEAN])
    return {
        name: total / len(folds) if counts[name] == len(folds) else np.full(shape, np.nan)
        for name, total in sums.items()
    }


def error_tables(evidence: Evidence, dataset: str, name: str) -> list[Shown]:
    """Make the tables of absolute errors and of bias: models by labels."""
    truth = evidence.plan.truths[dataset]
    labels = truth.label_names
    found = errors_of(evidence, dataset)
    kept, left_out = listed_labels(truth)
    frame = pd.DataFrame(
        [
            (dataset, model, label, error, bias)
            for model, values in found.items()
            for label, error, bias in zip(labels, *values, strict=True)
        ],
        columns=["dataset", "model", "label", _ERROR, _BIAS],
    )
    errors, biases = np.stack(list(found.values()), axis=1)
    kinds = (
        ("error", errors, f"Mean absolute error per label on {dataset}", "",
         "Mean over folds of |predicted - true| description degree; a row sums to 2 (1 - Int)."),
        ("bias", biases, f"Bias per label on {dataset}: predicted minus true", "+",
         "Mean over folds of predicted - true description degree: above 0 a model gives a label "
         "too much, below 0 too little. A row sums to 0."),
    )  # fmt: skip
    return [
        Shown(
            f"{name}-{kind}",
            Grid(
                caption=caption,
                headers=["Model", *(labels[label] for label in kept)],
                cells=[
                    [Cell(model, aside=model == MEAN), *text_cells(_text(v, sign) for v in row)]
                    for model, row in zip(found, values[:, kept], strict=True)
                ],
                notes=[note, *left_out],
            ),
            frame[["dataset", "model", "label", column]],
            _shades(values[:, kept]),
            sortable=True,
        )
        for (kind, values, caption, sign, note), column in zip(kinds, (_ERROR, _BIAS), strict=True)
    ]


def _text(number: float, sign: str) -> str:
    return GAP if np.isnan(number) else rounded(number, 4, sign)


def _shades(values: FloatArray) -> list[list[str]]:
    """Name a shade of each cell: 0 to 4 by size, with n for what is below 0."""
    known = np.abs(values[~np.isnan(values)])
    deepest = float(np.percentile(known, _DEEPEST)) if len(known) else 0.0

    def shade(number: float) -> str:
        if np.isnan(number) or deepest == 0:
            return ""
        depth = min(4, round(4 * abs(number) / deepest))
        return f"{'n' if number < 0 else 'p'}{depth}" if depth else ""

    return [[shade(number) for number in row] for row in values]


def confusions(evidence: Evidence) -> list[dict[str, Any]]:
    """Count true by predicted dominant labels, per dataset and model, over all tested instances.

    Of repeated cross-validations the first. Of several largest shares the first counts, as in the
    measure accuracy; how many rows have such is told. A model without predictions has no counts.
    """
    found = []
    for dataset, truth in evidence.plan.truths.items():
        labels = [seen(label) for label in truth.label_names]
        entry: dict[str, Any] = {"name": seen(dataset), "labels": labels, "models": []}
        found.append(entry)
        if len(labels) > MOST_LABELS:
            continue
        for name, P in evidence.predictions(dataset).items():
            known = ~np.isnan(P).any(axis=1)
            D, predicted = truth.D[known], P[known]
            both = D.argmax(axis=1) * len(labels) + predicted.argmax(axis=1)
            counts = np.bincount(both, minlength=len(labels) ** 2)
            entry["models"].append(
                {
                    "name": seen(name),
                    "counts": counts.tolist(),
                    "ties": [tied(D), tied(predicted)],
                }
            )
    return found
