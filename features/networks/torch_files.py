"""Reads arrays from files of PyTorch and of safetensors, and nothing else: it runs no pickle.

What ``torch.save`` writes names its arrays in a pickle, a program that can call anything. Here its
instructions are only parsed, and those that put tensors in a dictionary by name are followed; what
a file names beyond that is not looked up but refused, so that no file can run code. PyTorch is not
needed. There are two layouts, both with ``.pth``: since PyTorch 1.6 a zip archive, and before
one pickle after the other, as of torchvision's VGG.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from features.networks.pickles import CONVERTING, MOST_BYTES, Storage, Tensor, follow

#: What follows is read as a file of tensors.
SUFFIXES = (".pth", ".pt", ".safetensors")

# The first of the pickles in a file from before PyTorch 1.6, and the second.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


_Find = Callable[[str], NDArray[Any]]


@dataclass(frozen=True)
class Arrays:
    """The arrays of a file.

    Attributes
    ----------
    shapes : dict of str to tuple
        Of each by name.
    read : callable
        Reads one by name.
    """

    shapes: dict[str, tuple[int, ...]]
    read: _Find


def open_arrays(path: Path, stack: contextlib.ExitStack) -> Arrays:
    """Open a file of tensors by its layout.

    Parameters
    ----------
    path : Path
        ``.safetensors``, or what ``torch.save(model.state_dict())`` has written.
    stack : ExitStack
        Closes the file.

    Raises
    ------
    ValueError
        It is no such file, or damaged, or holds anything beside arrays by name.
    OSError
        It cannot be read.
    """
    file = stack.enter_context(path.open("rb"))
    if path.suffix.lower() == ".safetensors":
        return _open_safetensors(file)
    if zipfile.is_zipfile(file):
        return _open_archive(stack.enter_context(zipfile.ZipFile(file)))
    file.seek(257)
    if file.read(5) == b"ustar":
        raise ValueError(
            "it is an archive of before PyTorch 0.1.10, which is not read; have PyTorch write it "
            "anew: torch.save(torch.load(old, weights_only=False), new), which runs what is in it"
        )
    file.seek(0)
    return _open_pickles(file)


# --- safetensors ---------------------------------------------------------------------------------

_SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8",
               "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?"}  # fmt: skip


def _open_safetensors(file: IO[bytes]) -> Arrays:
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(MOST_BYTES, end - 8):
        raise ValueError("it is no safetensors file, or was cut off")
    header = json.loads(file.read(length))
    start = 8 + length
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = (int(place) for place in entry["data_offsets"])
        shape = tuple(int(side) for side in entry["shape"])
        kind = _SAFE_TYPES.get(entry["dtype"])
        if kind is None:
            raise ValueError(f"its {name} has the type {entry['dtype']}, which is not read")
        tensor = Tensor(Storage(kind, "", math.prod(shape)), 0, shape, _strides(shape))
        if not 0 <= first <= last <= end - start or last - first != tensor.storage.bytes:
            raise ValueError(f"its {name} lies outside the file, or the file was cut off")
        found[name] = (tensor, start + first)

    def read(name: str) -> NDArray[Any]:
        tensor, place = found[name]
        file.seek(place)
        return _array(tensor, file.read(tensor.storage.bytes))

    return Arrays({name: tensor.shape for name, (tensor, _) in found.items()}, read)


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


# --- PyTorch -------------------------------------------------------------------------------------


def _open_archive(archive: zipfile.ZipFile) -> Arrays:
    names = archive.namelist()
    pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1 or len(set(names)) != len(names):
        raise ValueError("it is an archive, but not of PyTorch")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in names:
        raise ValueError(f"it is a program of TorchScript, not arrays by name; {CONVERTING}")
    order = f"{root}byteorder"
    if order in names and _member(archive, order, 16) != b"little":
        raise ValueError("it was written by a machine with another order of bytes")
    tensors = _by_name(follow(io.BytesIO(_member(archive, pickles[0], MOST_BYTES))))

    def read(name: str) -> NDArray[Any]:
        tensor = tensors[name]
        storage = tensor.storage
        return _array(tensor, _member(archive, f"{root}data/{storage.key}", storage.bytes))

    return Arrays({name: tensor.shape for name, tensor in tensors.items()}, read)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read a member, whose checksum is verified; a packed one could be larger than memory."""
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > most:
        raise ValueError(f"its member {name} is larger than it should be")
    return archive.read(member)


def _open_pickles(file: IO[bytes]) -> Arrays:
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        head = [follow(file) for _ in range(3)]
    except ValueError as error:
        raise ValueError(f"it is no file of PyTorch ({error})") from error
    if head[:2] != [_MAGIC, _PROTOCOL] or not isinstance(head[2], dict):
        raise ValueError("it is no file of PyTorch")
    if head[2].get("little_endian", True) is not True:
        raise ValueError("it was written by a machine with another order of bytes")
    tensors = _by_name(follow(file))
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    places = {}
    for key in follow(file):  # the arrays follow in this order, each after its length
        storage = storages.get(key)
        if storage is None or key in places:
            raise ValueError("its list of arrays does not fit their names")
        if int.from_bytes(file.read(8), "little") != storage.length:
            raise ValueError("an array has another length than it should have")
        places[key] = file.tell()
        if file.seek(storage.bytes, io.SEEK_CUR) > end:
            raise ValueError("it was cut off")
    if places.keys() != storages.keys():
        raise ValueError("it lacks arrays that it names")

    def read(name: str) -> NDArray[Any]:
        tensor = tensors[name]
        file.seek(places[tensor.storage.key])
        return _array(tensor, file.read(tensor.storage.bytes))

    return Arrays({name: tensor.shape for name, tensor in tensors.items()}, read)


def _array(tensor: Tensor, data: bytes) -> NDArray[Any]:
    if len(data) != tensor.storage.bytes:
        raise ValueError("it was cut off")
    if tensor.storage.kind == "bfloat16":  # the upper half of a float32
        values = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(data, tensor.storage.kind)
    steps = [step * values.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.start :], tensor.shape, steps).copy()


def _by_name(content: Any) -> dict[str, Tensor]:
    """Return the tensors of a dictionary, or of what a checkpoint of a training calls the model."""
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise ValueError(f"it holds no arrays by name; {CONVERTING}")
    found = {
        name.removeprefix("module."): value  # put there by DataParallel
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    if not found:
        raise ValueError(f"it holds no arrays by name; {CONVERTING}")
    return found
