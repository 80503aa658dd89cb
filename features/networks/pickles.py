"""Follows a pickle that puts tensors together, without running it.

A pickle is a program that can call anything. Here its instructions are only parsed, and those that
put tensors in a dictionary by name are followed; what it names beyond that is not looked up but
refused, so that no file can run code.
"""

from __future__ import annotations

import math
import pickletools
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np

#: Names and shapes take some 100 bytes per array; a file that has more is none of a network here.
MOST_BYTES = 2**25

#: What to do with a file that holds more than arrays by name.
CONVERTING = (
    "convert it where it was made: safetensors.torch.save_file(model.state_dict(), "
    "'weights.safetensors')"
)

_TYPES = {"Double": "<f8", "Float": "<f4", "Half": "<f2", "BFloat16": "bfloat16", "Long": "<i8",
          "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?"}  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """Numbers in a row: their type, where they are, and how many."""

    kind: str
    key: str
    length: int

    @property
    def bytes(self) -> int:
        """How many bytes they take."""
        size = 2 if self.kind == "bfloat16" else np.dtype(self.kind).itemsize
        return self.length * size


@dataclass(frozen=True)
class Tensor:
    """Some numbers of a storage."""

    storage: Storage
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _make_tensor(storage: Any, start: Any, shape: Any, strides: Any, *_more: Any) -> Tensor:
    """Check that a tensor lies inside its storage, and names no number twice."""
    numbers = (start, *shape, *strides)
    if (
        not isinstance(storage, Storage)
        or len(shape) != len(strides)
        or not all(type(number) is int and 0 <= number < 2**40 for number in numbers)
    ):
        raise ValueError("a tensor is described wrongly")
    size = math.prod(shape)
    last = start + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    if size and (last >= storage.length or size > storage.length):
        raise ValueError("a tensor reaches outside its array")
    return Tensor(storage, start if size else 0, shape, strides)


class _Mark:
    """Where the members of a list or a tuple begin."""


@dataclass(frozen=True)
class _Name:
    """What a pickle names; it is never looked up."""

    text: str


def _make_dict(*pairs: Any) -> dict[Any, Any]:
    """Make what stands for an ``OrderedDict``, which old pickles give a list of pairs."""
    return _pairs((pair[0], pair[1]) for pair in (pairs[0] if pairs else ()))


def _pairs(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Make a dictionary; a nest of tuples as a key could take forever to be found."""
    return {_kind(key, str | int): value for key, value in pairs}


def _make_parameter(tensor: Any, *_more: Any) -> Any:
    return tensor


#: What may be called, by the name that a pickle has for it.
_CALLS: Mapping[str, Callable[..., Any]] = {
    "collections OrderedDict": _make_dict,
    "torch._utils _rebuild_tensor": _make_tensor,
    "torch._utils _rebuild_tensor_v2": _make_tensor,
    "torch._utils _rebuild_parameter": _make_parameter,
    "torch.nn.parameter Parameter": _make_parameter,
}

_PLAIN = {
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING", "UNICODE", "FLOAT",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUTS = {"BINPUT", "LONG_BINPUT", "PUT"}
_GETS = {"BINGET", "LONG_BINGET", "GET"}


class _Bounded:
    """Reads no more at once than names take, so that a wrong length takes no memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.tell, self._file = file.tell, file

    def read(self, number: int) -> bytes:
        return self._file.read(min(number, MOST_BYTES))

    def readline(self) -> bytes:
        return self._file.readline(MOST_BYTES)


def follow(file: IO[bytes]) -> Any:
    """Follow the instructions of one pickle, up to its end; nothing is imported or called.

    Raises
    ------
    ValueError
        It is none, or does anything else than to put tensors, numbers and texts together.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of texts with odd escapes
            return _follow(file)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("its instructions are damaged") from error


def _follow(file: IO[bytes]) -> Any:
    stack: list[Any] = []
    memory: dict[int, Any] = {}
    argument: Any
    for instruction, argument, _ in pickletools.genops(cast(IO[bytes], _Bounded(file))):
        name = instruction.name
        if name == "STOP":
            return stack.pop()
        if name in _PUTS:
            memory[argument] = stack[-1]
        elif name in _GETS:
            stack.append(memory[argument])
        elif name != "PROTO":
            _do(name, argument, stack)
    raise ValueError("its instructions are cut off")


def _do(name: str, argument: Any, stack: list[Any]) -> None:
    if name in _PLAIN:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _TUPLES:
        number = _TUPLES[name]
        members = [stack.pop() for _ in range(number)]
        stack.append(tuple(reversed(members)))
    elif name == "MARK":
        stack.append(_Mark())
    elif name == "TUPLE":
        stack.append(tuple(_since_mark(stack)))
    elif name == "EMPTY_LIST":
        stack.append([])
    elif name == "EMPTY_DICT":
        stack.append({})
    elif name in ("APPEND", "APPENDS"):
        members = [stack.pop()] if name == "APPEND" else _since_mark(stack)
        _kind(stack[-1], list).extend(members)
    elif name in ("SETITEM", "SETITEMS"):
        members = [stack.pop(-2), stack.pop()] if name == "SETITEM" else _since_mark(stack)
        _kind(stack[-1], dict).update(_pairs(zip(members[::2], members[1::2], strict=True)))
    elif name == "GLOBAL":
        stack.append(_Name(str(argument)))
    elif name == "REDUCE":
        arguments = _kind(stack.pop(), tuple)
        stack.append(_call(_kind(stack.pop(), _Name).text, arguments))
    elif name == "BUILD":  # such as the versions of a network's layers, which say nothing here
        stack.pop()
        _kind(stack[-1], dict | Tensor)
    elif name == "BINPERSID":
        stack.append(_make_storage(*_kind(stack.pop(), tuple)))
    else:
        raise ValueError(f"it does more than to name arrays ({name}); {CONVERTING}")


def _call(name: str, arguments: tuple[Any, ...]) -> Any:
    if name not in _CALLS:
        raise ValueError(
            f"it wants to call {name.replace(' ', '.')!r}, which arrays do not need, and is "
            f"refused; {CONVERTING}"
        )
    return _CALLS[name](*arguments)


def _since_mark(stack: list[Any]) -> list[Any]:
    place = max(i for i, value in enumerate(stack) if isinstance(value, _Mark))
    members = stack[place + 1 :]
    del stack[place:]
    return members


def _kind(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"not {kind}")
    return value


def _make_storage(what: Any, kind: Any, key: Any, _place: Any, length: Any, *view: Any) -> Storage:
    name = _kind(kind, _Name).text.split()[-1].removesuffix("Storage")
    if what != "storage" or any(part is not None for part in view) or type(length) is not int:
        raise ValueError("it describes an array in a way that is not known")
    if name not in _TYPES or length < 0 or not str(key).isalnum():
        raise ValueError(f"it holds numbers of an unknown type ({name})")
    return Storage(_TYPES[name], str(key), length)
