"""The figures that can be asked for, and which of them can be drawn of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from benchmark.analysis.evidence import Evidence
from benchmark.errors import UsageError, apart, raised_last
from benchmark.figures.base import Drawing
from benchmark.figures.boxes import make as make_boxes
from benchmark.figures.calibration import make as make_calibration
from benchmark.figures.choice import (
    Choice,
    NotShown,
    chosen_dataset,
    no_complete_model,
    resolve,
)
from benchmark.figures.cost import make as make_cost
from benchmark.figures.critical import make as make_critical
from benchmark.figures.critical import too_few
from benchmark.figures.learning import make as make_learning
from benchmark.figures.learning import no_curves
from benchmark.figures.ranks import make as make_ranks
from benchmark.figures.ranks import no_ranks
from benchmark.figures.samples import make_predicted, make_true
from benchmark.figures.sigma import make as make_sigma
from benchmark.figures.sigma import no_curve
from benchmark.figures.wheel import make as make_wheel
from benchmark.figures.wheel import off_the_wheel
from benchmark.wording import find_measure, listed
from features.names import did_you_mean


def always(evidence: Evidence, choice: Choice) -> None:
    """Return None: the figure can be drawn of every run."""


@dataclass(frozen=True)
class FigureKind:
    """A figure that can be asked for.

    Attributes
    ----------
    name : str
        On the command line.
    title : str
        What it shows, in one line.
    why_not : callable
        ``(Evidence, Choice) -> NotShown or None``: why it cannot be drawn, None if it can.
    make : callable
        ``(Evidence, Choice) -> Drawing``, where `why_not` returns None.
    takes : tuple of str
        What can be chosen: attributes of `Choice`, and the measures.
    per_dataset : bool
        Whether it shows one dataset.
    """

    name: str
    title: str
    why_not: Callable[[Evidence, Choice], NotShown | None]
    make: Callable[[Evidence, Choice], Drawing]
    takes: tuple[str, ...] = ("dataset", "models")
    per_dataset: bool = True


_DATASET, _ALL = ("dataset",), ("dataset", "measure", "models")

_KINDS = (
    FigureKind("1", "Sample images and their distributions", always, make_true, _DATASET),
    FigureKind("4", "Predicted and true distributions", no_complete_model, make_predicted),
    FigureKind("5", "Accuracy and KL divergence over sigma", no_curve, make_sigma, ("models",),
               per_dataset=False),
    FigureKind("boxes", "Every measure, fold by fold", no_complete_model, make_boxes,
               (*_ALL, "measures")),
    FigureKind("critical", "Critical differences over datasets", too_few, make_critical,
               ("measure", "models"), per_dataset=False),
    FigureKind("ranks", "Ranks of the models", no_ranks, make_ranks,
               ("dataset", "models", "measures"), per_dataset=False),
    FigureKind("wheel", "The emotion wheel and its prior", off_the_wheel, make_wheel, _DATASET),
    FigureKind("calibration", "Predicted shares against true ones", no_complete_model,
               make_calibration),
    FigureKind("learning", "Loss of the networks, epoch by epoch", no_curves, make_learning),
    FigureKind("cost", "Time against quality", no_complete_model, make_cost, _ALL),
)  # fmt: skip

#: What can be drawn, by its name on the command line; numbers are those of the paper's figures.
FIGURES: dict[str, FigureKind] = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Attempt:
    """A figure that was drawn, or the reason why it was not.

    Attributes
    ----------
    kind : FigureKind
    dataset : str
        The dataset that the figure shows; empty if it is not about one.
    outcome : Drawing or NotShown
    """

    kind: FigureKind
    dataset: str
    outcome: Drawing | NotShown


def find_kind(name: str) -> FigureKind:
    """Find a figure by its name; case does not matter.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    kind = FIGURES.get(name.lower().removeprefix("figure").strip(" -_"))
    if kind is None:
        known = [*FIGURES, "all"]
        raise UsageError(
            f"there is no figure {name!r}{did_you_mean(name, known)} "
            f"(there are: {', '.join(known)})"
        )
    return kind


def refuse_unused(kind: FigureKind, choice: Choice, measures: bool = False) -> None:
    """Refuse a choice that the figure does not have, which would be dropped in silence.

    Raises
    ------
    UsageError
        There is one.
    """
    options = {
        "dataset": "--dataset", "measure": "--measure", "models": "--model",
        "measures": "--measures",
    }  # fmt: skip
    for field, value in {**asdict(choice), "measures": measures}.items():
        if value and field not in kind.takes:
            raise UsageError(
                f"figure {kind.name} has no choice of {field} ({options[field]}); it has "
                f"{listed(options[name] for name in kind.takes)}"
            )


def draw_one(kind: FigureKind, evidence: Evidence, choice: Choice) -> Attempt:
    """Draw a figure of a run, of the chosen dataset or the first.

    Raises
    ------
    UsageError
        The choice names what the run does not have.
    """
    choice = resolve(choice, evidence.plan)
    if choice.measure:
        evidence = evidence.including(find_measure(choice.measure))
    dataset = chosen_dataset(evidence.plan, choice) if kind.per_dataset else ""
    return Attempt(kind, dataset, kind.why_not(evidence, choice) or kind.make(evidence, choice))


def draw_all(
    evidence: Evidence,
    choice: Choice,
    problems: list[str] | None = None,
    datasets: Sequence[str] | None = None,
) -> Iterator[Attempt]:
    """Draw every figure, those of one dataset for each; where that cannot be, give the reason.

    Parameters
    ----------
    evidence : Evidence
    choice : Choice
        What to show.
    problems : list of str, optional
        Collects sentences about figures whose drawing fails, instead of an error in the end.
    datasets : sequence of str, optional
        Datasets to draw, by default the chosen one or all.

    Raises
    ------
    UsageError
        The choice names what the run does not have.
    """
    choice = resolve(choice, evidence.plan)
    if datasets is None:
        datasets = [choice.dataset] if choice.dataset else list(evidence.plan.truths)
    with raised_last(problems) as found:
        for kind in FIGURES.values():
            for dataset in datasets if kind.per_dataset else [""]:
                with apart(f"figure {kind.name}{f' of {dataset}' if dataset else ''}", found):
                    yield draw_one(kind, evidence, replace(choice, dataset=dataset))


def reasons(attempts: Iterable[Attempt]) -> list[str]:
    """Say which figures cannot be drawn and why; those with the same reason share a clause.

    Attempts that gave a drawing are passed over.
    """
    datasets: dict[tuple[str, str], list[str]] = {}
    for attempt in attempts:
        if isinstance(attempt.outcome, NotShown):
            key = (attempt.kind.name, attempt.outcome.reason)
            datasets.setdefault(key, []).append(attempt.dataset)
    kinds: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (kind, reason), names in datasets.items():
        kinds.setdefault((reason, tuple(names)), []).append(kind)
    found = []
    for (reason, of), names in kinds.items():
        start = f"{'figure' if len(names) == 1 else 'figures'} {listed(names)}"
        whose = f" of {listed(of)}" if any(of) else ""
        found.append(f"{start}{whose} cannot be drawn: {reason}")
    return found
