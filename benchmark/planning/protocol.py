"""A protocol: datasets, folds, seed, features, and the settings of models; read from TOML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.files.reading import USUAL, Reading
from benchmark.planning.split_names import AUTO, parse_split
from benchmark.wording import find_measure
from features.names import did_you_mean

_FOLDER = Path(__file__).parent / "protocols"
_NUMBERS = {"folds": 2, "repeats": 1, "seed": 0}  # name of a setting -> its smallest value


@dataclass(frozen=True)
class FeatureSettings:
    """Where the features of an image dataset come from.

    Attributes
    ----------
    backbone : str
        Name of the network whose penultimate layer gives them; empty for the dataset's own
        features where it has some, else VGG16.
    weights : str
        ``imagenet``, ``torchvision``, ``random``, ``bundled``, a file or a folder of published
        files; empty for the backbone's usual ones.
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
class Tuning:
    """Whether and how models get a second row with tuned settings.

    Attributes
    ----------
    tune : bool
        Whether they do.
    measure : str
        By which settings are chosen.
    budget, network_budget : int
        Configurations that are tried, the row's own among them: of every model on features, and
        of every network; 0 for networks that are not tuned.
    folds : int
        Inner folds in which they are tried.
    rows : int
        Of more training rows than this, settings of models on features are chosen on a stratified
        part.
    """

    tune: bool = False
    measure: str = "kl_divergence"
    budget: int = 24
    network_budget: int = 8
    folds: int = 3
    rows: int = 2500


@dataclass(frozen=True)
class Protocol:
    """The settings of a run.

    Attributes
    ----------
    name : str
        ``demo``, ``paper``, or the stem of the file.
    datasets : tuple of str
        Names or files to run on when none are given.
    reading : Reading
        How files are read: which columns or variables are what.
    folds, repeats, seed : int
        Folds per repeat, repeats, and the run's seed.
    split : str
        How rows are split, as `benchmark.planning.split_names.parse_split` reads it.
    features : FeatureSettings
        Where the features of image datasets come from.
    network : dict
        Settings of every network that has them, such as ``epochs``.
    tuning : Tuning
        Whether and how models get a second row with tuned settings.
    models : dict
        Table name to settings, which come before those of `network`. They go to the model of that
        name, or to the one named under ``model``, so that one model can stand in the table in
        several variants.
    written : dict
        The keys that a user's file has in its tables ``features`` and ``network``, and, under
        ``numbers``, its folds and repeats.
    """

    name: str
    datasets: tuple[str, ...] = ()
    reading: Reading = USUAL
    folds: int = 10
    repeats: int = 1
    seed: int = 0
    split: str = AUTO
    features: FeatureSettings = FeatureSettings()
    network: dict[str, Any] = field(default_factory=dict)
    tuning: Tuning = Tuning()
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: dict[str, tuple[str, ...]] = field(default_factory=dict)


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
            f"{did_you_mean(text, built_in)}"
        )
    try:
        # An editor may have put a byte order mark at the start.
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a TOML file in UTF-8: {error}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    tables = ["reading", "features", "network", "tuning", "models"]
    known = ["datasets", *_NUMBERS, "split", *tables]
    for key in content:
        if key not in known:
            raise UsageError(f"{path}: unknown setting {key!r}{did_you_mean(key, known)}")
    for key, smallest in _NUMBERS.items():
        value = content.get(key, smallest)
        if type(value) is not int or value < smallest:
            raise UsageError(f"{path}: {key} must be a whole number of at least {smallest}")
    try:
        parse_split(content.get("split", AUTO))
    except UsageError as error:
        raise UsageError(f"{path}: {str(error).replace('--split', 'split')}") from error
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
        reading=_reading(path, content.get("reading", {})),
        features=_feature_settings(path, content.get("features", {})),
        network=network,
        tuning=_tuning(path, content.get("tuning", {})),
        models=settings,
        written={} if path in built_in.values() else _keys(content),
        **{key: content[key] for key in (*_NUMBERS, "split") if key in content},
    )


def _keys(content: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    tables = {table: tuple(content.get(table, ())) for table in ("features", "network")}
    return {**tables, "numbers": tuple(key for key in _NUMBERS if key in content)}


def _reading(path: Path, content: Any) -> Reading:
    if not isinstance(content, dict):
        raise UsageError(f"{path}: write how files are read as a table [reading]")
    known = [item.name for item in fields(Reading)]
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            raise UsageError(f"{path}: [reading] has no {key!r}{did_you_mean(key, known)}")
        several = [value] if isinstance(value, str) else value
        if key == "normalise":
            if not isinstance(value, bool):
                raise UsageError(f"{path}: {key} of [reading] must be true or false, not {value!r}")
        elif not isinstance(several, list) or not all(isinstance(one, str) for one in several):
            raise UsageError(f"{path}: {key} of [reading] must be a name or a list of names")
        values[key] = value if key == "normalise" else tuple(several)
    return Reading(**values)


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


def _tuning(path: Path, content: Any) -> Tuning:
    if not isinstance(content, dict):
        raise UsageError(f"{path}: write the settings of tuning as a table [tuning]")
    kinds: dict[str, type] = {item.name: type(item.default) for item in fields(Tuning)}
    for key, value in content.items():
        if key not in kinds:
            raise UsageError(f"{path}: [tuning] has no {key!r}{did_you_mean(key, kinds)}")
        if type(value) is not kinds[key]:
            what = {bool: "true or false", int: "a whole number", str: "a text"}[kinds[key]]
            raise UsageError(f"{path}: {key} of [tuning] must be {what}, not {value!r}")
    return checked_tuning(Tuning(**content))


def checked_tuning(tuning: Tuning) -> Tuning:
    """Return tuning settings with the measure as files name it.

    Raises
    ------
    UsageError
        An unknown measure, or too few configurations, inner folds or rows.
    """
    if tuning.rows < 100:
        raise UsageError(f"tuning: rows must be at least 100, not {tuning.rows}")
    for key in ("budget", "network_budget", "folds"):
        if getattr(tuning, key) < 2 and (key, getattr(tuning, key)) != ("network_budget", 0):
            raise UsageError(f"tuning: {key} must be at least 2, not {getattr(tuning, key)}")
    return replace(tuning, measure=find_measure(tuning.measure).name)


def checked_features(settings: FeatureSettings) -> FeatureSettings:
    """Refuse feature settings that do not exist.

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
