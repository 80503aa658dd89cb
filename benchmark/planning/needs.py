"""What a model needs of a dataset: its own features, a backbone's, its activations, or images.

A need has a key, which tells results on other features apart, and prepares its input itself: it
computes it, or finds it in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmark.planning.inputs import Activations, Input, Matrix, Pixels, Reduced
from benchmark.progress import Console
from features.arrays import FloatArray
from features.extract import Extraction
from features.images.sources import ImageSource
from features.networks.backbones import find_backbone
from features.networks.weights import is_torchvisions


class Need(Protocol):
    """What a model needs of a dataset. Needs with the same key are equal and prepared once."""

    @property
    def key(self) -> str:
        """Identifies what the dataset's fingerprint does not tell; empty for its own features."""

    @property
    def description(self) -> str:
        """A sentence for a note under the tables; may be empty."""

    @property
    def extraction(self) -> Extraction | None:
        """The backbone and its weights, where there is one; for images, the network's own."""

    def work_on(self, dataset: str) -> str:
        """Say what has to be done to images of a dataset: ``reading the images of ...``."""

    def prepare(self, cache: Path, title: str, console: Console) -> Input:
        """Compute what is needed, or find it in the cache.

        Parameters
        ----------
        cache : Path
            Folder that keeps what is computed.
        title : str
            Of the progress line.
        console : Console
            Gets sentences, and shows the progress line.

        Raises
        ------
        ValueError
            Images cannot be decoded; names them all. Weights cannot be had.
        """


@dataclass(frozen=True)
class OwnFeatures:
    """The features that come with the dataset, X (n, q)."""

    X: FloatArray = field(compare=False, repr=False)
    key: str = field(default="", init=False)
    description: str = field(default="", init=False)
    extraction: Extraction | None = field(default=None, init=False)

    def work_on(self, dataset: str) -> str:
        """Nothing: they are there."""
        return ""

    def prepare(self, cache: Path, title: str, console: Console) -> Matrix:
        """Take them as they are."""
        return Matrix(self.X)


@dataclass(frozen=True)
class BackboneActivations:
    """What a backbone's penultimate layer gives for each image."""

    images: ImageSource = field(compare=False, repr=False)
    key: str
    extraction: Extraction

    @property
    def description(self) -> str:
        """Nothing: the model's settings name the backbone."""
        return ""

    def work_on(self, dataset: str) -> str:
        """Name the backbone that looks at the images."""
        return f"extracting {self.extraction.backbone} features of {dataset}"

    def prepare(self, cache: Path, title: str, console: Console) -> Activations:
        """Run the backbone on the images, or find its activations in the cache."""
        from features.extract import extract

        with console.bar(title, len(self.images)) as bar:
            found = extract(
                self.images, self.extraction, cache / "activations",
                progress=bar.update, tell=console.tell,
            )  # fmt: skip
        return Activations(found)


@dataclass(frozen=True)
class BackboneFeatures:
    """A backbone's activations, reduced by PCA.

    Attributes
    ----------
    activations : BackboneActivations
        What is reduced.
    key : str
        As in `Need`.
    components, scope
        See `benchmark.planning.protocol.FeatureSettings`.
    """

    activations: BackboneActivations
    key: str
    components: int
    scope: str

    @property
    def extraction(self) -> Extraction:
        """The backbone and its weights."""
        return self.activations.extraction

    @property
    def description(self) -> str:
        """The layer, the backbone, and what PCA was fitted on."""
        return describe_features(self.extraction, self.components, self.scope)

    def work_on(self, dataset: str) -> str:
        """Name the backbone that looks at the images."""
        return self.activations.work_on(dataset)

    def prepare(self, cache: Path, title: str, console: Console) -> Activations | Reduced:
        """Run the backbone on the images; PCA follows in the tasks, anew for every fold."""
        found = self.activations.prepare(cache, title, console)
        if not self.components:
            return found
        return Reduced(found.activations, self.components, self.scope, cache / "components")


@dataclass(frozen=True)
class NetworkImages:
    """Images as squares of the size that the model's own backbone takes."""

    images: ImageSource = field(compare=False, repr=False)
    key: str
    extraction: Extraction

    @property
    def size(self) -> int:
        """Pixels per side."""
        return self.extraction.size or 0

    @property
    def description(self) -> str:
        """Nothing: the model's settings name the backbone."""
        return ""

    def work_on(self, dataset: str) -> str:
        """Name the dataset whose images are decoded."""
        return f"reading the images of {dataset}"

    def prepare(self, cache: Path, title: str, console: Console) -> Pixels:
        """Decode and resize the images, or find them in the cache."""
        from features.images.pixels import pixels

        with console.bar(title, len(self.images)) as bar:
            found = pixels(self.images, self.size, cache / "images", bar.update, console.tell)
        return Pixels(found)


def describe_features(extraction: Extraction, components: int, scope: str) -> str:
    """Say in a sentence what features are: layer, backbone, and what PCA was fitted on."""
    backbone = find_backbone(extraction.backbone)
    theirs = is_torchvisions(backbone.name, extraction.weights)
    text = (
        f"features: layer {backbone.layer} of {backbone.name} ({extraction.weights} weights, "
        f"{extraction.size} x {extraction.size} pixels"
        f"{', preprocessed as for torchvision' if theirs else ''})"
    )
    if not components:
        return text
    if scope == "dataset":
        return (
            f"{text}; LEAKS: PCA to {components} dimensions was fitted on all rows, "
            f"test rows included"
        )
    return f"{text}, PCA to at most {components} dimensions fitted on each fold's training rows"


#: Dataset name -> model name -> what the model needs of the dataset.
Needs = dict[str, dict[str, Need]]
