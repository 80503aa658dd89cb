"""What a figure is asked to show, and why it cannot show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmark.analysis.evidence import Evidence
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME, Measure
from benchmark.planning.plan import Plan
from benchmark.wording import find_measure, listed
from features.names import did_you_mean


@dataclass(frozen=True)
class Choice:
    """What a figure is asked to show; empty where the figure decides.

    Attributes
    ----------
    dataset : str
        Name of one dataset.
    measure : str
        Name of one measure.
    models : tuple of str
        Names of models.
    """

    dataset: str = ""
    measure: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotShown:
    """A figure that cannot be drawn of a run.

    Attributes
    ----------
    reason : str
        What the run or the dataset lacks, as a clause without a full stop.
    """

    reason: str


def resolve(choice: Choice, plan: Plan) -> Choice:
    """Write names as the run writes them, each model once; case does not matter.

    Raises
    ------
    UsageError
        The run has no such dataset or model, or there is no such measure.
    """
    dataset = _known("dataset", choice.dataset, plan.truths) if choice.dataset else ""
    measure = find_measure(choice.measure).name if choice.measure else ""
    models = dict.fromkeys(_known("model", name, plan.models) for name in choice.models)
    return replace(choice, dataset=dataset, measure=measure, models=tuple(models))


def _known(what: str, name: str, known: Iterable[str]) -> str:
    """Find a name among those that the run has; case does not matter."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    if name.lower() not in by_lower:
        names = list(by_lower.values())
        raise UsageError(
            f"the run has no {what} {name!r}{did_you_mean(name, names)} "
            f"(it has: {', '.join(names)})"
        )
    return by_lower[name.lower()]


# The functions below take a choice that `resolve` returned.


def chosen_dataset(plan: Plan, choice: Choice) -> str:
    """Return the dataset that a figure of one dataset shows: the chosen, or the first."""
    return choice.dataset or next(iter(plan.truths))


def chosen_measure(choice: Choice, evidence: Evidence) -> Measure:
    """Return the measure that a figure of one measure shows: KLdiv, if it is among the columns."""
    if choice.measure:
        return find_measure(choice.measure)
    kl = BY_NAME["kl_divergence"]
    return kl if kl in evidence.measures else evidence.measures[0]


def chosen_models(choice: Choice, known: Sequence[str]) -> list[str]:
    """Return the models that a figure shows: the chosen, or all that it could show."""
    return list(choice.models or known)


def complete_models(evidence: Evidence, choice: Choice) -> tuple[list[str], str]:
    """Find the models that a figure of one dataset shows: those that have all of their folds.

    Returns
    -------
    models : list of str
        In the order of the tables, or of the choice.
    remark : str
        Sentence that names the others; empty if there are none.
    """
    dataset, summary = chosen_dataset(evidence.plan, choice), evidence.summary
    rows = summary[summary["dataset"] == dataset]
    complete = set(rows["model"][rows["folds"] == rows["expected_folds"]])
    wanted = chosen_models(choice, evidence.plan.models_of(dataset))
    return (
        [name for name in wanted if name in complete],
        left_out(name for name in wanted if name not in complete),
    )


def left_out(names: Iterable[str]) -> str:
    """Write the sentence that names models without all of their folds; empty if there are none."""
    listed = ", ".join(names)
    return f"Left out, for folds without a result: {listed}." if listed else ""


def not_run(choice: Choice, known: Sequence[str], where: str = "on it") -> NotShown | None:
    """Return the reason if some of the chosen models did not run where the figure looks."""
    absent = [name for name in choice.models if name not in known]
    return NotShown(f"{listed(absent)} did not run {where}") if absent else None


def no_complete_model(evidence: Evidence, choice: Choice) -> NotShown | None:
    """Return the reason if no model to be shown has all of its folds of the dataset."""
    known = evidence.plan.models_of(chosen_dataset(evidence.plan, choice))
    if absent := not_run(choice, known):
        return absent
    if complete_models(evidence, choice)[0]:
        return None
    return NotShown(
        f"none of {listed(chosen_models(choice, known))} has all of its folds; "
        f"the same run command computes what is missing"
    )
