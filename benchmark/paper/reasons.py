"""Why our numbers may differ from the published ones: what a run does otherwise, or must choose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.paper.published import Published
from benchmark.planning.folds import ROWS
from benchmark.planning.needs import describe_features
from benchmark.planning.plan import Plan, Truth
from benchmark.planning.splits import name_split
from benchmark.wording import listed
from features.extract import Extraction
from features.networks.backbones import find_backbone

# More rows than this are not all named.
_NAMED = 8


@dataclass(frozen=True)
class Reason:
    """Something that may make our numbers differ from the published ones.

    Attributes
    ----------
    what : str
        In words, without a full stop.
    about : tuple of (str, str)
        Datasets and rows of the paper whose numbers it concerns.
    measures : tuple of str
        Names of the measures that it concerns; all of them if empty.
    of_rows : bool
        Whether it is said of the rows, not of the data.
    """

    what: str
    about: tuple[tuple[str, str], ...]
    measures: tuple[str, ...] = ()
    of_rows: bool = False

    @property
    def text(self) -> str:
        """The sentence."""
        if not self.of_rows:
            return f"{self.what}."
        rows = list(dict.fromkeys(row for _, row in self.about))
        if len(rows) > _NAMED:
            rows = [*rows[:2], f"{len(rows) - 2} others"]
        return f"{listed(rows)}: {self.what}."

    def concerns(self, about: Collection[tuple[str, str]], measures: Collection[str]) -> bool:
        """Tell whether it matters for any of some datasets with rows, in any of some measures."""
        in_measure = not self.measures or not set(self.measures).isdisjoint(measures)
        return in_measure and not set(self.about).isdisjoint(about)


def joined(reasons: Iterable[Reason]) -> list[Reason]:
    """Merge reasons that say the same."""
    found: dict[str, Reason] = {}
    for reason in reasons:
        former = found.get(reason.what)
        about = reason.about if former is None else (*former.about, *reason.about)
        found[reason.what] = replace(reason, about=tuple(dict.fromkeys(about)))
    return list(found.values())


def find_reasons(
    plan: Plan,
    published: Published,
    paper_dataset: str,
    dataset: str,
    names: Mapping[str, str],
    over_sigma: bool = False,
) -> list[Reason]:
    """Find out why results may differ from the paper's.

    Parameters
    ----------
    plan : Plan
        The run; every reason follows from its data and settings.
    published : Published
        With the settings that the paper states.
    paper_dataset, dataset : str
        The paper's dataset, and the run's that stands for it.
    names : mapping
        Rows of the paper that are compared, to the run's names of them.
    over_sigma : bool
        Whether the sigma of labels and wheel is what is varied.
    """
    if not names:
        return []
    truth = plan.truths[dataset]
    networks = {row: name for row, name in names.items() if _is_network(plan, name)}
    others = {row: name for row, name in names.items() if row not in networks}

    def about(rows: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((paper_dataset, row) for row in rows)

    of_data = [*_data(truth, published, paper_dataset, over_sigma), _split(plan, truth, published)]
    found = [Reason(what, about(names)) for what in of_data]
    if others:
        found += [Reason(what, about(others)) for what in _features(plan, truth, published, others)]
        what = "settings not stated in the paper; here those in run.json"
        found.append(Reason(what, about(others), of_rows=True))
    for row, name in networks.items():
        found += [
            Reason(what, about([row]), of_rows=True)
            for what in _network(plan.models[name]["params"], row, truth, published, over_sigma)
        ]
    return joined(found + [Reason(what, about(names), ("accuracy",)) for what in _ties(truth)])


def stands_in(truth: Truth, paper_dataset: str) -> bool:
    """Tell whether data is not a dataset of the paper, by its name."""
    name, wanted = truth.name.casefold(), paper_dataset.casefold()
    return name != wanted and not name.startswith(f"{wanted}-sigma")


def _data(
    truth: Truth, published: Published, paper_dataset: str, over_sigma: bool
) -> Iterator[str]:
    if stands_in(truth, paper_dataset):
        kind = "drawn data" if truth.latent is not None else "other data"
        source = f" ({Path(truth.source).name})" if truth.source else ""
        yield f"{truth.name}{source}, {kind}, stands for {paper_dataset}"
        return
    stated = published.settings["datasets"][paper_dataset]
    n, c = truth.D.shape
    if n != stated["images"]:
        yield f"{truth.name} has {n:,} instances here, {stated['images']:,} in the paper"
    if c != stated["labels"]:
        yield f"{truth.name} has {c} labels here, {stated['labels']} in the paper"
    if not over_sigma and truth.sigma is not None and truth.sigma != stated.get("sigma"):
        yield (
            f"The labels of {truth.name} are spread with sigma {truth.sigma:g}, in the paper with "
            f"{stated['sigma']:g}"
        )


def _split(plan: Plan, truth: Truth, published: Published) -> str:
    stated, folds = published.settings["protocol"], truth.folds
    if folds.kind != ROWS:
        return f"The paper's split is not published; here {name_split(truth, folds)}"
    text = f"The paper's split is not published; here {folds.n_folds} stratified folds"
    if folds.n_repeats > 1:
        text += f", drawn {folds.n_repeats} times"
    text += f", seed {plan.seed}"
    if (folds.n_folds, folds.n_repeats) != (stated["folds"], stated["repeats"]):
        text += f", while the paper has {stated['folds']} folds, drawn once"
    return text


def _ties(truth: Truth) -> Iterator[str]:
    tied = int(((truth.D == truth.D.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
    if tied:
        yield (
            f"{tied} of {len(truth.D):,} rows of {truth.name} have a tied maximum; accuracy takes "
            f"the first of tied labels here, the paper does not say"
        )


def _is_network(plan: Plan, name: str) -> bool:
    return "backbone" in plan.models[name]["params"]


def _features(
    plan: Plan, truth: Truth, published: Published, names: Mapping[str, str]
) -> Iterator[str]:
    stated = published.settings["protocol"]
    backbone = find_backbone(stated["backbone"])
    wanted = (
        f"in the paper the second-to-last fully connected layer of VGGNet ({stated['weights']} "
        f"weights), reduced by PCA to {stated['components']} dimensions"
    )
    if any(plan.inputs[truth.name][name] == "" for name in names.values()):
        own = Path(truth.source).name or truth.name
        yield f"Features: here the dataset's own ({own}), {wanted}"
    extraction = Extraction(backbone.name, stated["weights"], backbone.size, "float32")
    usual = describe_features(extraction, stated["components"], "fold")
    for note in truth.notes:
        if note == usual:
            yield (
                f"Features: PCA is fitted on the training rows of each fold, and VGGNet is "
                f"{backbone.name}; the paper says neither where PCA is fitted nor VGGNet's depth"
            )
        elif note.startswith("features: "):
            yield f"Features: here {note.removeprefix('features: ')}; {wanted}"


def _network(
    params: Mapping[str, Any], row: str, truth: Truth, published: Published, over_sigma: bool
) -> Iterator[str]:
    settings = published.settings
    yield from _backbone(settings, row, params)
    for key, stated in settings["network"].items():
        here = params.get(key, stated)
        if key == "sigma" and (over_sigma or here == "data"):
            if here != "data":
                yield f"the wheel keeps sigma {here:g}, the labels' sigma varies"
        elif here != stated:
            yield f"{key} = {_value(here)}, in the paper (for EW-MTCNN) {_value(stated)}"
    for key, title in settings["unstated"].items():
        known = params.get(key) is not None
        if known and (key != "neutral" or "neutral" in truth.label_names):
            yield f"{title} is not stated in the paper; here {_value(params[key])}"


def _backbone(settings: Mapping[str, Any], row: str, params: Mapping[str, Any]) -> Iterator[str]:
    family, here = settings["networks"].get(row), str(params["backbone"]).lower()
    if family is None:  # another kind of model in the paper
        return
    accepted = settings["backbones"][family]
    if here not in accepted:
        yield f"the backbone is {here}, in the paper {family}"
    elif accepted[1:]:
        yield f"{family}'s depth is not stated in the paper; here {here}"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
