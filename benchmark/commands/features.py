"""The command ``features`` as a function of Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack, cast

from benchmark.commands.run import CACHE
from benchmark.datasets.given import Datasets, tell_apart
from benchmark.datasets.loading import Loading, load_datasets
from benchmark.errors import UsageError
from benchmark.files.reading import USUAL
from benchmark.planning.find_needs import DEFAULT_BACKBONE, find_features
from benchmark.planning.inputs import Activations
from benchmark.planning.settings import Overrides, make_settings
from benchmark.planning.without_networks import refuse_extraction
from benchmark.progress import Console, console_for
from benchmark.running.prepare import helper, prepare_inputs
from benchmark.spelling import spelt
from benchmark.streams import open_closed
from features.networks.backbones import find_backbone


class FeatureChanges(TypedDict, total=False):
    """What comes before the protocol's settings of features."""

    backbone: str | None
    weights: str | None
    precision: str | None
    size: int | None


@spelt(FeatureChanges)
def extract_features(
    datasets: Datasets,
    *,
    data_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    skip_unreadable: bool = False,
    progress: bool | None = None,
    show_progress: bool | None = None,
    **settings: Unpack[FeatureChanges],
) -> list[str]:
    """Extract and cache the features that a run with the same settings will take.

    Parameters
    ----------
    datasets : name, path, Dataset, or a sequence of them
        Image datasets.
    data_dir, cache_dir, skip_unreadable, progress, show_progress
        As in `run`.
    **settings
        backbone, weights, precision and size, as in
        `benchmark.planning.protocol.FeatureSettings`.

    Returns
    -------
    list of str
        A sentence per dataset: shape, and where the features lie. Where no progress is shown also
        what is told on the way, such as how long it will take.

    Raises
    ------
    UsageError
        A dataset without images, or a setting that cannot be used.
    BenchmarkError
        The extraction could not go on; what was computed is kept.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.extract_features("Emotion6", backbone="vgg19")  # doctest: +SKIP
    """
    open_closed()
    given, names, _ = tell_apart(datasets, USUAL)
    size, backbone = settings.get("size"), settings.get("backbone") or DEFAULT_BACKBONE
    changes = Overrides(
        backbone=backbone, weights=settings.get("weights"), precision=settings.get("precision")
    )
    wanted = make_settings(None, names, bool(given), changes).features
    wanted = replace(wanted, components=0, size=size or wanted.size)  # activations as they are
    smallest = find_backbone(wanted.backbone).smallest
    if size is not None and size < smallest:
        raise UsageError(f"--size must be at least {smallest} for {wanted.backbone}, not {size}")
    cache = Path(cache_dir) if cache_dir else CACHE
    sentences: list[str] = []
    live = console_for(progress if show_progress is None else show_progress)
    console = Console(live.tell if live.show_progress else sentences.append, live.show_progress)
    with helper() as process:
        loading = Loading(data_dir, cache, skip_unreadable)
        loaded = load_datasets(names, given, loading, console)
        for name, data in loaded.items():
            if data.images is None:
                raise UsageError(f"dataset {name} has no images to extract features from")
            need = find_features(data.images, wanted).activations
            refuse_extraction([(name, need)], cache)
            found = prepare_inputs(process, {name: {need}}, cache, console)[name, need]
            activations = cast(Activations, found).activations
            rows, width = activations.shape
            sentences.append(f"{name}: {rows} x {width} features in {activations.folder}")
    return sentences
