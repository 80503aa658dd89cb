"""Merges the results of several runs, where they were made in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from benchmark.errors import UsageError
from benchmark.planning.folds import ROWS, Folds
from benchmark.planning.plan import Plan, Result, Truth
from benchmark.planning.tasks import Task
from benchmark.plugins.built_in import in_groups
from benchmark.store.differences import common, differing_models, other_split
from features.storage.files import same_file


@dataclass(frozen=True)
class Part:
    """One run of several.

    Attributes
    ----------
    name : str
        Its folder, for people.
    label : str
        Added to the names of its models where another run has different models of the same name;
        may be empty.
    plan : Plan
    results : dict
        Task to stored result.
    """

    name: str
    label: str
    plan: Plan
    results: dict[Task, Result]

    @property
    def missing(self) -> int:
        """Number of tasks without a result."""
        return len(self.plan.tasks) - len(self.results)


def merge(parts: Sequence[Part]) -> tuple[Plan, dict[Task, Result], int]:
    """Merge runs.

    Datasets and models of all of them are joined. What two runs have both is taken from the
    first, if it was made in the same way.

    Parameters
    ----------
    parts : sequence of Part
        At least one.

    Returns
    -------
    plan : Plan
    results : dict
        Task to stored result; with other names where models were renamed.
    missing : int
        Number of tasks without a result.

    Raises
    ------
    UsageError
        Seed, folds, data or settings differ; the message says how.
    """
    if len(parts) == 1:
        return parts[0].plan, parts[0].results, parts[0].missing
    labels = [part.label for part in parts if part.label]
    if len(set(labels)) != len(labels):
        raise UsageError(f"two runs have the same label: {', '.join(labels)}")
    for one, other in combinations(parts, 2):
        _check_protocol(one, other)
    named = [_renamed(part, _clashes(parts, part)) for part in parts]
    truths: dict[str, Truth] = {}
    models: dict[str, dict[str, Any]] = {}
    inputs: dict[str, dict[str, str]] = {}
    results: dict[Task, Result] = {}
    wanted: set[Task] = set()
    for part, tasks, renamed_results in named:
        for dataset, truth in part.truths.items():
            truths[dataset] = _joined(truths.get(dataset), truth)
            inputs[dataset] = {**part.inputs[dataset], **inputs.get(dataset, {})}
        for name, model in part.models.items():
            if models.setdefault(name, model) != model:
                raise UsageError(f"several models would be called {name!r}; give other labels")
        results = {**renamed_results, **results}
        wanted |= set(tasks)
    order = dict.fromkeys(name for part, _, _ in named for name in part.models)
    models = {name: models[name] for name in in_groups(order, lambda n: str(models[n]["model"]))}
    for what, names in (("datasets", truths), ("models", models)):
        if clash := same_file(names):
            raise UsageError(f"the runs have {what} of names too alike: {clash[0]!r}, {clash[1]!r}")
    first = parts[0].plan
    plan = Plan(first.protocol, first.seed, truths, models, inputs)
    return plan, results, len(wanted) - len(results)


def _joined(former: Truth | None, truth: Truth) -> Truth:
    """Return the truth of a dataset with the notes of both runs."""
    if former is None:
        return truth
    return replace(former, notes=tuple(dict.fromkeys((*former.notes, *truth.notes))))


def _check_protocol(first: Part, other: Part) -> None:
    """Refuse runs with other folds or other data of the same name."""
    differences = []
    if first.plan.seed != other.plan.seed:
        differences.append(f"seed {first.plan.seed} and {other.plan.seed}")
    one, two = (_typical(part.plan) for part in (first, other))
    alike = one.kind == two.kind == ROWS
    for what in ("n_folds", "n_repeats"):
        if alike and getattr(one, what) != getattr(two, what):
            title = "folds" if what == "n_folds" else "repeats"
            differences.append(f"{getattr(one, what)} and {getattr(two, what)} {title}")
    if one.version != two.version:
        older = first if one.version < two.version else other
        differences.append(
            f"rows split by versions {one.version} and {two.version} of the folds (give the run "
            f"command of {older.name} again: it computes that run on folds of the newer version)"
        )
    for name in common(first.plan, other.plan):
        mine, its = first.plan.truths[name], other.plan.truths[name]
        if mine.fingerprint != its.fingerprint:
            differences.append(
                f"other data under the name {name} ({len(mine.D)} and {len(its.D)} rows, "
                f"fingerprints {mine.fingerprint[:12]} and {its.fingerprint[:12]})"
            )
        elif said := other_split(mine, its):
            differences.append(f"{said} of {name}")
    if differences:
        raise UsageError(
            f"{first.name} and {other.name} cannot be put together, their results are not "
            f"comparable: {'; '.join(differences)}"
        )


def _typical(plan: Plan) -> Folds:
    """Return folds of rows if the run has some, whose numbers of folds and repeats are its own."""
    found = [truth.folds for truth in plan.truths.values()]
    return next((folds for folds in found if folds.kind == ROWS), found[0])


def _clashes(parts: Sequence[Part], part: Part) -> dict[str, str]:
    """Find names under which another part has a different model, and give new ones.

    Raises
    ------
    UsageError
        There are some, and the part has no label.
    """
    renamed = {}
    for other in parts:
        if other is part:
            continue
        for name, difference in differing_models(part.plan, other.plan):
            if not part.label and not other.label:
                raise UsageError(
                    f"{part.name} and {other.name} have different models called {name!r}: "
                    f"{difference}; to show both, label the folders, as in: "
                    f"--out old={part.name} --out new={other.name}"
                )
            if part.label:
                renamed[name] = f"{name} ({part.label})"
    return renamed


def _renamed(part: Part, names: Mapping[str, str]) -> tuple[Plan, list[Task], dict[Task, Result]]:
    """Return the plan, its tasks and the results with new names of models."""

    def new(name: str) -> str:
        return names.get(name, name)

    def of(task: Task) -> Task:
        return replace(task, model=new(task.model)) if task.model in names else task

    plan = replace(
        part.plan,
        models={new(name): model for name, model in part.plan.models.items()},
        inputs={
            dataset: {new(name): key for name, key in keys.items()}
            for dataset, keys in part.plan.inputs.items()
        },
    )
    if len(plan.models) != len(part.plan.models):
        raise UsageError(
            f"{part.name} has models that would be called the same with the label {part.label!r}; "
            f"give another"
        )
    tasks = [of(task) for task in part.plan.tasks]
    return plan, tasks, {of(task): result for task, result in part.results.items()}
