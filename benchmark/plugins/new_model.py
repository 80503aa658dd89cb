"""Writes the file of a new model: a working plugin, to be changed."""

from __future__ import annotations

import builtins
import importlib.resources
import importlib.util
import json
import keyword
import re
import sys
from pathlib import Path
from string import Template

from benchmark.errors import UsageError
from benchmark.plugins.model_names import check_name
from benchmark.plugins.registry import models
from benchmark.spelling import spelt
from features.storage.files import write_atomic


@spelt()
def new_model(name: str, folder: Path = Path()) -> Path:
    """Write a working plugin to start from.

    Parameters
    ----------
    name : str
        Name of the model in tables.
    folder : Path
        Where the file goes; its name is derived from the model's.

    Returns
    -------
    Path
        The written file; ``model_`` goes before its name where a module has that name already.

    Raises
    ------
    UsageError
        The name cannot stand in a table, gives no file name or is taken, the file exists, or the
        folder cannot be written.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.new_model("My idea").name
    'my_idea.py'
    """
    check_name(name)
    words = re.findall(r"[A-Za-z0-9]+", name)
    if not words:
        raise UsageError(f"{name!r} has no ASCII letter or digit, of which to make a file name")
    if name.lower() in {known.lower() for known in models()}:
        raise UsageError(f"the name {name!r} is taken; choose another")
    stem = "_".join(words).lower()
    path = folder / f"{stem}.py"
    if not path.exists() and _is_module(stem):
        path = folder / f"model_{stem}.py"
    if path.exists():
        raise UsageError(f"{path} exists; choose another name or folder")
    template = importlib.resources.files("benchmark.plugins").joinpath("model.py.txt")
    text = Template(template.read_text(encoding="utf-8")).substitute(
        name=json.dumps(name, ensure_ascii=False), class_name=_class_name(words)
    )
    try:
        write_atomic(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path


def _class_name(words: list[str]) -> str:
    name = "".join(word[0].upper() + word[1:] for word in words)
    hidden = keyword.iskeyword(name) or hasattr(builtins, name) or name == "LDLEstimator"
    return f"Model{name}" if hidden or name[0].isdigit() else name


def _is_module(name: str) -> bool:
    """Tell whether Python has a module of that name, which the new file would hide."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # imported, but its origin is not known
        return True
    # A folder without __init__.py counts as a package too, but is not hidden by a file.
    return name in sys.stdlib_module_names or (spec is not None and spec.origin is not None)
