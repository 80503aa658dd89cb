"""The models by name: built in, from installed packages, from plugin files, from a session.

A name maps to a target that is loaded only when needed, so that listing models imports nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from benchmark.errors import UsageError, did_you_mean

#: Installed packages offer models under this entry point group: name = "package.module:Class".
ENTRY_POINT_GROUP = "ldl_benchmark.models"

#: Names of table rows that no model can take.
TRIVIAL_NAMES = ("mean distribution", "uniform", "oracle")

Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class Entry:
    """A model that can be run.

    Attributes
    ----------
    name : str
        Name in tables and on the command line.
    target : str or type
        ``"module:Class"``, or the class.
    file : str
        Path of the plugin file that defines the class, else empty.
    source : str
        Identifies the code where this project's version does not: hash of a plugin file or of a
        class in a session, name and version of an installed package. Empty for built-in models.
    """

    name: str
    target: str | type
    file: str = ""
    source: str = ""

    def load(self) -> type:
        """Import and return the class.

        Raises
        ------
        UsageError
            It cannot be imported.
        """
        if isinstance(self.target, type):
            return self.target
        if self.file:
            return self._load_from_file()
        module, _, attribute = self.target.partition(":")
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"model {self.name!r} cannot be loaded from {self.target}: {error}"
            ) from error
        if not isinstance(loaded, type):
            raise UsageError(f"model {self.name!r}: {self.target} is not a class")
        return loaded

    def portable(self) -> Entry:
        """Return the entry in a form that another process can load: a plugin by its file."""
        return replace(self, target="") if self.file else self

    def _load_from_file(self) -> type:
        load_plugin(self.file)
        entry = _registered.get(self.name)
        if entry is None or entry.source != self.source or not isinstance(entry.target, type):
            raise UsageError(f"plugin {self.file} changed while the run was going on; run it again")
        return entry.target


_BUILT_IN = {
    "PT-Bayes": "baselines:PTBayes",
    "PT-SVM": "baselines:PTSVM",
    "AA-kNN": "baselines:AAKNN",
    "AA-BP": "baselines:AABP",
    "SA-IIS": "baselines:SAIIS",
    "SA-BFGS": "baselines:SABFGS",
    "SA-CPNN": "baselines:SACPNN",
}

_registered: dict[str, Entry] = {}


@dataclass
class _Loading:
    """The plugin file being loaded, for the register() calls in it."""

    file: str
    source: str
    problems: list[str] | None  # collects refused names instead of raising


_loading: list[_Loading] = []


def register(name: str) -> Callable[[Class], Class]:
    """Register a class as a model, as a decorator.

    Parameters
    ----------
    name : str
        Name in tables and on the command line; upper and lower case count as the same.

    Raises
    ------
    UsageError
        The name is empty, or another model has it.
    """

    def add(cls: Class) -> Class:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UsageError(f"@register needs a printable name, not {name!r}")
        loading = _loading[-1] if _loading else _Loading("", _session_source(cls), None)
        entry_name = name
        try:
            _check_free(name, cls, loading.file)
        except UsageError as error:
            if loading.problems is None:
                raise
            loading.problems.append(str(error))
            entry_name = f"{name} ({Path(loading.file).name})"
        _registered[entry_name] = Entry(entry_name, cls, loading.file, loading.source)
        return cls

    return add


def models() -> dict[str, Entry]:
    """Every known model by name: built in, then installed packages, then registered ones."""
    known = {name: Entry(name, target) for name, target in _BUILT_IN.items()}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        version = f"{point.dist.name}=={point.dist.version}" if point.dist else point.value
        if not _find(point.name, known):
            known[point.name] = Entry(point.name, point.value, source=version)
    return {**known, **_registered}


def find_model(name: str) -> Entry:
    """Look a model up, upper and lower case being the same.

    Raises
    ------
    UsageError
        There is none; suggests the nearest name.
    """
    known = models()
    found = _find(name, known)
    if found is None:
        raise UsageError(
            f"no model named {name!r}{did_you_mean(name, known)} (known: {', '.join(known)})"
        )
    return found


def load_plugin(path: str | Path, problems: list[str] | None = None) -> list[str]:
    """Run a plugin file and return the names of the models it registers.

    Loading the same content again changes nothing and returns the same names.

    Parameters
    ----------
    path : str or Path
        The file.
    problems : list of str, optional
        Collects the sentences about names that are taken, instead of an error; the model then
        gets another name.

    Raises
    ------
    UsageError
        The file is missing, cannot be run, registers nothing, or takes another model's name.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise UsageError(f"no such plugin file: {path}")
    source = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    names = [entry.name for entry in _registered.values() if entry.file == str(file)]
    if names and all(_registered[name].source == source for name in names):
        return names
    for name in names:
        del _registered[name]
    module_name = f"_ldl_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file; a plugin's name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    _loading.append(_Loading(str(file), source, problems))
    try:
        spec.loader.exec_module(module)
    except UsageError as error:
        raise UsageError(f"plugin {path}: {error}") from error
    except Exception as error:  # whatever a user's file may raise
        raise UsageError(f"plugin {path} cannot be loaded: {_where(error, file)}") from error
    finally:
        _loading.pop()
    names = [entry.name for entry in _registered.values() if entry.file == str(file)]
    if not names:
        raise UsageError(f'plugin {path} registers no model; decorate a class with @register("..")')
    return names


def _check_free(name: str, cls: type, file: str) -> None:
    if name.lower() in TRIVIAL_NAMES:
        raise UsageError(f"the name {name!r} is reserved for a row of every table; choose another")
    taken = _find(name, models())
    if taken is None:
        return
    # A notebook runs the same cell again: the new class replaces the old one.
    same_class = (
        isinstance(taken.target, type)
        and not file
        and (taken.target.__module__, taken.target.__qualname__)
        == (cls.__module__, cls.__qualname__)
    )
    if not same_class:
        owner = taken.file or taken.target
        raise UsageError(f"the name {name!r} is taken by {owner}; choose another")


def _find(name: str, known: dict[str, Entry]) -> Entry | None:
    return next((entry for key, entry in known.items() if key.lower() == name.lower()), None)


def _session_source(cls: type) -> str:
    """Hash the source of a class defined in a session; unknown source never equals itself."""
    try:
        text = inspect.getsource(cls)
    except (OSError, TypeError):
        return f"unknown:{uuid.uuid4()}"
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _where(error: Exception, file: Path) -> str:
    """Say where in a plugin file an error arose: ``line 3: NameError: ...``."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if Path(frame.filename) == file]  # fmt: skip
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {message}"


def default_params(cls: type) -> dict[str, Any]:
    """Return the hyper-parameters of a model class and their defaults.

    Raises
    ------
    UsageError
        The class cannot be made without arguments or has no ``get_params``.
    """
    try:
        params: dict[str, Any] = cls().get_params(deep=False)
    except Exception as error:  # whatever a user's constructor may raise
        raise UsageError(
            f"{cls.__name__} cannot be made with its defaults "
            f"({type(error).__name__}: {error}); give every parameter a default and derive from "
            f"baselines.LDLEstimator"
        ) from error
    return params
