"""What is run: datasets, folds, seed, and every model with all its settings."""

from __future__ import annotations

import math
import reprlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.externals.loky.backend.reduction import dumps

from benchmark.errors import UsageError, did_you_mean
from benchmark.plugins.registry import Entry, check_name, default_params, find_model, models
from benchmark.wording import listed
from features.storage.files import canonical_json

_FOLDER = Path(__file__).parent / "protocols"
#: What models may consume, see `baselines.LDLEstimator`; the last two make a model a network.
CONSUMES = ("features", "images", "activations")

_NUMBERS = {"folds": 2, "repeats": 1, "seed": 0}  # setting -> smallest sensible value


@dataclass(frozen=True)
class FeatureSettings:
    """Where the features of an image dataset come from.

    Attributes
    ----------
    backbone : str
        Name of the network whose penultimate layer gives them; empty for the dataset's own
        features where it has some, else VGG16.
    weights : str
        ``imagenet``, ``random``, ``bundled`` or a file; empty for the backbone's usual ones.
    size : int
        Pixels per side of the squares that the images are resized to; 0 for the backbone's own.
    precision : str
        ``float32`` or ``bfloat16``.
    components : int
        Number of principal components that are kept; 0 for no PCA.
    scope : str
        ``fold``: PCA is fitted on each fold's training rows. ``dataset``: on all rows, which lets
        the test rows leak into the features and is there for comparison.
    """

    backbone: str = ""
    weights: str = ""
    size: int = 0
    precision: str = "float32"
    components: int = 280
    scope: str = "fold"


@dataclass(frozen=True)
class Protocol:
    """The settings of a run that are not on a model.

    Attributes
    ----------
    name : str
        ``demo``, ``paper``, or the stem of the file.
    datasets : tuple of str
        Names or files to run on when none are given.
    folds, repeats, seed : int
        Folds per repeat, repeats, and the run's seed.
    features : FeatureSettings
        Where the features of image datasets come from.
    network : dict
        Settings of every network that has them, such as ``epochs``.
    models : dict
        Table name to settings, which come before those of `network`. They go to the model of that
        name, or to the one named under ``model``, so that one model can stand in the table in
        several variants.
    """

    name: str
    datasets: tuple[str, ...] = ()
    folds: int = 10
    repeats: int = 1
    seed: int = 0
    features: FeatureSettings = FeatureSettings()
    network: dict[str, Any] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """One row of the tables: a registered model with all its settings.

    Attributes
    ----------
    name : str
        Name of the row.
    entry : Entry
        The registered model.
    params : dict
        Every hyper-parameter, also those left at their default.
    result_version : int
        See `baselines.LDLEstimator`.
    consumes : {"features", "images", "activations"}
        What it gets as ``X``.
    """

    name: str
    entry: Entry
    params: dict[str, Any]
    result_version: int
    consumes: str = "features"

    @property
    def is_network(self) -> bool:
        """Whether it takes images, or what a backbone makes of them."""
        return self.consumes != "features"

    def describe(self) -> dict[str, Any]:
        """Return what determines the model's results, as JSON values."""
        target = self.entry.target
        where = target if isinstance(target, str) else target.__qualname__
        return {
            "model": self.entry.name,
            "target": where,
            "source": f"{self.entry.source} {self.entry.code}".strip(),
            "result_version": self.result_version,
            "params": {name: _to_json(value) for name, value in sorted(self.params.items())},
        }


def load_protocol(name_or_path: str | Path) -> Protocol:
    """Load a protocol by name (``demo``, ``paper``, ...) or from a TOML file.

    Raises
    ------
    UsageError
        Missing file, bad TOML, an unknown key, or a value of the wrong kind.
    """
    text = str(name_or_path)
    built_in = {path.stem: path for path in _FOLDER.glob("*.toml")}
    path = built_in.get(text.lower(), Path(text))
    if not path.is_file():
        raise UsageError(
            f"no protocol {text!r}: give {', '.join(sorted(built_in))}, or the path of a TOML file"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a TOML file: {error}") from error
    known = ["datasets", *_NUMBERS, "features", "network", "models"]
    for key in content:
        if key not in known:
            raise UsageError(f"{path}: unknown setting {key!r}{did_you_mean(key, known)}")
    for key, smallest in _NUMBERS.items():
        value = content.get(key, smallest)
        if type(value) is not int or value < smallest:
            raise UsageError(f"{path}: {key} must be a whole number of at least {smallest}")
    settings, datasets = content.get("models", {}), content.get("datasets", [])
    if not isinstance(datasets, list) or not all(isinstance(name, str) for name in datasets):
        raise UsageError(f"{path}: datasets must be a list of names or files")
    if not isinstance(settings, dict) or not all(isinstance(v, dict) for v in settings.values()):
        raise UsageError(f'{path}: write the settings of a model as a table [models."NAME"]')
    network = content.get("network", {})
    if not isinstance(network, dict):
        raise UsageError(f"{path}: write the settings of networks as a table [network]")
    return Protocol(
        name=path.stem,
        datasets=tuple(datasets),
        features=_feature_settings(path, content.get("features", {})),
        network=network,
        models=settings,
        **{key: content[key] for key in _NUMBERS if key in content},
    )


def _feature_settings(path: Path, content: Any) -> FeatureSettings:
    if not isinstance(content, dict):
        raise UsageError(f"{path}: write the settings of features as a table [features]")
    kinds: dict[str, type] = {item.name: type(item.default) for item in fields(FeatureSettings)}
    for key, value in content.items():
        if key not in kinds:
            raise UsageError(f"{path}: [features] has no {key!r}{did_you_mean(key, kinds)}")
        if type(value) is not kinds[key] or (isinstance(value, int) and value < 0):
            what = "a whole number, 0 or more" if kinds[key] is int else "a text"
            raise UsageError(f"{path}: {key} of [features] must be {what}, not {value!r}")
    return checked_features(FeatureSettings(**content))


def checked_features(settings: FeatureSettings) -> FeatureSettings:
    """Refuse feature settings that have no meaning.

    Raises
    ------
    UsageError
        An unknown precision or scope.
    """
    for key, choices in (("precision", ("float32", "bfloat16")), ("scope", ("fold", "dataset"))):
        value = getattr(settings, key)
        if value not in choices:
            raise UsageError(f"features: {key} must be {' or '.join(choices)}, not {value!r}")
    return settings


def choose_models(
    protocol: Protocol, names: Iterable[str] = (), every: bool = False
) -> list[Model]:
    """Make the list of models to run.

    Parameters
    ----------
    protocol : Protocol
        Its model settings apply, and its variants can be named.
    names : iterable of str
        Models or variants, upper and lower case being the same; those that the protocol has
        settings for if there are none.
    every : bool
        Every registered model that is a usual one, and every variant of the protocol, instead.

    Raises
    ------
    UsageError
        No model at all, an unknown one, one named twice, one that the harness cannot feed, a
        setting that it does not have, a hyper-parameter that no worker process can get, or a
        variant whose name is taken or cannot stand in a table.
    """
    variants = _variants(protocol)
    if every:
        names = [name for name, entry in models().items() if entry.usual]
        names += [name for key, name in variants.items() if key not in {n.lower() for n in names}]
    names = list(names) or list(protocol.models)
    chosen = [_make_model(protocol, variants.get(name.lower(), name)) for name in names]
    if not chosen:
        raise UsageError("no model to run: name some, or give --all")
    _check_network_settings(protocol, chosen)
    rows = [model.name for model in chosen]
    for name in rows:
        if rows.count(name) > 1:
            raise UsageError(f"model {name!r} is named twice")
    return chosen


def _check_network_settings(protocol: Protocol, chosen: list[Model]) -> None:
    known = {key for model in chosen if model.is_network for key in model.params}
    for key in protocol.network:
        if known and key not in known:
            raise UsageError(
                f"[network]: no network has a setting {key!r}{did_you_mean(key, known)}"
            )


def check_params(model: str, params: dict[str, Any]) -> None:
    """Refuse hyper-parameters that cannot be passed to a worker process or told in a key.

    Raises
    ------
    UsageError
        Pickling a value fails; names the model and the parameter.
    """
    for key, value in params.items():
        try:
            _to_json(value)
            dumps(value)
        except Exception as error:  # whatever a user's object may raise
            raise UsageError(
                f"model {model!r}: the value of {key}, {reprlib.repr(value)}, cannot be pickled "
                f"({type(error).__name__}: {error}); use data, named functions or classes"
            ) from error


def _variants(protocol: Protocol) -> dict[str, str]:
    """Check the names of the settings' tables, and return them by their lower-case form."""
    variants: dict[str, str] = {}
    known = {name.lower(): name for name in models()}
    for name, settings in protocol.models.items():
        check_name(name)
        same = variants.setdefault(name.lower(), name)
        if same != name:
            raise UsageError(f"{same!r} and {name!r} are the same name for a model; rename one")
        model = settings.get("model", name)
        if not isinstance(model, str):
            raise UsageError(f"models.{name!r}: model must be the name of a model, not {model!r}")
        own = known.get(name.lower())
        if own and find_model(model).name != own:
            raise UsageError(f"{name!r} is a model itself, it cannot be a variant of {model!r}")
        find_model(model)  # a misspelt one is an error, also where it is not run
    return variants


def _make_model(protocol: Protocol, name: str) -> Model:
    settings = dict(protocol.models.get(name, {}))
    entry = find_model(settings.pop("model", name)).identified()
    row = name if name in protocol.models and name.lower() != entry.name.lower() else entry.name
    check_name(row)  # an installed package may offer any
    cls = entry.load()
    consumes = getattr(cls, "consumes", "features")
    if consumes not in CONSUMES:
        raise UsageError(
            f"model {name!r} consumes {consumes!r}, but the harness can pass only "
            f"{listed(CONSUMES)}"
        )
    params = default_params(cls)
    if consumes != "features":
        common = dict(protocol.network)
        own = settings.get("backbone")
        if own and own != common.get("backbone", own):
            # weights and size there belong to the backbone there
            common = {key: v for key, v in common.items() if key not in ("weights", "size")}
        params |= {key: value for key, value in common.items() if key in params}
    for key in settings:
        if key not in params:
            raise UsageError(
                f"model {name!r} has no setting {key!r}{did_you_mean(key, params)} "
                f"(it has: {', '.join(params) or 'none'})"
            )
    params |= settings
    check_params(name, params)
    return Model(row, entry, params, getattr(cls, "result_version", 1), consumes)


def _to_json(value: Any) -> Any:
    """Turn a hyper-parameter into a JSON value; different ones give different values.

    What JSON lacks is told by its type and a hash of its content.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, dict):
        pairs = [[_to_json(key), _to_json(item)] for key, item in value.items()]
        return {"type": "dict", "items": sorted(pairs, key=canonical_json)}
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    kind = type(value)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "hash": joblib.hash(value)}
