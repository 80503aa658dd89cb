"""What a run was asked to do, where it ran, how long it took, and what failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.planning.splits import name_split
from benchmark.reporting.copies import Shown, rows_shown
from benchmark.tables.grid import Grid, text_cells
from benchmark.wording import count, duration, listed


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


def timings_shown(evidence: Evidence) -> Shown:
    """Return what is copied of the timings."""
    rows = timing_rows(evidence)
    grid = Grid(
        caption="Seconds to learn from a fold and to predict it, means over folds",
        headers=["Dataset", "Model", "Learning", "Prediction", "Iterations", "Stopped"],
        cells=[
            text_cells(
                [row["dataset"], row["model"], row["fit_text"], row["predict_text"],
                 row["iterations"], row["stopped"]]
            )
            for row in rows
        ],
        names=2,
    )  # fmt: skip
    keys = ["dataset", "model", "fit", "predict", "iterations", "stopped"]
    frame = pd.DataFrame(rows, columns=[*keys, "fit_text", "predict_text"])[keys]
    frame = frame.rename(columns={"fit": "fit_seconds", "predict": "predict_seconds"})
    return Shown("timings", grid, frame)


def settings_shown(evidence: Evidence) -> dict[str, Shown]:
    """Return what is copied of the settings of the run, and of its models."""
    rows = [*settings_rows(evidence), *environment_rows(evidence)]
    models = [
        (name, ", ".join(f"{key} = {json.dumps(value)}" for key, value in model["params"].items()))
        for name, model in evidence.plan.models.items()
    ]
    return {
        "settings": rows_shown("settings", "Settings of the run", ["setting", "value"], rows),
        "models": rows_shown("models", "Settings of the models", ["model", "settings"], models),
    }


def warning_lines(evidence: Evidence) -> list[str]:
    """List what the models' code warned of, each once with its count."""
    counts = Counter(
        f"{task.model} on {task.dataset}: {warning}"
        for task, result in evidence.results.items()
        for warning in set(result.record.get("warnings", ()))
    )
    return [
        f"{text} ({count(number, 'fold')})" if number > 1 else text
        for text, number in counts.items()
    ]


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
