"""Weights of the backbones: ImageNet's, the bundled ones, random ones, and files.

Keras has no ImageNet weights for AlexNet. This makes them from those of torchvision (Krizhevsky
2014's network in both), where torch and torchvision are installed::

    import numpy as np, torchvision
    from features.networks.weights import alexnet_from_torchvision
    state = torchvision.models.alexnet(weights="IMAGENET1K_V1").state_dict()
    arrays = {name: value.numpy() for name, value in state.items()}
    np.savez("alexnet_imagenet.npz", **alexnet_from_torchvision(arrays))

The file is for ``--weights alexnet_imagenet.npz``; in the folder that `weights_folder` returns
(``~/.keras/models``) it is found as AlexNet's ``imagenet``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.networks.backbones import find_backbone
from features.storage.locking import locked


class WeightsError(ValueError):
    """Weights cannot be had, cannot be read, or do not fit."""


class Download(NamedTuple):
    """A file of weights that can be downloaded."""

    url: str
    md5: str


_HOME = "https://storage.googleapis.com/tensorflow/keras-applications/"
_TAIL = "_weights_tf_dim_ordering_tf_kernels"

#: Keras' ImageNet weights and their MD5 sums, from keras.applications.
IMAGENET = {
    "vgg16": Download(f"{_HOME}vgg16/vgg16{_TAIL}.h5", "64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": Download(f"{_HOME}vgg19/vgg19{_TAIL}.h5", "cbe5617147190e668d6c5d5026f83318"),
    "resnet50": Download(
        f"{_HOME}resnet/resnet50{_TAIL}_notop.h5", "4d473c1dd8becc155b73f8504c6f6626"
    ),
    "resnet101": Download(
        f"{_HOME}resnet/resnet101{_TAIL}_notop.h5", "88cf7a10940856eca736dc7b7e228a21"
    ),
}

#: The weights of `small` that come with the package; its entry ``record`` says how they were made.
BUNDLED = Path(__file__).parent / "weights_data" / "small.npz"

#: Name under which converted weights of AlexNet are looked for in `weights_folder`.
ALEXNET_FILE = "alexnet_imagenet.npz"

_SUFFIXES = (".npz", ".h5", ".hdf5")
_SECONDS_OF_SILENCE = 60.0


def weights_folder() -> Path:
    """Return the folder where Keras keeps downloaded weights.

    ``models`` in the folder that the environment variable ``KERAS_HOME`` names, else in
    ``~/.keras``.
    """
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").absolute() / "models"


def weights_key(name: str, weights: str) -> str:
    """Identify the content of weights; nothing is downloaded and Keras is not needed.

    Parameters
    ----------
    name : str
        A backbone's name.
    weights : str
        ``imagenet``, ``random``, ``bundled`` or the path of a file.

    Returns
    -------
    str
        ``random:0`` (those are drawn with seed 0 where they are for features), ``md5:<digits>``
        for Keras' ImageNet weights, or ``sha256:<digits>`` of a file's bytes.

    Raises
    ------
    WeightsError
        The backbone has no such weights, or the file cannot be read.
    """
    facts = find_backbone(name)
    if weights == "random":
        return "random:0"
    if weights == "imagenet" and facts.name in IMAGENET:
        return f"md5:{IMAGENET[facts.name].md5}"
    path = _local_file(facts.name, weights)
    try:
        status = path.stat()
        return f"sha256:{_digest('sha256', path, status.st_size, status.st_mtime_ns)}"
    except OSError as error:
        raise WeightsError(f"the weights {path} cannot be read: {error.strerror}") from error


def fetch_weights(name: str, weights: str) -> Path | None:
    """Make sure that weights are on this machine; downloads Keras' ImageNet weights once.

    Of several processes one downloads, and the others wait for it.

    Parameters
    ----------
    name, weights
        As for `weights_key`.

    Returns
    -------
    Path or None
        The file; None for random weights, which have none.

    Raises
    ------
    WeightsError
        They cannot be had; says what to do.
    """
    facts = find_backbone(name)
    if weights == "random":
        return None
    if weights == "imagenet" and facts.name in IMAGENET:
        return _download(facts.name)
    return _local_file(facts.name, weights)


def alexnet_from_torchvision(state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Rename and turn the arrays of torchvision's AlexNet into those of the backbone here.

    Kernels (out, in, height, width) become (height, width, in, out); the first fully connected
    layer sees places before channels here, and channels before places there.

    Parameters
    ----------
    state : mapping of str to ndarray
        ``features.0.weight`` and so on; the layer of class scores is not needed.

    Returns
    -------
    dict of str to ndarray
        ``conv1/kernel``, ``conv1/bias``, ..., ``fc7/bias``: what an ``.npz`` for `alexnet` holds.
    """
    arrays = {}
    for number, place in enumerate((0, 3, 6, 8, 10), start=1):
        kernel = np.asarray(state[f"features.{place}.weight"])
        arrays[f"conv{number}/kernel"] = kernel.transpose(2, 3, 1, 0)
        arrays[f"conv{number}/bias"] = np.asarray(state[f"features.{place}.bias"])
    for layer, place in (("fc6", 1), ("fc7", 4)):
        kernel = np.asarray(state[f"classifier.{place}.weight"])
        if layer == "fc6":
            kernel = kernel.reshape(len(kernel), 256, 6, 6).transpose(0, 2, 3, 1)
        arrays[f"{layer}/kernel"] = kernel.reshape(len(kernel), -1).T
        arrays[f"{layer}/bias"] = np.asarray(state[f"classifier.{place}.bias"])
    return arrays


@lru_cache(maxsize=16)
def _digest(algorithm: str, path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _is_whole(path: Path, md5: str) -> bool:
    try:
        status = path.stat()
        return _digest("md5", path, status.st_size, status.st_mtime_ns) == md5
    except OSError:
        return False


def _local_file(name: str, weights: str) -> Path:
    if weights == "bundled" and name == "small":
        return BUNDLED
    if weights == "imagenet" and name == "alexnet":
        path = weights_folder() / ALEXNET_FILE
        if path.is_file():
            return path
        raise WeightsError(
            "Keras has no ImageNet weights for alexnet; convert torchvision's as the docstring of "
            f"features/networks/weights.py tells, and put them at {path} or give --weights FILE"
        )
    path = Path(weights)
    if path.suffix.lower() not in _SUFFIXES:
        raise WeightsError(
            f"{name} has no weights {weights!r}: give {', '.join(find_backbone(name).weights)} or "
            f"the path of a file ({', '.join(_SUFFIXES)})"
        )
    if not path.is_file():
        raise WeightsError(f"there is no file of weights {path}")
    return path


def _download(name: str) -> Path:
    from keras.utils import get_file

    url, md5 = IMAGENET[name]
    file = url.rpartition("/")[2]
    folder = weights_folder()
    if _is_whole(folder / file, md5):  # then the folder need not be writable
        return folder / file
    patience = socket.getdefaulttimeout()
    try:
        with locked(folder / f".{file}.lock"), _progress_shown(url):
            socket.setdefaulttimeout(_SECONDS_OF_SILENCE)
            return Path(
                get_file(
                    file, url, file_hash=md5, cache_dir=str(folder.parent), cache_subdir="models"
                )
            )
    except Exception as error:  # Keras raises bare Exceptions
        raise WeightsError(
            f"the ImageNet weights of {name} cannot be had: {clause(error)}. Put the file {url} "
            f"at {folder / file}, or give --weights FILE or --weights random"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)


@contextlib.contextmanager
def _progress_shown(url: str) -> Iterator[None]:
    """Let Keras show its progress on a terminal; a file gets one line in place of its thousands."""
    if sys.stderr is not None and sys.stderr.isatty():
        shown: Any = sys.stderr
    else:
        shown = io.StringIO()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody listens
            sys.stderr.write(f"downloading {url}\n")
    with contextlib.redirect_stdout(shown):
        yield


def clause(error: Exception) -> str:
    """Return an exception's message on one line and without a full stop, to go in a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
