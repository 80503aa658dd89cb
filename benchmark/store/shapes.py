"""What the files of a run folder hold, so that one edited by hand ends in a sentence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from baselines.checks import check_distributions
from benchmark.planning.folds import KINDS, ROWS
from benchmark.planning.plan import Truth
from benchmark.planning.tasks import Outcome, Task
from features.arrays import FloatArray
from features.storage.files import DamagedFileError
from features.storage.shape import NUMBER, misfit

_NUMBER_OR_NONE = (type(None), *NUMBER)

#: ``run.json``.
RUN = {
    "protocol": str,
    "seed": int,
    "datasets": [
        {
            "name": str,
            "source": str,
            "fingerprint": str,
            "folds_version?": int,
            "split?": str,
            "sigma?": _NUMBER_OR_NONE,
            "inputs?": {str: str},
        }
    ],
    "models": [{"name": str, "model": str, "params": dict}],
    "command?": str,
    "written?": str,
    "machine?": dict,
}

#: ``failures.json``.
FAILURES = {
    "failures": [
        {
            "dataset": str,
            "model": str,
            "repeat": int,
            "fold": int,
            "error": str,
            "trace": str,
            "key?": str,
            "time_limit?": _NUMBER_OR_NONE,
        }
    ]
}

_RECORD = {
    "key": str,
    "fit_seconds": NUMBER,
    "predict_seconds": NUMBER,
    "n_iter?": _NUMBER_OR_NONE,
    "converged?": (type(None), bool),
    "objective?": _NUMBER_OR_NONE,
    "history?": [NUMBER],
    "tuning?": {
        "chosen": int,
        "scores": [[_NUMBER_OR_NONE]],
        "seconds": NUMBER,
        "failed": {str: str},
    },
    "warnings?": [str],
    "versions": {str: str},
    "machine?": {str: str},
}


def check_run(content: dict[str, Any]) -> str:
    """Say what is wrong with the values of ``run.json``, whose shape is right; empty if nothing."""
    if content["seed"] < 0:
        return "seed is negative"
    for what in ("datasets", "models"):
        names = [entry["name"].lower() for entry in content[what]]
        if len(set(names)) < len(names):
            return f"two of the {what} have the same name"
        if not names:
            return f"it has no {what}"
    models = {model["name"] for model in content["models"]}
    for entry in content["datasets"]:
        if entry.get("split", ROWS) not in KINDS:
            return f"{entry['name']} has a split that is none of {', '.join(KINDS)}"
        if unknown := entry.get("inputs", {}).keys() - models:
            return f"{entry['name']} has an input for {min(unknown)}, which is no model of it"
    return ""


def check_truth(truth: Truth) -> str:
    """Say what does not fit together in the stored truth of a dataset; empty if all does."""
    D, folds, latent = truth.D, truth.folds.assignment, truth.latent
    if not _is_matrix(D) or (latent is not None and not _is_matrix(latent)):
        return "its distributions are not finite numbers"
    if said := _no_distributions(D, "its labels"):
        return said
    n, c = D.shape
    if latent is not None and latent.shape != D.shape:
        return "its latent distributions have another shape than its distributions"
    if truth.raters is not None and (truth.raters.shape != (n,) or not (truth.raters > 0).all()):
        return "its numbers of raters do not fit its rows"
    if len(truth.ids) != n or len(truth.label_names) != c:
        return f"it has {len(truth.ids)} ids and {len(truth.label_names)} labels for {n} x {c}"
    if folds.ndim != 2 or folds.dtype.kind not in "iu" or len(folds) != n or not folds.shape[1]:
        return "its folds do not fit its rows"
    if truth.folds.kind == ROWS:
        if folds.min() < 0 or any(len(np.unique(column)) < 2 for column in folds.T):
            return "its folds are not two or more, counted from 0"
        return ""
    known = np.arange(folds.max() + 1)
    if folds.min() < -1 or not known.size or any(not np.isin(known, f).all() for f in folds.T):
        return "its folds are not counted from 0, or one of them tests no row"
    if any((column == 0).all() for column in folds.T):
        return "its folds leave no row to learn from"
    return ""


def make_record(outcome: Outcome) -> dict[str, Any]:
    """Return what stands beside the predictions of a task, but for what they were made with."""
    task = outcome.task
    return {
        "dataset": task.dataset,
        "model": task.model,
        "repeat": task.repeat,
        "fold": task.fold,
        "key": task.key,
        "random_state": task.random_state,
        "fit_seconds": outcome.fit_seconds,
        "predict_seconds": outcome.predict_seconds,
        **outcome.convergence,
        **({"tuning": outcome.tuning} if outcome.tuning else {}),
        "warnings": outcome.warnings,
    }


def make_failure(outcome: Outcome) -> dict[str, Any]:
    """Return what is kept of a task that failed."""
    task = outcome.task
    return {
        "dataset": task.dataset,
        "model": task.model,
        "repeat": task.repeat,
        "fold": task.fold,
        "error": outcome.error,
        "trace": outcome.trace,
        "key": task.key,
        "time_limit": outcome.time_limit,
    }


def parse_record(text: str) -> dict[str, Any]:
    """Read the record beside predictions.

    Raises
    ------
    DamagedFileError
        It is no JSON object, or not of that shape.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"its record is no JSON ({error})") from error
    if said := misfit(record, _RECORD, "its record"):
        raise DamagedFileError(said)
    numbers = [record["fit_seconds"], record["predict_seconds"], *(record.get("history") or ())]
    try:
        [float(number) for number in (*numbers, record.get("objective") or 0.0)]
    except OverflowError as error:
        raise DamagedFileError("its record has a number too large to be one") from error
    return dict(record)


def check_predictions(values: FloatArray, task: Task, truth: Truth | None) -> str:
    """Say what is wrong with the stored predictions of a task; empty if nothing."""
    if not _is_matrix(values):
        return "its predictions are not finite numbers"
    if truth is None:
        return ""
    tested = truth.folds.assignment[:, task.repeat] == task.fold
    wanted = (np.count_nonzero(tested), truth.D.shape[1])
    if values.shape != wanted:
        return f"its predictions have the shape {values.shape}, not {wanted}"
    return _no_distributions(values, "its predictions")


def _is_matrix(values: FloatArray) -> bool:
    return (
        values.ndim == 2
        and values.size > 0
        and values.dtype.kind == "f"
        and bool(np.isfinite(values).all())
    )


def _no_distributions(values: FloatArray, what: str) -> str:
    try:
        check_distributions(values, what)
    except ValueError as error:
        return str(error)
    return ""
