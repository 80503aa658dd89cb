"""What a model gets as X: a matrix, a backbone's features after PCA, its activations, or images.

`find_need` decides what a model needs of a dataset, and tells the key of it; `prepare` computes it,
or finds it in the cache; the result is small to send to a worker, which takes the rows of its fold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.planning.protocol import FeatureSettings, Model
from ewmtcnn.base import NetworkEstimator
from features.arrays import FloatArray, IntArray
from features.extract import Extraction, extraction_key
from features.images.sources import ImageSource
from features.networks.backbones import find_backbone
from features.pca import VERSION, reduce
from features.storage.files import content_key
from features.storage.sharded_array import Rows, ShardedArray

#: The backbone of the paper's features.
DEFAULT_BACKBONE = "vgg16"


class Input(Protocol):
    """Something to learn from, of which a task takes its rows."""

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return X of the training rows and X of the test rows."""


@dataclass(frozen=True)
class Matrix:
    """A dataset's own features X (n, q)."""

    X: FloatArray

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return the rows."""
        return self.X[train], self.X[test]


@dataclass(frozen=True)
class Reduced:
    """A backbone's activations (n, q), reduced by PCA anew for every fold."""

    activations: ShardedArray
    components: int
    scope: str
    cache: Path

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return the principal components of the rows; the first task of a fold computes them."""
        return reduce(self.activations, train, test, self.components, self.scope, self.cache)


@dataclass(frozen=True)
class Activations:
    """A backbone's activations (n, q) as they are."""

    activations: ShardedArray

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return the rows."""
        return self.activations[train], self.activations[test]


@dataclass(frozen=True)
class Pixels:
    """Images (n, size, size, 3) on disk, read batch by batch."""

    images: ShardedArray

    def split(self, train: IntArray, test: IntArray) -> tuple[Any, Any]:
        """Return views of the rows that read what is asked of them."""
        return Rows(self.images, train), Rows(self.images, test)


@dataclass(frozen=True)
class Need:
    """What a model needs of a dataset.

    Attributes
    ----------
    kind : {"matrix", "features", "activations", "images"}
        Which of the inputs above.
    key : str
        Identifies what the dataset's fingerprint does not tell; empty for its own features.
    extraction : Extraction, optional
        For all but ``"matrix"``: backbone and weights, which for images are those of the network.
    size : int
        Pixels per side, for images.
    components, scope
        See `benchmark.planning.protocol.FeatureSettings`.
    """

    kind: str
    key: str = ""
    extraction: Extraction | None = None
    size: int = 0
    components: int = 0
    scope: str = "fold"


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
    if dataset.images is None:
        return None if model.is_network else Need("matrix")
    if model.consumes == "features" and dataset.X is not None and not settings.backbone:
        return Need("matrix")
    # What another class calls a backbone is its own affair: it gets what the run's features do.
    ours = issubclass(model.entry.load(), NetworkEstimator)
    params = model.params if ours else vars(settings)
    try:
        if model.consumes == "features":
            return find_features(dataset, settings)
        if model.consumes == "activations":
            extraction = _extraction(params)
            return Need("activations", extraction_key(dataset.images, extraction), extraction)
        return _images_need(dataset.images, params)
    except ValueError as error:
        raise UsageError(f"model {model.name!r}: {error}") from error


def find_features(dataset: Dataset, settings: FeatureSettings) -> Need:
    """Decide which features a model gets of a dataset with images.

    Raises
    ------
    UsageError
        An unknown backbone, or weights that cannot be had.
    """
    assert dataset.images is not None  # noqa: S101 - the caller's duty
    try:
        extraction = _extraction(vars(settings))
        key = extraction_key(dataset.images, extraction)
    except ValueError as error:
        raise UsageError(f"features: {error}") from error
    parts = [key, VERSION, settings.components, settings.scope]
    return Need("features", content_key(parts), extraction, 0, settings.components, settings.scope)


def _extraction(params: Mapping[str, Any]) -> Extraction:
    backbone = find_backbone(params.get("backbone") or DEFAULT_BACKBONE)
    return Extraction(
        backbone=backbone.name,
        weights=params.get("weights") or backbone.weights[0],
        size=params.get("size") or backbone.size,
        precision=params.get("precision", "float32"),
    )


def _images_need(images: ImageSource, params: Mapping[str, Any]) -> Need:
    """Images at the size that the backbone takes."""
    extraction = _extraction(params)
    return Need("images", extraction_key(images, extraction), extraction, extraction.size or 0)


def describe_need(need: Need) -> str:
    """Say in a sentence what features are, for a note under the tables; empty for other needs."""
    if need.kind != "features" or need.extraction is None:
        return ""
    backbone = find_backbone(need.extraction.backbone)
    text = (
        f"features: layer {backbone.layer} of {backbone.name} ({need.extraction.weights} weights, "
        f"{need.extraction.size} x {need.extraction.size} pixels)"
    )
    if not need.components:
        return text
    if need.scope == "dataset":
        return (
            f"{text}; LEAKS: PCA to {need.components} dimensions was fitted on all rows, "
            f"test rows included"
        )
    return (
        f"{text}, PCA to at most {need.components} dimensions fitted on each fold's training rows"
    )


def prepare(
    dataset: Dataset,
    need: Need,
    cache: Path,
    progress: Callable[[int], object] | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Input:
    """Compute what is needed, or find it in the cache.

    Raises
    ------
    ValueError
        Images cannot be decoded; names them all. Weights cannot be had.
    """
    if need.kind == "matrix":
        assert dataset.X is not None  # noqa: S101 - find_need saw it
        return Matrix(dataset.X)
    assert dataset.images is not None  # noqa: S101 - find_need saw them
    if need.kind == "images":
        from features.storage.build_shards import pixels

        return Pixels(pixels(dataset.images, need.size, cache / "images", progress, tell))
    from features.extract import extract

    assert need.extraction is not None  # noqa: S101 - as above
    activations = extract(
        dataset.images, need.extraction, cache / "activations", progress=progress, tell=tell
    )
    if need.kind == "activations" or not need.components:
        return Activations(activations)
    return Reduced(activations, need.components, need.scope, cache / "components")
