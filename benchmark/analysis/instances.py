"""What the models predicted for each instance, put together from the folds that tested it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.analysis.reference import trivial_predictions
from benchmark.analysis.scores import Results, scores_frame
from benchmark.metrics import MEASURES, Measure, MeasureError
from benchmark.planning.plan import Plan, Truth
from features.arrays import FloatArray


def predictions_of(
    plan: Plan, results: Results, dataset: str, repeat: int = 0
) -> dict[str, FloatArray]:
    """Collect the predictions for every row of a dataset, each from the fold that tests it.

    Parameters
    ----------
    plan : Plan
        The run.
    results : mapping
        Task to stored result; tasks may be absent.
    dataset : str
        Its name.
    repeat : int
        Which of the repeated cross-validations, from 0.

    Returns
    -------
    dict of str to ndarray of shape (n, c)
        Models in the order of the tables, then the trivial predictors. Rows whose fold has no
        result are NaN, and so are rows that are not tested.
    """
    truth = plan.truths[dataset]
    found = {name: np.full(truth.D.shape, np.nan) for name in plan.models_of(dataset)}
    for task, result in results.items():
        if task.dataset == dataset and task.repeat == repeat:
            found[task.model][truth.folds.test(repeat, task.fold)] = result.predictions
    for fold in range(truth.folds.n_folds):
        test = truth.folds.test(repeat, fold)
        for name, predicted in trivial_predictions(truth, repeat, fold).items():
            found.setdefault(name, np.full(truth.D.shape, np.nan))[test] = predicted
    return found


def values_of(D: FloatArray, P: FloatArray, measure: Measure) -> FloatArray:
    """Score every row of `P`, shape (n,); NaN where the prediction is."""
    known = ~np.isnan(P).any(axis=1)
    values = np.full(len(D), np.nan)
    if known.any():
        values[known] = measure.of_rows(D[known], P[known])
    return values


def instance_values(
    plan: Plan, results: Results, dataset: str, measures: Sequence[Measure] = MEASURES
) -> dict[str, FloatArray]:
    """Score every instance of a dataset; over repeats, take the mean.

    Parameters
    ----------
    plan : Plan
        The run.
    results : mapping
        Task to stored result; tasks may be absent.
    dataset : str
        Its name.
    measures : sequence of Measure
        Those that have a value of every row.

    Returns
    -------
    dict of str to ndarray of shape (n, measures)
        As `predictions_of`; NaN where a fold is missing, and for instances that are never tested.
        Averaged with `instance_weights` they give the means of the tables.
    """
    truth = plan.truths[dataset]
    weights = _weights(truth)
    found: dict[str, FloatArray] = {}
    for repeat, of_repeat in enumerate(weights):
        tested = of_repeat > 0
        share = (of_repeat[tested] / weights.sum(axis=0)[tested])[:, None]
        for name, predicted in predictions_of(plan, results, dataset, repeat).items():
            D, P = truth.D[tested], predicted[tested]
            values = np.stack([values_of(D, P, m) for m in measures], axis=1)
            sums = found.setdefault(name, np.zeros((len(of_repeat), len(measures))))
            sums[tested] += share * values
    for values in found.values():
        values[~truth.folds.tested] = np.nan
    return found


def why_not(plan: Plan, results: Results, measure: Measure) -> str:
    """Say why a measure of a user cannot score stored results; empty if it can.

    It gets what the tables ask of it: the rows of every fold, and all rows of a dataset.
    """
    if not measure.origin:
        return ""
    try:
        scores_frame(plan, results, [measure])
        for name in plan.truths if measure.per_row else ():
            instance_values(plan, results, name, [measure])
    except (Exception, SystemExit) as error:  # a user's measure may raise anything
        return str(error) if isinstance(error, MeasureError) else f"{type(error).__name__}: {error}"
    return ""


def instance_weights(truth: Truth) -> FloatArray:
    """Return the weight of each instance in a mean over folds, shape (n,); they sum to 1.

    The mean over folds of means over instances gives those in smaller folds a little more. Those
    that are never tested have none.
    """
    return _weights(truth).mean(axis=0)


def _weights(truth: Truth) -> FloatArray:
    """Weight of each instance in the mean of each repeat, shape (repeats, n)."""
    folds = truth.folds.assignment.T
    sizes = np.stack([np.bincount(column[column >= 0])[column] for column in folds])
    weights: FloatArray = (folds >= 0) / (sizes * truth.folds.n_folds)
    return weights
