"""Decides what a run does: its settings, its datasets, what each model gets, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

from benchmark.datasets import Dataset, is_synthetic, load_dataset
from benchmark.errors import UsageError
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Plan, make_truth
from benchmark.planning.protocol import Model, Protocol, checked_features, load_protocol
from benchmark.planning.tasks import with_facts
from benchmark.progress import image_bar
from benchmark.running.inputs import Need, describe_need, find_need
from benchmark.wording import listed
from ewmtcnn.base import NetworkEstimator
from features.networks.backbones import find_backbone

Needs = dict[str, dict[str, Need]]


@dataclass(frozen=True)
class Overrides:
    """Settings of the command line, which come before those of the protocol; None leaves one.

    Attributes
    ----------
    folds, repeats, seed : int, optional
        See `benchmark.planning.protocol.Protocol`.
    backbone, weights, precision : str, optional
        Of the features and of every network whose row does not set its own.
    epochs, batch_size : int, optional
        Of the networks.
    pca_scope : {"fold", "dataset"}, optional
        See `benchmark.planning.protocol.FeatureSettings`.
    """

    folds: int | None = None
    repeats: int | None = None
    seed: int | None = None
    backbone: str | None = None
    weights: str | None = None
    precision: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    pca_scope: str | None = None


def make_settings(
    protocol: str | Path | None, datasets: Sequence[str], have_data: bool, changes: Overrides
) -> Protocol:
    """Load the protocol and let the command line change it.

    Parameters
    ----------
    protocol : str or Path, optional
        By default ``demo`` for the built-in images, else ``paper``.
    datasets : sequence of str
        Names and files; the protocol's own if empty.
    have_data : bool
        Whether there are datasets in memory beside them.
    changes : Overrides
        What the command line says.

    Raises
    ------
    UsageError
        A setting that cannot be used, or no dataset at all.
    """
    built_in = all(is_synthetic(name) for name in datasets) and not have_data
    settings = load_protocol(protocol or ("demo" if built_in else "paper"))
    numbers = {key: getattr(changes, key) for key in ("folds", "repeats", "seed")}
    for key, value in {**numbers, "epochs": changes.epochs, "batch": changes.batch_size}.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
            raise UsageError(f"{key} must be a whole number, not {value!r}")
    given: dict[str, Any] = {key: int(v) for key, v in numbers.items() if v is not None}
    settings = replace(settings, **given)
    if datasets or have_data:
        settings = replace(settings, datasets=tuple(datasets))
    if not settings.datasets and not have_data:
        raise UsageError(f"protocol {settings.name!r} names no dataset; give one with --dataset")
    if settings.seed < 0:
        raise UsageError(f"--seed must not be negative, it is {settings.seed}")
    return _change_networks(settings, changes)


def _change_networks(settings: Protocol, changes: Overrides) -> Protocol:
    common = {key: getattr(changes, key) for key in ("backbone", "weights", "precision")}
    common = {key: value for key, value in common.items() if value is not None}
    if changes.backbone is not None:
        try:
            backbone = find_backbone(changes.backbone)
        except ValueError as error:
            raise UsageError(f"--backbone: {error}") from error
        # Weights and size that the protocol names belong to the backbone that it names.
        common = {"weights": backbone.weights[0], **common, "backbone": backbone.name}
    network, features = dict(settings.network), settings.features
    if changes.backbone is not None:
        network.pop("size", None)
        features = replace(features, size=0)
    training = {"epochs": changes.epochs, "batch_size": changes.batch_size}
    training = {key: value for key, value in training.items() if value is not None}
    features = replace(features, **common)
    if changes.pca_scope is not None:
        features = replace(features, scope=changes.pca_scope)
    return replace(
        settings,
        features=checked_features(features),
        network={**network, **common, **training},
    )


def load_datasets(
    names: Iterable[str],
    given: Iterable[Dataset],
    data_dir: str | Path | None,
    cache: Path,
    skip_unreadable: bool = False,
    show_progress: bool = False,
) -> dict[str, Dataset]:
    """Load every dataset of a run, by name; shows how many images it has checked, if asked to.

    Raises
    ------
    UsageError
        One cannot be loaded, or two have the same name.
    """
    loaded: dict[str, Dataset] = {}
    found = []
    for name in names:
        with image_bar(f"checking the images of {name}", None, show_progress) as bar:
            found.append(load_dataset(name, data_dir, cache, skip_unreadable, bar.update))
    for data in [*found, *given]:
        if data.name.lower() in {name.lower() for name in loaded}:
            raise UsageError(f"two datasets are called {data.name!r}; rename one")
        loaded[data.name] = data
    return loaded


def find_needs(
    datasets: Mapping[str, Dataset],
    models: Sequence[Model],
    settings: Protocol,
    every: bool,
    tell: Callable[[str], None],
) -> Needs:
    """Decide what each model gets of each dataset; a model that can get nothing is left out.

    Parameters
    ----------
    datasets : mapping
        Name to dataset.
    models : sequence of Model
        The rows of the tables.
    settings : Protocol
        Of the run.
    every : bool
        Whether the models were not named, so that one that runs nowhere is no mistake.
    tell : callable
        Gets a sentence about what is left out.

    Raises
    ------
    UsageError
        A named model can run on no dataset, its settings cannot be used, or its backbone or
        weights cannot be had.
    """
    needs: Needs = {name: {} for name in datasets}
    for name, data in datasets.items():
        for model in models:
            need = find_need(data, model, settings.features)
            if need is None:
                continue
            try:
                _check_network(data, model)
            except UsageError as error:
                if not every:
                    raise
                tell(f"{error}; left out.")
                continue
            needs[name][model.name] = need
    for name, data in datasets.items():
        absent = [model.name for model in models if model.is_network and data.images is None]
        if absent:
            tell(f"{name} has no images: {listed(absent)} left out, which learn from images.")
    for model in models:
        if not every and not any(model.name in found for found in needs.values()):
            raise UsageError(
                f"model {model.name!r} learns from images, but {listed(datasets)} "
                f"{'has' if len(datasets) == 1 else 'have'} none"
            )
    return needs


def _check_network(data: Dataset, model: Model) -> None:
    """Refuse settings of a network that cannot be used, before anything is computed."""
    network = model.entry.load()
    if not issubclass(network, NetworkEstimator):
        return
    try:
        facts = {"labels": data.label_names, "sigma": data.sigma}
        network(**with_facts(model.params, facts)).check_settings()
    except ValueError as error:
        raise UsageError(f"model {model.name!r} on {data.name}: {error}") from error


def make_plan(
    settings: Protocol, datasets: Mapping[str, Dataset], models: Sequence[Model], needs: Needs
) -> Plan:
    """Fix the folds, and all that determines the results.

    Raises
    ------
    UsageError
        A dataset cannot be split into so many folds.
    """
    truths = {}
    for name, data in datasets.items():
        try:
            split = stratified_folds(data.D, settings.folds, settings.repeats, settings.seed)
        except UsageError as error:
            raise UsageError(f"dataset {name}: {error}") from error
        remarks = dict.fromkeys(describe_need(need) for need in needs[name].values())
        notes = (*data.notes, *(remark for remark in remarks if remark))
        truths[name] = make_truth(replace(data, notes=notes), split)
    described: dict[str, Any] = {model.name: model.describe() for model in models}
    keys = {name: {model: need.key for model, need in of.items()} for name, of in needs.items()}
    return Plan(settings.name, settings.seed, truths, described, keys)
