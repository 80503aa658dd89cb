"""Makes reference results of run folders: every stored prediction scored in every measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.evidence import read_results
from benchmark.analysis.reference import trivial_predictions
from benchmark.errors import BenchmarkError, UsageError
from benchmark.installation import version
from benchmark.metrics import Measure, scores
from benchmark.planning.plan import Plan, Result, Truth
from benchmark.planning.tasks import Task
from benchmark.plugins.built_in import GROUPS, group_of
from benchmark.plugins.peer_methods import method_of
from benchmark.plugins.registry import find_model
from benchmark.reference import contents
from benchmark.reference.contents import COMPLETE, FAILED, MISSING, OVER_BUDGET, Reference, probe
from benchmark.store.at_work import runs_at_work
from benchmark.store.run_folder import RunFolder
from features.arrays import FloatArray
from features.storage.files import canonical_json

#: The group of what looks at no instance.
TRIVIAL = "trivial"

# Characters of a reason that are kept.
_LONGEST_REASON = 300


@dataclass
class _Found:
    """What has been collected so far."""

    sets: list[dict[str, Any]] = field(default_factory=list)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: list[dict[str, Any]] = field(default_factory=list)
    environments: dict[tuple[str, str], int] = field(default_factory=dict)
    scores: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Run:
    """A run folder, and when it was written."""

    folder: RunFolder
    plan: Plan
    written: str


def collect(
    runs: Iterable[Sequence[Path]],
    measures: Sequence[Measure],
    tell: Callable[[str], None],
    commit: str = "",
) -> Reference:
    """Make reference results of the runs on several datasets.

    Parameters
    ----------
    runs : iterable of sequences of Path
        The run folders of each dataset. Of one in which a run is at work, what it has by now.
    measures : sequence of Measure
        What every prediction is scored in.
    tell : callable
        Gets sentences for the user.
    commit : str
        Of the code, where it is known.

    Returns
    -------
    Reference
        A row has one description: that of the run which was written last. Where a row was computed
        with other settings or another version, its cell is missing and says so.

    Raises
    ------
    UsageError
        There is no run, or two on one dataset have other data, folds or another seed.
    BenchmarkError
        A file of a run is damaged.
    """
    found = _Found()
    opened = [[_open(path, tell) for path in folders] for folders in runs]
    for run in sorted(chain.from_iterable(opened), key=lambda run: run.written):
        found.models |= {n: model_row(n, of) for n, of in run.plan.models.items()}
    for of_set in opened:
        for dataset in dict.fromkeys(name for run in of_set for name in run.plan.truths):
            here = [run for run in of_set if dataset in run.plan.truths]
            _add(found, dataset, here, measures, tell)
    if not found.sets:
        raise UsageError("no run to make reference results of")
    now = {"date": time.strftime("%Y-%m-%d"), "version": version(), "commit": commit}
    return _as_tables(found, measures, pd.DataFrame([now]))


def _open(path: Path, tell: Callable[[str], None]) -> _Run:
    folder = RunFolder(path)
    if runs_at_work(path):
        tell(f"a run is at work in {path}: what it has by now is taken")
    return _Run(folder, folder.read_plan(), str(folder.read_about().get("written", "")))


def _add(
    found: _Found,
    dataset: str,
    runs: Sequence[_Run],
    measures: Sequence[Measure],
    tell: Callable[[str], None],
) -> None:
    """Add what the runs on a dataset have."""
    truth = runs[0].plan.truths[dataset]
    found.sets.append(set_row(runs[0].plan, truth))
    results: dict[str, dict[tuple[int, int], tuple[Task, Result]]] = {}
    failures: dict[str, list[dict[str, Any]]] = {}
    former: set[str] = set()
    for run in runs:
        if set_row(run.plan, run.plan.truths[dataset]) != found.sets[-1]:
            raise UsageError(
                f"{run.folder.path} has other data, folds or another seed of {dataset} than "
                f"{runs[0].folder.path}"
            )
        valid = [n for n in run.plan.models_of(dataset)
                 if model_row(n, run.plan.models[n]) == found.models[n]]  # fmt: skip
        former |= set(run.plan.models_of(dataset)) - set(valid)
        tasks = [t for t in run.plan.tasks if t.dataset == dataset and t.model in valid]
        for name in valid:
            results.setdefault(name, {})
            failures.setdefault(name, [])
        for task, result in read_results(run.folder, run.plan, tasks, tell).items():
            results[task.model].setdefault((task.repeat, task.fold), (task, result))
        for entry in run.folder.read_failures():
            if entry["dataset"] == dataset and entry["model"] in valid:
                failures[entry["model"]].append(entry)
    for model in sorted(results.keys() | former, key=list(found.models).index):
        mine = list(results.get(model, {}).values())
        found.cells.append(_cell(found, truth, model, mine, failures.get(model, _FORMER)))
        for task, result in mine:
            found.scores.append(_score_row(truth, task, result, measures))
    _add_trivial(found, truth, measures)


# Stands for the failures of a row that was computed with other settings or another version.
_FORMER: list[dict[str, Any]] = [{"former": True}]


def model_row(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a row, columns `contents.MODELS`."""
    return {
        "model": name,
        "group": group_of(str(described["model"])),
        "tuned": "search" in described,
        "result_version": described.get("result_version", 1),
        **_about(str(described["model"])),
        "described": canonical_json(described),
    }


def _about(model: str) -> dict[str, Any]:
    """Ask a model who published it; nothing where it is not installed here."""
    if peer := method_of(model):
        return {"year": peer.year, "citation": peer.citation, "about": ""}
    try:
        cls = find_model(model).load()
    except BenchmarkError:
        return {"year": None, "citation": "", "about": ""}
    return {
        "year": getattr(cls, "year", None),
        "citation": str(getattr(cls, "citation", "")),
        "about": (cls.__doc__ or "").strip().partition("\n")[0],
    }


def set_row(plan: Plan, truth: Truth) -> dict[str, Any]:
    """Describe a dataset and its folds, columns `contents.SETS`."""
    folds = truth.folds
    splits = [folds.key(r, f) for r in range(folds.n_repeats) for f in range(folds.n_folds)]
    return {
        "dataset": truth.name,
        "rows": len(truth.D),
        "labels": canonical_json(list(truth.label_names)),
        "fingerprint": truth.fingerprint,
        "protocol": plan.protocol,
        "seed": plan.seed,
        "folds": folds.n_folds,
        "repeats": folds.n_repeats,
        "folds_version": folds.version,
        "splits": " ".join(splits),
    }


def _cell(
    found: _Found,
    truth: Truth,
    model: str,
    results: Sequence[tuple[Task, Result]],
    failures: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    expected = truth.folds.n_folds * truth.folds.n_repeats
    state, reason = (COMPLETE, "") if len(results) == expected else _why(failures)
    records = [result.record for _, result in results]

    def mean(what: str) -> float:
        return float(np.mean([record[what] for record in records])) if records else float("nan")

    return {
        "dataset": truth.name,
        "model": model,
        "state": state,
        "folds": len(results),
        "expected_folds": expected,
        "fit_seconds": float(f"{mean('fit_seconds'):.4g}"),
        "predict_seconds": float(f"{mean('predict_seconds'):.4g}"),
        "reason": reason,
        "environment": _environment(found, records[0]) if records else None,
    }


def _why(failures: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Tell from the failures of a run why a cell is not complete."""
    if failures is _FORMER:
        return MISSING, "computed with other settings or another version"
    for entry in failures:
        if limit := entry.get("time_limit"):
            return OVER_BUDGET, f"over budget ({limit:g} s)"
    if failures:
        text = " ".join(str(failures[0]["error"]).split())
        return FAILED, text[:_LONGEST_REASON]
    return MISSING, "not computed"


def _environment(found: _Found, record: Mapping[str, Any]) -> int:
    key = canonical_json(record["versions"]), canonical_json(record.get("machine", {}))
    return found.environments.setdefault(key, len(found.environments))


def _score_row(
    truth: Truth, task: Task, result: Result, measures: Sequence[Measure]
) -> dict[str, Any]:
    return {
        "dataset": task.dataset,
        "model": task.model,
        "repeat": task.repeat,
        "fold": task.fold,
        "chosen": result.record.get("tuning", {}).get("chosen", float("nan")),
        "fit_seconds": result.record["fit_seconds"],
        **fold_values(truth, task.repeat, task.fold, result.predictions, measures),
    }


def fold_values(
    truth: Truth, repeat: int, fold: int, P: FloatArray, measures: Sequence[Measure]
) -> dict[str, float]:
    """Score the prediction for a test fold in every measure."""
    D = truth.D[truth.folds.test(repeat, fold)]
    return scores(D, P, measures)


def trivial_values(
    truth: Truth, measures: Sequence[Measure]
) -> Iterator[tuple[str, int, int, dict[str, float]]]:
    """Score what looks at no instance: name, repeat, fold, values."""
    for repeat in range(truth.folds.n_repeats):
        for fold in range(truth.folds.n_folds):
            for name, P in trivial_predictions(truth, repeat, fold).items():
                yield name, repeat, fold, fold_values(truth, repeat, fold, np.asarray(P), measures)


def _add_trivial(found: _Found, truth: Truth, measures: Sequence[Measure]) -> None:
    expected = truth.folds.n_folds * truth.folds.n_repeats
    for name, repeat, fold, values in trivial_values(truth, measures):
        keys = {"dataset": truth.name, "model": name, "repeat": repeat, "fold": fold}
        found.scores.append({**keys, "chosen": float("nan"), "fit_seconds": 0.0, **values})
        if repeat == fold == 0:
            found.cells.append(
                {"dataset": truth.name, "model": name, "state": COMPLETE, "reason": "",
                 "folds": expected, "expected_folds": expected, "fit_seconds": 0.0,
                 "predict_seconds": 0.0, "environment": None}
            )  # fmt: skip


def _as_tables(found: _Found, measures: Sequence[Measure], collected: pd.DataFrame) -> Reference:
    order = (*GROUPS, TRIVIAL)
    trivial = {
        row["model"]: {"model": row["model"], "group": TRIVIAL, "tuned": False,
                       "result_version": 1, "year": None, "citation": "", "described": "{}",
                       "about": "Looks at no instance."}
        for row in found.scores
        if row["model"] not in found.models
    }  # fmt: skip
    models = pd.DataFrame([*found.models.values(), *trivial.values()])
    models = models.sort_values(
        "group", key=lambda groups: groups.map(order.index), kind="stable", ignore_index=True
    )
    environments = [
        {"environment": number, "versions": versions, "machine": machine}
        for (versions, machine), number in found.environments.items()
    ]
    names = [measure.name for measure in measures]
    rows = [
        {"measure": m.name, "higher_is_better": m.higher_is_better, "probe": probe(m)}
        for m in measures
    ]
    cells = pd.DataFrame(found.cells)
    models["year"] = models["year"].astype("Int64")
    cells["environment"] = cells["environment"].astype("Int64")
    scores = pd.DataFrame(found.scores)[[*contents.SCORES, *names]]
    scores["fit_seconds"] = scores["fit_seconds"].astype(np.float32)
    scores["chosen"] = scores["chosen"].astype(np.float32)
    return Reference(
        sets=pd.DataFrame(found.sets)[list(contents.SETS)],
        models=models[list(contents.MODELS)],
        cells=cells[list(contents.CELLS)],
        environments=pd.DataFrame(environments, columns=list(contents.ENVIRONMENTS)),
        measures=pd.DataFrame(rows)[list(contents.MEASURES)],
        collected=collected,
        scores=scores,
    )
