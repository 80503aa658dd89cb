"""All models by name: built in, from installed packages, from plugin files, from a session.

A name maps to a target that is loaded only when needed, so that listing models imports nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from benchmark.errors import UsageError
from benchmark.installation import entry_points
from benchmark.plugins import peer_methods
from benchmark.plugins.built_in import BEYOND_PAPER, CLASSIFIERS, PAPER
from benchmark.plugins.configured import class_code, class_of, code_of, with_adapter
from benchmark.plugins.fingerprint import (
    code_fingerprint,
    hidden_siblings,
    local_files,
    module_fingerprint,
)  # fmt: skip
from benchmark.plugins.loading import LOADING, Loading, where
from benchmark.plugins.measures import forget_measures, measures_of
from benchmark.plugins.model_names import check_name
from benchmark.plugins.undisturbed import undisturbed
from benchmark.spelling import spelt
from features.names import did_you_mean, name_key

#: Installed packages offer models under this entry point group: name = "package.module:Class".
ENTRY_POINT_GROUP = "ldl_benchmark.models"

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
        Identifies the code where this project's version does not: `code_fingerprint` of a plugin
        file or of a session's script, name and version of an installed package. Empty for built-in
        models.
    code : str
        `code_fingerprint` of an installed package's modules, which a version does not tell when the
        package is installed in place; set by `identified`.
    usual : bool
        Whether ``run --all`` runs it, without ``--extended``.
    """

    name: str
    target: str | type
    file: str = ""
    source: str = ""
    code: str = ""
    usual: bool = True

    def load(self) -> type:
        """Import and return the class.

        Raises
        ------
        UsageError
            It cannot be imported, or an installed package has changed since `identified`.
        """
        if isinstance(self.target, type):
            return self.target
        if self.file:
            return self._load_from_file()
        module, _, attribute = self.target.partition(":")
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except (Exception, SystemExit) as error:  # a broken package may raise anything
            raise UsageError(
                f"model {self.name!r} cannot be loaded from {self.target}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(loaded, type):
            raise UsageError(f"model {self.name!r}: {self.target} is not a class")
        if self.code and self.code != _package_code(module, loaded.__module__):
            raise UsageError(f"the package of model {self.name!r} has changed; start Python anew")
        return loaded

    def identified(self) -> Entry:
        """Return the entry with everything that identifies its code; imports an installed model."""
        peer = peer_methods.method_of(self.name)  # which the library's version identifies
        if peer or self.file or not self.source or isinstance(self.target, type):
            return self
        module = self.target.partition(":")[0]
        return replace(self, code=_package_code(module, self.load().__module__))

    def portable(self) -> Entry:
        """Return the entry in a form that another process can load: a plugin by its file."""
        return replace(self, target="") if self.file else self

    def __reduce__(self) -> tuple[Callable[..., Entry], tuple[Any, ...]]:
        return _arrive, (self.name, self.target, self.file, self.source, self.code)

    def _load_from_file(self) -> type:
        load_plugin(self.file)
        entry = _registered.get(self.name)
        if entry is None or entry.source != self.source or not isinstance(entry.target, type):
            raise UsageError(f"plugin {self.file} changed while the run was going on; run it again")
        return entry.target


def _arrive(*fields: Any) -> Entry:
    """Make an entry that another process has sent, and load its plugin.

    The plugin is loaded at once, since hyper-parameters that are sent with the entry may be
    functions or objects of it.
    """
    entry = Entry(*fields)
    known = _registered.get(entry.name)
    if entry.file and not (known and known.source == entry.source):
        with suppress(UsageError):  # the run tells it when it loads the model
            load_plugin(entry.file)
    return entry


_registered: dict[str, Entry] = {}


def register(name: str, learner: Any = None) -> Callable[[Class], Class]:
    """Register a class as a model, as a decorator or at once; or a learner with its settings.

    Parameters
    ----------
    name : str
        Name in tables and on the command line; names that people can hardly tell apart count as
        the same, see `features.names.name_key`.
    learner : LDLEstimator or type, optional
        Such as `baselines.from_regressor` returns: its settings are the model's defaults. Or the
        class. Around a plain regressor of an installed library, such as scikit-learn's
        ``RandomForestRegressor``, `baselines.from_regressor` is put by itself.

    Raises
    ------
    UsageError
        The name is empty, too long or reserved, or another model has it.

    Examples
    --------
    >>> from baselines import AAKNN, LDLEstimator
    >>> from benchmark import register
    >>> @register("Smooth")
    ... class Smooth(LDLEstimator):
    ...     def _fit(self, X, D):
    ...         self.mean_ = D.mean(axis=0)
    ...
    ...     def _predict(self, X):
    ...         return self.mean_ + 0 * X[:, :1]
    >>> _ = register("Near", AAKNN(k=2))
    """

    def add(cls: Class) -> Class:
        _enter(name, with_adapter(cls))
        return cls

    if learner is not None:
        _enter(name, with_adapter(learner))
    return add


def _enter(name: str, learner: Any) -> None:
    """Put a class, or a learner with its settings, among the models."""
    configured = not isinstance(learner, type)
    cls = class_of(learner, name) if configured else learner
    code = code_of(learner) if configured else class_code(cls)
    source = "" if LOADING else code or f"unknown:{uuid.uuid4()}"
    loading = LOADING[-1] if LOADING else Loading("", source, None)
    entry_name = name
    try:
        check_name(name)
        taken = find_among(name, models())
        if taken and not configured and offers(taken, cls):
            return
        if taken and (loading.file or not is_same_class(taken, cls)):
            owner = taken.file or taken.target
            raise UsageError(f"the name {name!r} is taken by {owner}; choose another")
    except UsageError as error:
        if loading.problems is None:
            raise
        loading.problems.append(str(error))
        entry_name = f"{name} ({Path(loading.file).name})"
    _registered[entry_name] = Entry(entry_name, cls, loading.file, loading.source)


def add_entry(entry: Entry) -> None:
    """Register a model that is found by its target.

    Raises
    ------
    UsageError
        Another model has the name.
    """
    check_name(entry.name)
    taken = find_among(entry.name, models())
    if taken and taken.target != entry.target:
        owner = taken.file or taken.target
        raise UsageError(f"the name {entry.name!r} is taken by {owner}")
    _registered[entry.name] = entry


def models() -> dict[str, Entry]:
    """Return every known model by name: built in, the peer library's, of packages, registered."""
    known = {name: Entry(name, target) for name, target in PAPER.items()}
    unusual = {**CLASSIFIERS, **BEYOND_PAPER}
    known |= {name: Entry(name, target, usual=False) for name, target in unusual.items()}
    for name, target in peer_methods.targets().items():
        known[name] = Entry(name, target, source=peer_methods.source(), usual=False)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        version = f"{point.dist.name}=={point.dist.version}" if point.dist else point.value
        if not find_among(point.name, known):
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
    found = find_among(name, known)
    if found is None:
        peer_methods.refuse_unknown(name)
        ours = ", ".join(name for name in known if not peer_methods.method_of(name))
        raise UsageError(
            f"no model named {name!r}{did_you_mean(name, known)} (known: {ours}; and those of "
            f"python-ldl, see models --all)"
        )
    return found


@contextmanager
def forgotten_afterwards() -> Iterator[None]:
    """Forget in the end what is registered meanwhile."""
    before = dict(_registered)
    try:
        yield
    finally:
        _registered.clear()
        _registered.update(before)


def plugin_sources() -> frozenset[str]:
    """Return what identifies the code of all plugin files that are loaded."""
    return frozenset(entry.source for entry in _registered.values() if entry.file)


@spelt()
def load_plugin(path: str | Path, problems: list[str] | None = None) -> list[str]:
    """Run a plugin file and return the names of the models it registers; it may have measures too.

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

    Examples
    --------
    >>> import benchmark
    >>> benchmark.load_plugin("mean.py")
    ['Mean']
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise UsageError(f"no such plugin file: {path}")
    try:
        source = code_fingerprint(file)
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from error
    names = _names_from(file)
    if names and all(_registered[name].source == source for name in names):
        return names
    if names or measures_of(str(file)):
        _forget(file)
    try:
        _execute(file, path, Loading(str(file), source, problems))
        names = _names_from(file)
        if not names and not measures_of(str(file)):
            raise UsageError(
                f'plugin {path} registers no model; decorate a class with @register("..")'
            )
    except BaseException:
        _forget(file)
        raise
    return names


def _execute(file: Path, path: str | Path, loading: Loading) -> None:
    name = f"_ldl_plugin_{hashlib.sha256(os.fsencode(file)).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file; a plugin's name ends in .py")
    # The folder stays on the path, since a model may import from it as late as in fit.
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    importlib.invalidate_caches()
    for sibling, found in hidden_siblings(file).items():
        raise UsageError(
            f"plugin {path} imports {sibling!r} from its folder, but Python takes it from {found}; "
            f"rename {sibling!r}"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    LOADING.append(loading)
    try:
        with undisturbed():
            spec.loader.exec_module(module)
    except UsageError as error:
        raise UsageError(f"plugin {path}: {error}") from error
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        raise UsageError(f"plugin {path} cannot be loaded: {where(error, file)}") from error
    finally:
        LOADING.pop()


def _names_from(file: Path) -> list[str]:
    return [entry.name for entry in _registered.values() if entry.file == str(file)]


def _forget(file: Path) -> None:
    """Forget what a plugin registered, and its modules: the next import reads their files."""
    forget_measures(str(file))
    for name in _names_from(file):
        del _registered[name]
    files = local_files(file)
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None)
        if place and Path(place).resolve() in files and name != "__main__":
            del sys.modules[name]


@cache
def _package_code(*modules: str) -> str:
    """Hash an installed package's modules, once per process: the code stays as first imported."""
    return " ".join(module_fingerprint(module) for module in modules)


def offers(entry: Entry, cls: type) -> bool:
    """Tell whether a package's entry names this class, which may be in a submodule of it."""
    if not isinstance(entry.target, str):
        return False
    module, _, attribute = entry.target.partition(":")
    return attribute == cls.__qualname__ and f"{cls.__module__}.".startswith(f"{module}.")


def is_same_class(entry: Entry, cls: type) -> bool:
    """Tell whether a class is one defined anew, as when a notebook's cell is run twice."""
    return isinstance(entry.target, type) and (
        (entry.target.__module__, entry.target.__qualname__) == (cls.__module__, cls.__qualname__)
    )


def find_among(name: str, known: dict[str, Entry]) -> Entry | None:
    """Return the known model of a name, upper and lower case being the same."""
    wanted = name_key(name)
    return next((entry for key, entry in known.items() if name_key(key) == wanted), None)
