"""What a run can do where the libraries that run networks are not installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.planning.models import Model
from benchmark.planning.needs import BackboneActivations, BackboneFeatures, Need
from benchmark.wording import listed
from features.extract import is_extracted
from features.networks import backend


def keep_runnable(
    models: Sequence[Model],
    datasets: Mapping[str, Dataset],
    every: bool,
    tell: Callable[[str], None],
) -> list[Model]:
    """Leave out the networks of a run on images where no network can run.

    Parameters
    ----------
    models : sequence of Model
        The rows of the tables.
    datasets : mapping
        Name to dataset.
    every : bool
        Whether the models were not named, so that one may be left out.
    tell : callable
        Gets the sentence that says which are left out, and what to install.

    Raises
    ------
    UsageError
        A network was named; says what to install.
    """
    networks = [model.name for model in models if model.is_network]
    on_images = any(data.images is not None for data in datasets.values())
    if not (networks and on_images and backend.missing()):
        return list(models)
    if not every:
        raise UsageError(f"model {networks[0]!r} cannot run here: {backend.missing()}")
    tell(f"{listed(networks)} left out: {backend.missing()}.")
    return [model for model in models if not model.is_network]


def refuse_extraction(wanted: Iterable[tuple[str, Need]], cache: Path) -> None:
    """Refuse to compute features of images where no network can run.

    Features that the cache has, perhaps from another machine, need no network.

    Parameters
    ----------
    wanted : iterable of (str, Need)
        Names of datasets, and what is going to be prepared of them.
    cache : Path
        Folder that keeps features.

    Raises
    ------
    UsageError
        Some are not there; says what to install.
    """
    if not backend.missing():
        return
    for name, need in wanted:
        if isinstance(need, BackboneActivations | BackboneFeatures) and not in_cache(need, cache):
            raise UsageError(
                f"the features of {name} are not in {cache}, and cannot be computed: "
                f"{backend.missing()}"
            )


def in_cache(need: Need, cache: Path) -> bool:
    """Tell whether a need is for features of images that the cache has, so that no network runs."""
    source = need.activations if isinstance(need, BackboneFeatures) else need
    return isinstance(source, BackboneActivations) and is_extracted(
        source.images, source.extraction, cache / "activations"
    )
