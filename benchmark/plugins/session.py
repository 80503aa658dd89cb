"""Identifies the code of a class that no file holds: one of a notebook's cell, or of a function."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from benchmark.plugins.fingerprint import INSTALLED, NOT_LOCAL, module_fingerprint
from benchmark.plugins.parameters import as_json
from features.storage.files import array_key, canonical_json


def session_fingerprint(cls: type) -> str:
    """Hash the text of a class's methods, its values, and all of the session that they use.

    Other functions, classes and values of the session are followed, so that a change in another
    cell is seen; so are the modules beside it. Not seen is what is found by a computed name.

    Returns
    -------
    str
        Empty where a text is not known, as of what is typed at a plain prompt, or a value cannot
        be told apart from others.
    """
    parts: dict[str, str] = {}
    try:
        _visit(cls.__qualname__, cls, parts)
    except Exception:  # inspect and a user's objects may raise anything
        return ""
    if not any(part.startswith(_TEXT) for part in parts.values()):
        return ""
    lines = "".join(f"{name}:{parts[name]}\n" for name in sorted(parts))
    return f"session:{sha256(lines.encode(errors='surrogateescape')).hexdigest()}"


def closure_code(cls: type) -> str:
    """Hash the values around a class of a function that its methods use, which no file tells.

    Returns
    -------
    str
        Empty where there are none.
    """
    values = {
        f"{key}.{name}": _value(cell.cell_contents)
        for key, method in vars(cls).items()
        if isinstance(method, FunctionType)
        for name, cell in zip(method.__code__.co_freevars, method.__closure__ or (), strict=True)
        if name != "__class__"
        and not isinstance(cell.cell_contents, ModuleType | FunctionType | type)
    }
    return f"closure:{sha256(canonical_json(values).encode()).hexdigest()}" if values else ""


def _visit(name: str, value: Any, parts: dict[str, str]) -> None:
    """Note what identifies a value, and all that it uses."""
    if name in parts:
        return
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, ModuleType):
        parts[name] = _of_module(value.__name__)
    elif isinstance(value, BuiltinFunctionType):
        parts[name] = f"{value.__module__}.{value.__qualname__}"
    elif isinstance(value, type | FunctionType) and not _is_of_session(value):
        parts[name] = f"{_of_module(value.__module__)} {value.__qualname__}"
    elif isinstance(value, type):
        parts[name] = "class"
        for base in value.__bases__:
            _visit(f"{name}.<{base.__qualname__}>", base, parts)
        for key, member in vars(value).items():
            if key not in _OF_EVERY_CLASS:
                _visit_member(f"{name}.{key}", member, parts)
    elif isinstance(value, FunctionType):
        parts[name] = f"{_TEXT}{inspect.getsource(value)}"
        for used, found in _used(value):
            _visit(used, found, parts)
        _visit(f"{name}.<defaults>", [value.__defaults__, value.__kwdefaults__], parts)
    else:
        parts[name] = canonical_json(_value(value))


_TEXT = "text: "

_LOOKS_UP = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})

# What Python gives to a class by itself; its text may differ from one session to the next.
_OF_EVERY_CLASS = frozenset({
    "__module__", "__qualname__", "__dict__", "__weakref__", "__firstlineno__", "__annotations__",
    "__static_attributes__", "__abstractmethods__", "_abc_impl", "__parameters__", "__annotate__",
    "__annotate_func__", "__annotations_cache__", "__conditional_annotations__", "__doc__",
})  # fmt: skip


def _value(value: Any) -> Any:
    """Identify data; those of an array by its bytes, of which there may be many."""
    is_numbers = isinstance(value, np.ndarray) and not value.dtype.hasobject
    return {"array": array_key(value)} if is_numbers else as_json(value)


def _visit_member(name: str, member: Any, parts: dict[str, str]) -> None:
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    accessors = (
        [member.fget, member.fset, member.fdel] if isinstance(member, property) else [member]
    )
    for number, one in enumerate(accessors):
        _visit(f"{name}#{number}" if number else name, one, parts)


def _used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """List the names that a function takes from its module or from around it, with their values."""
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name != "__class__":
            yield f"<{function.__qualname__}>.{name}", cell.cell_contents


def _names(code: CodeType) -> set[str]:
    """Return the names that a function, and those within it, look up in the module."""
    own = {str(step.argval) for step in dis.get_instructions(code) if step.opname in _LOOKS_UP}
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return own.union(*map(_names, inner))


def _is_of_session(value: type | FunctionType) -> bool:
    """Tell whether something is defined in no file that can be imported, or within a function."""
    module = sys.modules.get(value.__module__)
    in_file = bool(getattr(module, "__file__", None))
    return not in_file and value.__module__ != "builtins" and not _is_built_in(value.__module__)


def _is_built_in(module: str) -> bool:
    return module.partition(".")[0] in sys.builtin_module_names


def _of_module(name: str) -> str:
    """Identify a module: a local one by its files, others by their names."""
    if name.partition(".")[0] in NOT_LOCAL:
        return name
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    is_installed = not INSTALLED.isdisjoint(Path(file).parts)
    return name if is_installed else f"{name} {module_fingerprint(name)}"
