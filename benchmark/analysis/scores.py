"""From stored results to numbers: scores in long form, means over folds, ranks, remarks.

Nothing here computes a prediction. A mean is taken over all folds of a run or not at all: a model
that lacks a fold shows a gap and the number of folds it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.analysis import explained
from benchmark.analysis.caveats import published_but_weak, worse_than_uniform
from benchmark.analysis.noise_floor import floor_notes, floor_scores
from benchmark.analysis.reference import MEAN, ORACLE, trivial_predictions
from benchmark.analysis.ties import beats, ranks
from benchmark.columns import SCORES, TIMINGS, gaps_of, table3_of
from benchmark.metrics import MEASURES, Measure, counted, scores
from benchmark.planning.plan import Plan, Result
from benchmark.planning.tasks import Task
from benchmark.plugins.built_in import group_of
from benchmark.plugins.peer_methods import PREFIX
from benchmark.wording import listed

Results = Mapping[Task, Result]

#: How the remark on a model that lacks folds ends, where no run is at work that may do them.
WHY_FEWER_FOLDS = "; log.txt tells which failed."


def scores_frame(
    plan: Plan, results: Results, measures: Sequence[Measure] = MEASURES
) -> pd.DataFrame:
    """Score every stored prediction and the trivial ones.

    Parameters
    ----------
    plan : Plan
        The run.
    results : mapping
        Task to stored result; tasks may be absent.
    measures : sequence of Measure
        The columns of the tables.

    Returns
    -------
    DataFrame
        One row per value, columns `benchmark.columns.SCORES`.
    """
    rows = []
    for task, result in sorted(results.items(), key=lambda item: _order(plan, item[0])):
        truth = plan.truths[task.dataset]
        test = truth.folds.test(task.repeat, task.fold)
        values = scores(truth.D[test], result.predictions, measures)
        rows += [(task.dataset, task.model, task.repeat, task.fold, *v) for v in values.items()]
    for truth in plan.truths.values():
        folds = truth.folds
        predicted = [
            (repeat, fold, folds.test(repeat, fold), trivial_predictions(truth, repeat, fold))
            for repeat in range(folds.n_repeats)
            for fold in range(folds.n_folds)
        ]
        for name in predicted[0][3]:
            for repeat, fold, test, predictions in predicted:
                values = scores(truth.D[test], predictions[name], measures)
                rows += [(truth.name, name, repeat, fold, *value) for value in values.items()]
        rows += [(truth.name, *row) for row in floor_scores(truth, measures)]
    return pd.DataFrame(rows, columns=list(SCORES))


def timings_frame(plan: Plan, results: Results) -> pd.DataFrame:
    """Collect seconds and convergence: a row per task, columns `benchmark.columns.TIMINGS`."""
    recorded = [name for name in TIMINGS if name not in SCORES]
    rows = [
        (task.dataset, task.model, task.repeat, task.fold, *map(result.record.get, recorded))
        for task, result in sorted(results.items(), key=lambda item: _order(plan, item[0]))
    ]
    return pd.DataFrame(rows, columns=list(TIMINGS))


def summarise(
    plan: Plan, frame: pd.DataFrame, measures: Sequence[Measure] = MEASURES
) -> pd.DataFrame:
    """Average over folds and rank the models of each dataset.

    Parameters
    ----------
    plan : Plan
        The run; tells which folds there should be.
    frame : DataFrame
        What `scores_frame` returned.
    measures : sequence of Measure
        Those of the frame.

    Returns
    -------
    DataFrame
        One row per dataset and model, models first, then trivial predictors; columns
        `benchmark.columns.table3_of` the measures. Means and ranks of a model that lacks folds are
        missing values.
    """
    parts = []
    for name, truth in plan.truths.items():
        expected = truth.folds.n_folds * truth.folds.n_repeats
        mine = frame[frame["dataset"] == name]
        models = plan.models_of(name)
        trivial = [model for model in mine["model"].unique() if model not in plan.models]
        order = [*models, *trivial]
        grouped = mine.groupby(["model", "measure"])["value"].agg(["mean", "std", "count"])
        wide = pd.DataFrame(grouped.unstack("measure"))  # noqa: PD010 - keeps empty columns
        grouped = wide.reindex(order)
        table = pd.DataFrame({"dataset": name, "model": order}, index=order)
        counts = grouped["count"][measures[0].name].fillna(0).astype(int)
        complete = counts == expected
        ranked = complete & table["model"].isin(models)
        lost: dict[str, list[str]] = {model: [] for model in order}
        for measure in measures:
            mean = grouped["mean"][measure.name].where(complete)
            table[measure.name] = mean
            table[f"{measure.name}_std"] = grouped["std"][measure.name].where(complete)
            table[f"{measure.name}_rank"] = ranks(mean.where(ranked), measure)
            for model in models:
                if complete[model] and not beats(mean[model], mean[MEAN], measure):
                    lost[model].append(measure.name)
        ranked_in = [f"{measure.name}_rank" for measure in counted(measures)]
        table["mean_rank"] = table[ranked_in].mean(axis=1, skipna=False)
        table = table.join(_oracle_gaps(table, measures))
        table["kind"] = np.where(table["model"].isin(models), "model", "trivial")
        table["group"] = [
            group_of(plan.models[row]["model"]) if row in models else "trivial" for row in order
        ]
        table["folds"] = counts
        table["expected_folds"] = expected
        table["not_better_than_mean"] = [" ".join(lost[model]) for model in order]
        parts.append(table[list(table3_of(measures))])
    return pd.concat(parts, ignore_index=True)


def notes(
    plan: Plan, results: Results, summary: pd.DataFrame, measures: Sequence[Measure] = MEASURES
) -> list[str]:
    """Say what a reader of Table 3 has to know, in sentences."""
    lines = [*explained.of_ranks(measures), *explained.of_zeros(plan, measures)]
    if summary["oracle_gap"].notna().any():
        lines.append(explained.of_the_oracle(measures))
    apart = {
        "extended": "further baselines",
        "newer": "newer methods of the field",
        "peer": f"methods of the library python-ldl ({PREFIX}...), computed by it with its own "
        "settings",
    }
    if beyond := [what for group, what in apart.items() if (summary["group"] == group).any()]:
        lines.append(f"Set apart are {listed(beyond)}; they are ranked with the others.")
    for truth in plan.truths.values():
        lines += [f"{truth.name}: {note}." for note in floor_notes(truth)]
    lines += [*published_but_weak(plan), *worse_than_uniform(summary)]
    return [*lines, *remarks(plan, results, summary)]


def remarks(plan: Plan, results: Results, summary: pd.DataFrame) -> list[str]:
    """Say what a reader of any table of a run has to know of data and models, in sentences."""
    lines = []
    for truth in plan.truths.values():
        lines += [f"{truth.name}: {note}." for note in (*truth.notes, *truth.folds.notes)]
    for row in summary.to_dict("records"):
        if row["folds"] != row["expected_folds"]:
            lines.append(
                f"{row['dataset']}: {row['model']} has {row['folds']} of "
                f"{row['expected_folds']} folds, "
                f"so it has no mean and no rank{WHY_FEWER_FOLDS}"
            )
    lines += _convergence_notes(plan, results)
    if versions := _differing(results, "versions"):
        lines.append(
            f"The results come from different versions of {listed(versions)}; "
            f"run with --force to compute all of them with one."
        )
    if machines := _differing(results, "machine"):
        parts = [f"{name}: {' / '.join(found)}" for name, found in machines.items()]
        lines.append(
            f"The results were computed on different machines ({'; '.join(parts)}): on one alone "
            f"they may differ from these in the last digits, and by more where a method magnifies "
            f"rounding. Run with --force to compute all of them on one."
        )
    return lines


def _differing(results: Results, what: str) -> dict[str, list[str]]:
    """Find what results were made with in several forms: name to those, in order."""
    pairs = {pair for result in results.values() for pair in result.record.get(what, {}).items()}
    found: dict[str, list[str]] = {}
    for name, form in sorted(pairs):
        found.setdefault(name, []).append(form)
    return {name: forms for name, forms in found.items() if len(forms) > 1}


def _convergence_notes(plan: Plan, results: Results) -> list[str]:
    """Say which rows stopped at their budget; that of a tuned row was chosen."""
    stopped: dict[tuple[str, str], list[bool]] = {}
    for task, result in results.items():
        chosen = "search" in plan.models[task.model]
        if result.record.get("converged") is not None and not chosen:
            stopped.setdefault((task.dataset, task.model), []).append(result.record["converged"])
    return [
        f"{dataset}: {model} stopped at its iteration budget, before its tolerance was met, in "
        f"{converged.count(False)} of {len(converged)} folds (timings.csv has the details)."
        for (dataset, model), converged in sorted(
            stopped.items(), key=lambda i: (list(plan.truths).index(i[0][0]), i[0][1])
        )
        if False in converged
    ]


def _order(plan: Plan, task: Task) -> tuple[int, int, int, int]:
    datasets, names = list(plan.truths), list(plan.models)
    return datasets.index(task.dataset), names.index(task.model), task.repeat, task.fold


def _oracle_gaps(table: pd.DataFrame, measures: Sequence[Measure]) -> pd.DataFrame:
    """Measure how far every model is from the oracle, where there is one: columns `gaps_of`.

    In each of the counted measures in which the oracle beats the mean training distribution,
    (model - oracle) / (mean distribution - oracle), and the median of these. 0: as good as the
    oracle, 1: as far from it as the mean training distribution. The median, since one measure in
    which these two are close to each other, as in Clark on the drawn images, would rule a mean.
    """
    gaps = pd.DataFrame(np.nan, table.index, list(gaps_of(measures)))
    if ORACLE not in table.index:
        return gaps
    for measure in counted(measures):
        values = table[measure.name]
        if beats(values[ORACLE], values[MEAN], measure):
            span = values[MEAN] - values[ORACLE]
            gaps[f"{measure.name}_gap"] = (values - values[ORACLE]) / span
    parts = gaps.drop(columns="oracle_gap").dropna(axis=1, how="all")
    gaps["oracle_gap"] = parts.median(axis=1, skipna=False)
    return gaps
