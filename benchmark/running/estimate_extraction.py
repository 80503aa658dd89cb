"""Estimates what extracting features will take, from a few measured batches, before it starts."""

from __future__ import annotations

from pathlib import Path

from benchmark.planning.needs import BackboneActivations, BackboneFeatures, Need
from benchmark.wording import duration
from features.extract import Pace, measure_pace, missing_images
from features.networks import backend
from features.networks.backbones import find_backbone

# Extractions of fewer images, and of fewer floating-point operations, take a minute or two on a
# CPU core, and are not worth measuring.
_FEW_IMAGES, _FEW_OPERATIONS = 5_000, 5e13

# Of shorter ones it is not told how long they take.
_SHORT_SECONDS = 120.0


def is_long_extraction(need: Need, cache: Path) -> bool:
    """Tell whether preparing a need is an extraction that is worth measuring first."""
    activations = _activations_of(need)
    if activations is None:
        return False
    extraction = activations.extraction
    backbone = find_backbone(extraction.backbone)
    scale = ((extraction.size or backbone.size) / backbone.size) ** 2
    missing = missing_images(activations.images, extraction, cache / "activations")
    work = 1e9 * backbone.gflops * scale * missing
    return missing > _FEW_IMAGES or work > _FEW_OPERATIONS


def describe_extraction(need: Need, cache: Path, title: str) -> list[str]:
    """Measure an extraction and say how long it will take, if that is long.

    Runs where the extraction will run, and leaves the network ready for it.

    Parameters
    ----------
    need : Need
        What is extracted.
    cache : Path
        Folder that keeps what is computed.
    title : str
        What is done, such as ``extracting vgg16 features of Emotion6``.

    Returns
    -------
    list of str
        Sentences.
    """
    told: list[str] = []
    activations = _activations_of(need)
    if activations is None:
        return []
    backend.start()
    pace = measure_pace(
        activations.images, activations.extraction, cache / "activations", tell=told.append
    )
    if pace is not None and pace.seconds > _SHORT_SECONDS:
        told.append(_sentence(pace, title, backend.device_name()))
    return told


def _sentence(pace: Pace, title: str, device: str) -> str:
    if pace.decoding > pace.network:
        faster = "most of it for decoding images, which more processor cores speed up"
    elif device == "CPU":
        faster = "a GPU or a smaller --backbone is faster"
    else:
        faster = "a smaller --backbone is faster"
    speed = pace.images / pace.seconds
    return (
        f"{title[:1].upper()}{title[1:]} will take about {duration(pace.seconds)}: {pace.images:,} "
        f"images, {speed:,.{0 if speed >= 10 else 1}f} a second on {device}; {faster}. What is "
        f"finished is kept if it is interrupted."
    )


def _activations_of(need: Need) -> BackboneActivations | None:
    found = need.activations if isinstance(need, BackboneFeatures) else need
    return found if isinstance(found, BackboneActivations) else None
