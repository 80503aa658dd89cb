"""What the command ``backbones`` shows, and the download of their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError, UsageError
from benchmark.tables.backbones import HEADERS, NOTES, backbone_rows
from benchmark.tables.layout import filled, listing
from features.networks.backbones import BACKBONES, find_backbone
from features.networks.published import published_weights
from features.networks.weights import WeightsError, download_published, present, weights_folder
from features.storage.download import Progress


def show_backbones(width: int | None = None) -> str:
    """List the backbones, and which of their weights are on this machine.

    Parameters
    ----------
    width : int, optional
        Characters in a line.
    """
    rows = [
        [*row, ", ".join(_here(name))]
        for name, row in zip(BACKBONES, backbone_rows(), strict=True)
    ]  # fmt: skip
    return f"{listing([*HEADERS, 'Here'], rows, width)}\n\n{filled(NOTES, width)}"


def facts_of_backbones() -> list[dict[str, Any]]:
    """Return what there is to know of every backbone, for programs."""
    return [
        {
            "name": name,
            "title": backbone.title,
            "layer": backbone.layer,
            "values": backbone.width,
            "pixels": backbone.size,
            "smallest": backbone.smallest,
            "preprocessing": backbone.preprocessing,
            "gflop": backbone.gflops,
            "weights": list(backbone.weights),
            "here": _here(name),
            "files": {
                kind: [file.url for file in files]
                for kind, files in published_weights(name).items()
            },
        }
        for name, backbone in BACKBONES.items()
    ]


def _here(name: str) -> list[str]:
    return [kind for kind, files in published_weights(name).items() if present(files[0])]


def fetch(
    name: str,
    weights: str | None = None,
    to: str | Path | None = None,
    url: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> tuple[Path, str]:
    """Download published weights of a backbone; what is there already is not fetched again.

    Parameters
    ----------
    name : str
        Of the backbone; case does not matter.
    weights : str, optional
        ``imagenet`` or ``torchvision``, by default the first that it has.
    to : str or Path, optional
        Folder, by default Keras' own.
    url : str, optional
        Address of the file, such as of a mirror, or of a folder that has it.
    progress : callable
        Gets the bytes downloaded and the bytes in all.

    Returns
    -------
    tuple
        The file, and the ``--weights`` with which it is used.

    Raises
    ------
    UsageError
        Unknown backbone, or one without such weights.
    BenchmarkError
        It cannot be had, or is not what it should be.
    """
    try:
        backbone = find_backbone(name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    published = published_weights(backbone.name)
    if not published:
        raise UsageError(f"there are no weights of {backbone.name} to fetch: they come along")
    kind = weights or next(iter(published))
    if kind not in published:
        raise UsageError(
            f"{backbone.name} has no published weights {kind!r}, but {', '.join(published)}"
        )
    file = published[kind][0]
    address = url if url is None or url.endswith(file.file) else f"{url.rstrip('/')}/{file.file}"
    folder = weights_folder() if to is None else Path(to).expanduser()
    try:
        path = download_published(backbone.name, file, folder, progress, address)
    except WeightsError as error:
        raise BenchmarkError(str(error)) from error
    return path, kind if to is None else str(folder)
