"""Decides what each model gets of each dataset, and which models get nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.planning.models import Model, with_facts
from benchmark.planning.needs import (
    BackboneActivations,
    BackboneFeatures,
    Need,
    Needs,
    NetworkImages,
    OwnFeatures,
)
from benchmark.planning.protocol import FeatureSettings
from benchmark.wording import listed
from ewmtcnn.base import NetworkEstimator
from features.extract import Extraction, extraction_key
from features.images.sources import ImageSource
from features.networks.backbones import find_backbone
from features.pca import VERSION
from features.storage.files import content_key

#: The backbone of the paper's features.
DEFAULT_BACKBONE = "vgg16"


def find_need(dataset: Dataset, model: Model, settings: FeatureSettings) -> Need | None:
    """Decide what a model gets of a dataset.

    Parameters
    ----------
    dataset : Dataset
        With features, images, or both.
    model : Model
        With its settings.
    settings : FeatureSettings
        Where features come from.

    Returns
    -------
    Need or None
        None if the dataset has no images and the model is a network.

    Raises
    ------
    UsageError
        An unknown backbone, or weights that cannot be had.
    """
    own = dataset.X is not None and not (dataset.images is not None and settings.backbone)
    if model.consumes == "features" and own and dataset.X is not None:
        return OwnFeatures(dataset.X)
    if dataset.images is None:
        return None
    # What another class calls a backbone is its own affair: it gets what the run's features do.
    ours = issubclass(model.entry.load(), NetworkEstimator)
    params = model.params if ours else vars(settings)
    try:
        if model.consumes == "features":
            return find_features(dataset.images, settings)
        activations = find_activations(dataset.images, params)
    except ValueError as error:
        raise UsageError(f"model {model.name!r}: {error}") from error
    if model.consumes == "activations":
        return activations
    return NetworkImages(dataset.images, activations.key, activations.extraction)


def find_features(images: ImageSource, settings: FeatureSettings) -> BackboneFeatures:
    """Decide which features a model gets of a dataset with images.

    Raises
    ------
    UsageError
        An unknown backbone, or weights that cannot be had.
    """
    try:
        activations = find_activations(images, vars(settings))
    except ValueError as error:
        raise UsageError(f"features: {error}") from error
    key = content_key([activations.key, VERSION, settings.components, settings.scope])
    return BackboneFeatures(activations, key, settings.components, settings.scope)


def find_activations(images: ImageSource, params: Mapping[str, Any]) -> BackboneActivations:
    """Fill in the backbone's usual weights and size where settings leave them open.

    Raises
    ------
    ValueError
        An unknown backbone, or weights that cannot be had.
    """
    backbone = find_backbone(params.get("backbone") or DEFAULT_BACKBONE)
    extraction = Extraction(
        backbone=backbone.name,
        weights=params.get("weights") or backbone.weights[0],
        size=params.get("size") or backbone.size,
        precision=params.get("precision", "float32"),
    )
    return BackboneActivations(images, extraction_key(images, extraction), extraction)


def find_needs(
    datasets: Mapping[str, Dataset],
    models: Sequence[Model],
    settings: FeatureSettings,
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
    settings : FeatureSettings
        Where features come from.
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
            need = find_need(data, model, settings)
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
        network(**with_facts(model.params, data.facts)).check_settings()
    except ValueError as error:
        raise UsageError(f"model {model.name!r} on {data.name}: {error}") from error
