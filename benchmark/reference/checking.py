"""Checks a submitted result: a sentence for each thing that is wrong. Runs no code of it."""

from __future__ import annotations

import ast
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from baselines.checks import check_distributions
from benchmark.errors import UsageError
from benchmark.metrics import Measure
from benchmark.planning.plan import Truth
from benchmark.plugins.model_names import check_name
from benchmark.reference.collecting import fold_values
from benchmark.reference.contents import Reference, probe
from benchmark.reference.submission import FORM, TRIVIAL_ROWS, fingerprint_of
from benchmark.wording import count, cut
from features.arrays import FloatArray
from features.storage.files import array_key

# Scores of the same predictions may differ by rounding alone.
_SAME = 1e-9


def wrong_with(
    content: Mapping[str, Any],
    reference: Reference,
    measures: Sequence[Measure],
    predictions: Mapping[str, FloatArray] | None = None,
    truths: Sequence[Truth] = (),
) -> list[str]:
    """Say everything that is wrong with a submission.

    Parameters
    ----------
    content : mapping
        Of the shape `benchmark.reference.submission.SHAPE`.
    reference : Reference
        What it is to stand beside.
    measures : sequence of Measure
        All that are built in.
    predictions : mapping, optional
        Key of each prediction to the prediction.
    truths : sequence of Truth
        Datasets that the scores are computed again on, where there are predictions.

    Returns
    -------
    list of str
        Sentences without a full stop; empty if all is well.
    """
    if content["form"] != FORM:
        return [f"it has form {content['form']}, this version reads {FORM}; make it anew"]
    found = [
        *_datasets(content, reference),
        *_measures(content, reference, measures),
        *_models(content, reference),
        *_folds(content),
        *_values(content, measures),
    ]
    if not found:
        found += _trivial(content, reference)
        if predictions is not None:
            found += _predictions(content, measures, predictions, truths)
    return found


def _datasets(content: Mapping[str, Any], reference: Reference) -> Iterator[str]:
    known = {str(row["fingerprint"]): row for row in reference.sets.to_dict("records")}
    if not content["datasets"]:
        yield "it has no dataset"
    for entry in content["datasets"]:
        name, row = entry["dataset"], known.get(entry["fingerprint"])
        if row is None:
            yield (
                f"{name}: the reference has no data with the fingerprint "
                f"{entry['fingerprint'][:12]} (it has {cut(reference.sets['dataset'], 20)})"
            )
            continue
        for what in ("seed", "folds", "repeats", "folds_version", "rows"):
            if entry[what] != row[what]:
                yield f"{name}: {what} is {entry[what]}, in the reference {row[what]}"
        if entry["splits"] != row["splits"]:
            yield f"{name}: its folds have other rows than those of the reference"


def _measures(
    content: Mapping[str, Any], reference: Reference, measures: Sequence[Measure]
) -> Iterator[str]:
    mine = {entry["measure"]: entry for entry in content["measures"]}
    ours = {measure.name: measure for measure in measures}
    if absent := [name for name in reference.measure_names if name not in mine]:
        yield f"it lacks the measures {cut(absent, 8)}; make it with this version of the package"
    for name, entry in mine.items():
        if name not in ours:
            yield f"{name} is no measure of this package"
        elif entry["higher_is_better"] != ours[name].higher_is_better:
            yield f"{name} has the other direction"
        elif not abs(entry["probe"] - probe(ours[name])) <= _SAME:
            yield f"{name} is another measure of that name: it has another value on a fixed matrix"


def _models(content: Mapping[str, Any], reference: Reference) -> Iterator[str]:
    known = set(reference.models["model"])
    names = Counter(str(model["model"]).casefold() for model in content["models"])
    if not names:
        yield "it has no model"
    for model in content["models"]:
        name, described, sources = model["model"], model["described"], model["sources"]
        try:
            check_name(name)
        except UsageError as error:
            yield str(error)
        if names[name.casefold()] > 1:
            yield f"two of its models are called {name}"
        if name in TRIVIAL_ROWS:
            yield f"no model may be called {name}"
        if name in known and reference.described(name) != described:
            yield f"the reference has a {name} with other settings or code; give yours another name"
        if absent := [key for key in ("model", "params", "source") if key not in described]:
            yield f"{name}: its description has no {absent[0]}"
            continue
        source = str(described["source"])
        if source.startswith("unknown:"):
            yield f"{name}: its code is not known (from a notebook?); put it into a file"
        elif source.startswith("sha256:"):
            if not sources:
                yield f"{name}: the source of its plugin is missing"
            elif fingerprint_of(sources) != source:
                yield f"{name}: the source that is given is not the one that was run"
        for file in sources:
            try:
                ast.parse(file["text"])
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                yield f"{name}: {file['path'] or 'its plugin'} is no Python ({error})"


def _folds(content: Mapping[str, Any]) -> Iterator[str]:
    """Every row has every fold of every dataset, once."""
    models = [str(model["model"]) for model in content["models"]]
    rows = Counter((s["dataset"], s["model"], s["repeat"], s["fold"]) for s in content["scores"])
    wanted = set()
    for entry in content["datasets"]:
        numbers = [(r, f) for r in range(entry["repeats"]) for f in range(entry["folds"])] \
            if entry["repeats"] * entry["folds"] <= 10_000 else []  # fmt: skip
        for model in (*models, *TRIVIAL_ROWS):
            of = {(entry["dataset"], model, r, f) for r, f in numbers}
            wanted |= of
            if lost := sorted(of - rows.keys()):
                which = cut((fold for _, _, _, fold in lost), 10)
                yield (
                    f"{model} on {entry['dataset']}: {count(len(lost), 'fold')} of {len(of)} "
                    f"missing ({which})"
                )
    if twice := [row for row, number in rows.items() if number > 1]:
        dataset, model, _, fold = twice[0]
        yield f"{model} on {dataset}: fold {fold} is there twice"
    if more := sorted(rows.keys() - wanted):
        dataset, model, repeat, fold = more[0]
        yield f"a score of {model} on {dataset}, repeat {repeat}, fold {fold}, belongs to no fold"


def _values(content: Mapping[str, Any], measures: Sequence[Measure]) -> Iterator[str]:
    labels = {entry["dataset"]: _labels(entry["labels"]) for entry in content["datasets"]}
    ours = {measure.name: measure for measure in measures}
    names = {entry["measure"] for entry in content["measures"]}
    for row in content["scores"]:
        where = f"{row['model']} on {row['dataset']}, fold {row['fold']}"
        if names != row["values"].keys():
            yield f"{where}: its values are of other measures than those that it lists"
            continue
        for name, value in row["values"].items():
            if name not in ours:
                continue
            low, high = ours[name].bounds(labels.get(row["dataset"], 1))
            if not (math.isfinite(value) and low - _SAME <= value <= high + _SAME):
                yield f"{where}: {name} is {value:g}, outside of its range {low:g} to {high:g}"
        seconds = row.get("fit_seconds", 0.0)
        if not (math.isfinite(seconds) and seconds >= 0):
            yield f"{where}: it took {seconds:g} seconds"


def _labels(text: str) -> int:
    """Count the labels of a dataset, a list in JSON."""
    try:
        return len(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return 1


def _trivial(content: Mapping[str, Any], reference: Reference) -> Iterator[str]:
    """Compare what looks at no instance with the reference: its scores tell other data apart."""
    rows = reference.scores[reference.scores["model"].isin(TRIVIAL_ROWS)].to_dict("records")
    known = {(row["dataset"], row["model"], row["repeat"], row["fold"]): row for row in rows}
    names = {str(row["fingerprint"]): row["dataset"] for row in reference.sets.to_dict("records")}
    of = {entry["dataset"]: names[entry["fingerprint"]] for entry in content["datasets"]}
    for row in content["scores"]:
        if row["model"] not in TRIVIAL_ROWS:
            continue
        there = known[of[row["dataset"]], row["model"], row["repeat"], row["fold"]]
        for name in reference.measure_names:
            value = row["values"][name]
            if not abs(value - float(there[name])) <= _SAME * max(1.0, abs(value)):
                yield (
                    f"{row['model']} on {row['dataset']}, fold {row['fold']}: {name} is "
                    f"{value:.9g}, in the reference {float(there[name]):.9g}, though it is no model"
                )
                return


def _predictions(
    content: Mapping[str, Any],
    measures: Sequence[Measure],
    predictions: Mapping[str, FloatArray],
    truths: Sequence[Truth],
) -> Iterator[str]:
    """Predictions are distributions, and their scores those that are submitted."""
    of = {truth.fingerprint: truth for truth in truths}
    data = {entry["dataset"]: of.get(entry["fingerprint"]) for entry in content["datasets"]}
    listed = {entry["measure"] for entry in content["measures"]}
    wanted = [measure for measure in measures if measure.name in listed]
    for row in content["scores"]:
        if row["model"] in TRIVIAL_ROWS:
            continue
        where = f"{row['model']} on {row['dataset']}, fold {row['fold']}"
        key = row.get("prediction", "")
        if key not in predictions:
            yield f"{where}: its prediction is missing"
            continue
        P, truth = predictions[key], data[row["dataset"]]
        if array_key(np.asarray(P)) != key:
            yield f"{where}: its prediction is another one than was scored"
            continue
        try:
            P = check_distributions(P, "the prediction")
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        if truth is None:
            continue
        shape = (len(truth.folds.test(row["repeat"], row["fold"])), truth.D.shape[1])
        if P.shape != shape:
            yield f"{where}: its prediction has the shape {P.shape}, not {shape}"
            continue
        values = fold_values(truth, row["repeat"], row["fold"], predictions[key], wanted)
        for name, value in values.items():
            given = row["values"][name]
            if not abs(value - given) <= _SAME * max(1.0, abs(value)):
                yield f"{where}: {name} of its prediction is {value:.9g}, not {given:.9g}"
                break
