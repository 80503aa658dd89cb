"""Puts one's own rows into the full table of the reference results, computing nothing but them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.comparisons import pairwise
from benchmark.analysis.evidence import Evidence
from benchmark.analysis.scores import summarise
from benchmark.analysis.statistics import holm
from benchmark.errors import UsageError
from benchmark.metrics import MEASURES, Measure
from benchmark.planning.plan import Plan, Truth
from benchmark.reference.collecting import TRIVIAL
from benchmark.reference.contents import COMPLETE, Reference, probe
from benchmark.tables.significance import seen_from
from benchmark.wording import count, cut, listed

# A measure of the same name is another one where it differs by more on the probe.
_SAME = 1e-9


@dataclass(frozen=True)
class Standing:
    """One's own rows among those of the reference.

    Attributes
    ----------
    summary : DataFrame
        Columns `benchmark.columns.TABLE3`, and ``origin``: own or reference; as a run of all of
        these models would give.
    pairs : DataFrame
        Columns `benchmark.columns.PAIRS`: each own row, as model_a, against all others, and
        ``p_holm_own``, adjusted for these pairs alone, as is right for a model that was fixed
        before. Effect sizes, which take single instances, are missing values.
    own : list of str
        Names of one's own rows.
    without : dict
        Dataset to reference rows without a result, each with the reason.
    machines : list of str
        Processors of the reference results.
    measures : tuple of Measure
        The columns.
    """

    summary: pd.DataFrame
    pairs: pd.DataFrame
    own: list[str]
    without: dict[str, dict[str, str]]
    machines: list[str]
    measures: tuple[Measure, ...] = MEASURES


def stand(evidence: Evidence, reference: Reference, measures: Sequence[Measure]) -> Standing:
    """Join the stored results of a run with those of the reference.

    Parameters
    ----------
    evidence : Evidence
        Of one's own run.
    reference : Reference
    measures : sequence of Measure
        Those of the run's tables.

    Raises
    ------
    UsageError
        Data, folds, seed or measures differ; says how.
    """
    refuse_differences(evidence.plan, reference, measures)
    plan, names = joined_plan(evidence.plan, reference)
    own = evidence.scores.replace({"model": names})
    parts = [own]
    without: dict[str, dict[str, str]] = {}
    for dataset, truth in plan.truths.items():
        known = str(find_set(truth, reference)["dataset"])
        long = reference.long_scores(known, [measure.name for measure in measures])
        rows = set(plan.models_of(dataset)) - set(names.values())
        parts.append(long[long["model"].isin(rows)].assign(dataset=dataset))
        cells = reference.cells[reference.cells["dataset"] == known].set_index("model")
        lost = cells[(cells["state"] != COMPLETE) & cells.index.isin(list(rows))]
        without[dataset] = {str(model): str(why) for model, why in lost["reason"].items()}
    scores = pd.concat(parts, ignore_index=True)
    summary = summarise(plan, scores, measures)
    mine = list(names.values())
    summary["origin"] = np.where(summary["model"].isin(mine), "own", "reference")
    pairs = pairwise(plan, scores, None, measures)
    seen = pd.concat([seen_from(pairs, name) for name in mine], ignore_index=True)
    of_own = seen.groupby(["dataset", "measure", "model_a"], sort=False)["p_value"]
    seen["p_holm_own"] = of_own.transform(lambda p: holm(p.to_numpy()))
    machines = reference.environments["machine"].map(_processor)
    return Standing(summary, seen, mine, without, list(dict.fromkeys(machines)), tuple(measures))


def find_set(truth: Truth, reference: Reference) -> dict[str, Any]:
    """Find the reference's set with the same content.

    Raises
    ------
    UsageError
        It has none; tells what it has of the same name.
    """
    sets = reference.sets
    same = sets[sets["fingerprint"] == truth.fingerprint]
    if len(same):
        return {str(key): value for key, value in same.iloc[0].items()}
    named = sets[sets["dataset"].str.casefold() == truth.name.casefold()]
    if len(named):
        row = named.iloc[0]
        labels = [str(label) for label in json.loads(row["labels"])]
        other = f"; labels {cut(truth.label_names, 4)} and {cut(labels, 4)}"
        raise UsageError(
            f"{truth.name} is other data than the reference's {row['dataset']}: "
            f"{count(len(truth.D), 'row')} and {row['rows']:,}, fingerprints "
            f"{truth.fingerprint[:12]} and {row['fingerprint'][:12]}"
            + (other if labels != list(truth.label_names) else "")
        )
    raise UsageError(
        f"the reference has no results on {truth.name} (fingerprint {truth.fingerprint[:12]}); it "
        f"has {cut(sets['dataset'], 20)}"
    )


def refuse_differences(plan: Plan, reference: Reference, measures: Sequence[Measure]) -> None:
    """Refuse a plan that was not made in the way of the reference.

    Raises
    ------
    UsageError
        Says all that differs.
    """
    found = [*_other_measures(reference, measures)]
    for truth in plan.truths.values():
        found += _other_folds(plan, truth, find_set(truth, reference))
    if found:
        raise UsageError(f"not comparable with the reference results: {'; '.join(found)}")


def _other_measures(reference: Reference, measures: Sequence[Measure]) -> Iterator[str]:
    known = {str(row["measure"]): row for row in reference.measures.to_dict("records")}
    for measure in measures:
        if measure.name not in known:
            yield (
                f"they have no measure {measure.name} (they have "
                f"{', '.join(reference.measure_names)}); choose among these with --measures"
            )
            continue
        row = known[measure.name]
        if bool(row["higher_is_better"]) != measure.higher_is_better:
            yield f"{measure.name} has the other direction"
        elif not abs(float(row["probe"]) - probe(measure)) <= _SAME:
            yield (
                f"{measure.name} is another measure here (on a fixed matrix it is "
                f"{probe(measure):.6g}, in the reference {float(row['probe']):.6g})"
            )


def _other_folds(plan: Plan, truth: Truth, known: dict[str, Any]) -> Iterator[str]:
    folds = truth.folds
    mine = {"seed": plan.seed, "folds": folds.n_folds, "repeats": folds.n_repeats}
    for what, value in mine.items():
        if value != known[what]:
            yield f"{truth.name}: {what} {value} here, {known[what]} there (leave out --{what})"
    if folds.version != known["folds_version"]:
        yield (
            f"{truth.name}: rows are split by version {folds.version} of the rule here, "
            f"{known['folds_version']} there"
        )
    numbers = [(r, f) for r in range(folds.n_repeats) for f in range(folds.n_folds)]
    keys = str(known["splits"]).split()
    if len(keys) == len(numbers):
        other = [f for (r, f), key in zip(numbers, keys, strict=True) if folds.key(r, f) != key]
        if other:
            yield f"{truth.name}: other rows in {count(len(other), 'fold')} ({cut(other, 5)})"


def joined_plan(plan: Plan, reference: Reference) -> tuple[Plan, dict[str, str]]:
    """Return a plan of the reference's models and one's own, and the names of the latter in it.

    A row of the reference that is run again keeps its name where its settings and code are the
    same; with others it is called ``NAME (own)``.
    """
    sets = {name: str(find_set(truth, reference)["dataset"]) for name, truth in plan.truths.items()}
    trivial = set(reference.models["model"][reference.models["group"] == TRIVIAL])
    rows = {
        name: [row for row in reference.rows_of(known) if row not in trivial]
        for name, known in sets.items()
    }
    wanted = dict.fromkeys(row for of in rows.values() for row in of)
    models = {row: reference.described(row) for row in wanted}
    names = {}
    for name, described in plan.models.items():
        same = name in models and models[name] == described
        names[name] = name if same or name not in models else _free(name, models)
        models[names[name]] = described
    inputs = {
        dataset: {
            **dict.fromkeys(rows[dataset], ""),
            **{names[name]: key for name, key in plan.inputs[dataset].items()},
        }
        for dataset in plan.truths
    }
    return replace(plan, models=models, inputs=inputs), names


def _free(name: str, models: dict[str, Any]) -> str:
    new = f"{name} (own)"
    while new in models:
        new += "'"
    return new


def _processor(machine: object) -> str:
    return str(json.loads(str(machine)).get("processor", "unknown"))


def adopted(
    reference: Reference, truths: dict[str, str], given: dict[str, int | None]
) -> dict[str, int]:
    """Return the folds, repeats and seed of the reference, but for those that are given.

    Parameters
    ----------
    reference : Reference
    truths : dict
        Dataset name to fingerprint.
    given : dict
        ``folds``, ``repeats`` and ``seed`` as the user gave them, or None.

    Raises
    ------
    UsageError
        The sets have different ones, so that they need runs of their own.
    """
    sets = reference.sets[reference.sets["fingerprint"].isin(list(truths.values()))]
    found = {}
    for what, value in given.items():
        values = sorted({int(number) for number in sets[what]})
        if value is not None or not values:
            continue
        if len(values) > 1:
            of = [f"{row['dataset']} {row[what]}" for row in sets.to_dict("records")]
            raise UsageError(
                f"the reference has different {what} ({listed(of)}); run these sets apart"
            )
        found[what] = values[0]
    return found
