"""Weights of the backbones: published, bundled and random ones, files, and folders of files.

Whatever they are, their content has a key, and they have a layout, Keras' or torchvision's, with
which goes how pixels are preprocessed (see `features.networks.torchvision`). Where nothing can be
downloaded, published files are found in `weights_folder`, in the folder of PyTorch's own downloads,
or in a folder that is given as weights.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from features.names import did_you_mean
from features.networks import torch_files
from features.networks.backbones import Backbone, find_backbone
from features.networks.published import Published, published_weights
from features.networks.torchvision import places
from features.storage.download import DownloadError, Progress, download
from features.storage.locking import locked


class WeightsError(ValueError):
    """Weights cannot be had, cannot be read, or do not fit."""


#: The weights of `small` that come with the package; its entry ``record`` says how they were made.
BUNDLED = Path(__file__).parent / "weights_data" / "small.npz"

#: Weights of AlexNet that were converted to Keras' layout; found in `weights_folder` they are
#: AlexNet's ``imagenet``.
ALEXNET_FILE = "alexnet_imagenet.npz"

_SUFFIXES = (".npz", ".h5", ".hdf5", *torch_files.SUFFIXES)


def weights_folder() -> Path:
    """Return the folder where Keras keeps downloaded weights.

    ``models`` in the folder that the environment variable ``KERAS_HOME`` names, else in
    ``~/.keras``.
    """
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").absolute() / "models"


def _torch_folder() -> Path:
    """Return the folder where PyTorch keeps downloaded weights; nothing is written there."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = os.environ.get("TORCH_HOME") or Path(cache) / "torch"
    return Path(home).absolute() / "hub" / "checkpoints"


def backbone_with(name: str, weights: str) -> Backbone:
    """Return the facts about a backbone; weights of torchvision want their own preprocessing.

    Raises
    ------
    ValueError
        Unknown backbone.
    WeightsError
        It has no such weights.
    """
    facts = find_backbone(name)
    if is_torchvisions(facts.name, weights):
        return replace(facts, preprocessing="torch")
    return facts


def is_torchvisions(name: str, weights: str) -> bool:
    """Tell whether weights are in torchvision's layout.

    Raises
    ------
    WeightsError
        The backbone has no such weights.
    """
    return _find_source(find_backbone(name).name, weights).is_torchvisions


def weights_key(name: str, weights: str) -> str:
    """Identify the content of weights; nothing is downloaded and Keras is not needed.

    Parameters
    ----------
    name : str
        A backbone's name.
    weights : str
        ``imagenet``, ``torchvision``, ``random``, ``bundled``, the path of a file, or that of a
        folder in which files have the names that they are published with.

    Returns
    -------
    str
        ``random:0`` (those are drawn with seed 0 where they are for features), the key of
        published weights (see `features.networks.published.Published`), or ``sha256:<digits>`` of
        a file's bytes.

    Raises
    ------
    WeightsError
        The backbone has no such weights, or the file cannot be read.
    """
    source = _find_source(find_backbone(name).name, weights)
    if source.published is not None:
        return source.published.key
    if source.path is None:
        return "random:0"
    try:
        return f"sha256:{_digest_of('sha256', source.path)}"
    except OSError as error:
        raise WeightsError(f"the weights {source.path} cannot be read: {error.strerror}") from error


def fetch_weights(
    name: str, weights: str, progress: Progress = lambda _done, _total: None
) -> Path | None:
    """Make sure that weights are on this machine; downloads published ones once.

    Of several processes one downloads, and the others wait for it.

    Parameters
    ----------
    name, weights
        As for `weights_key`.
    progress : callable
        Gets the bytes downloaded and the bytes in all.

    Returns
    -------
    Path or None
        The file; None for random weights, which have none.

    Raises
    ------
    WeightsError
        They cannot be had; says what to do.
    """
    source = _find_source(find_backbone(name).name, weights)
    if source.published is None or source.path is not None:
        return source.path
    found = find_published(source.published)
    return found or download_published(
        find_backbone(name).name, source.published, weights_folder(), progress
    )


def find_published(published: Published) -> Path | None:
    """Look for a published file on this machine; one that is damaged is not there."""
    for folder in (weights_folder(), _torch_folder()):
        if _is_whole(folder / published.file, published):
            return folder / published.file
    return None


def present(published: Published) -> bool:
    """Tell whether a published file lies where it is looked for, whole or not."""
    folders = (weights_folder(), _torch_folder())
    return any((folder / published.file).is_file() for folder in folders)


def download_published(
    name: str,
    published: Published,
    folder: Path,
    progress: Progress = lambda _done, _total: None,
    url: str | None = None,
) -> Path:
    """Download a published file, unless it is there; what broke off goes on.

    Parameters
    ----------
    name : str
        Of the backbone.
    published : Published
        Which file.
    folder : Path
        Where it goes; made if absent.
    progress : callable
        Gets the bytes downloaded and the bytes in all.
    url : str, optional
        Another address than its own, such as of a mirror.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WeightsError
        It cannot be had, or is another file; says what to do.
    """
    path, address = folder / published.file, url or published.url

    def check(part: Path) -> None:
        if not _is_whole(part, published):
            found = _digest_of(published.algorithm, part)
            raise DownloadError(
                f"what {address} gives is another file: its {published.algorithm.upper()} is "
                f"{found[: len(published.digits)]}, not {published.digits}"
            )

    try:
        with locked(folder / f".{published.file}.lock"):
            if _is_whole(path, published):
                return path
            with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody listens
                sys.stderr.write(f"downloading {address}\n")
            download(address, path, progress, check)
            return path
    except (DownloadError, OSError, ValueError) as error:
        raise WeightsError(
            f"the weights {published.file} of {name} cannot be had: {clause(error)}. Put the file "
            f"{published.url} at {path}, or give --weights with the folder or file that has them, "
            f"or --weights random"
        ) from error


@dataclass(frozen=True)
class _Source:
    """Where weights come from: a published file, a file that is here, both, or neither (random)."""

    published: Published | None = None
    path: Path | None = None

    @property
    def is_torchvisions(self) -> bool:
        name = self.published.file if self.published else str(self.path or "")
        return Path(name).suffix.lower() in torch_files.SUFFIXES


def _find_source(name: str, weights: str) -> _Source:
    if weights == "random":
        return _Source()
    if weights == "bundled" and name == "small":
        return _Source(path=BUNDLED)
    converted = weights_folder() / ALEXNET_FILE
    if weights == "imagenet" and name == "alexnet" and converted.is_file():
        return _Source(path=converted)
    named = published_weights(name).get(weights)
    if named:
        return _Source(named[0])
    path = Path(weights)
    if path.is_dir():
        return _look_into(name, path)
    if path.suffix.lower() not in _SUFFIXES:
        known = find_backbone(name).weights
        raise WeightsError(
            f"{name} has no weights {weights!r}{did_you_mean(weights, known)}: give "
            f"{', '.join(known)} or the path of a file ({', '.join(_SUFFIXES)}) or of a folder of "
            f"published files"
        )
    if not path.is_file():
        raise WeightsError(f"there is no file of weights {path}")
    if path.suffix.lower() in torch_files.SUFFIXES and not places(name):
        raise WeightsError(
            f"{name} takes no weights of PyTorch, such as {path}; give Keras' (.h5), or --weights "
            f"imagenet"
        )
    for published in published_weights(name).get("torchvision", ()):
        if path.name == published.file:
            _check_whole(path, published)
    return _Source(path=path)


def _look_into(name: str, folder: Path) -> _Source:
    """Find a published file of a backbone in a folder."""
    files = [file for of in published_weights(name).values() for file in of]
    for published in dict.fromkeys(files):
        path = folder / published.file
        if path.is_file():
            _check_whole(path, published)
            return _Source(published, path)
    if not files:
        raise WeightsError(f"there are no published weights of {name} to look for in {folder}")
    wanted = " or ".join(published.file for published in dict.fromkeys(files))
    raise WeightsError(f"{folder} has no weights of {name}: put {wanted} there ({files[0].url})")


def _check_whole(path: Path, published: Published) -> None:
    if not _is_whole(path, published):
        raise WeightsError(
            f"{path} is damaged or incomplete: its {published.algorithm.upper()} is not that of "
            f"the published file; get {published.url} again"
        )


def _is_whole(path: Path, published: Published) -> bool:
    """Tell whether a file is there, with its checksum where one is known."""
    try:
        if not published.algorithm:
            return path.is_file()
        return _digest_of(published.algorithm, path).startswith(published.digits)
    except OSError:
        return False


def _digest_of(algorithm: str, path: Path) -> str:
    status = path.stat()
    return _digest(algorithm, path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(algorithm: str, path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def clause(error: Exception) -> str:
    """Return an exception's message on one line and without a full stop, to go in a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
