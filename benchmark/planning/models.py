"""The models of a run, each with all its settings; each is a row of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.errors import UsageError
from benchmark.planning.protocol import Protocol
from benchmark.plugins.built_in import BEYOND_PAPER, in_groups
from benchmark.plugins.model_names import check_name
from benchmark.plugins.parameters import (
    CONSUMES,
    as_json,
    check_params,
    default_params,
    nests,
    with_settings,
)
from benchmark.plugins.peer_methods import method_of, peer_names, refuse_missing
from benchmark.plugins.registry import Entry, find_model, models
from benchmark.plugins.spaces import Configuration
from benchmark.wording import listed
from features.names import did_you_mean, name_key
from features.storage.files import same_file


@dataclass(frozen=True)
class Search:
    """How each fold chooses the settings of a row, on its training rows alone.

    Attributes
    ----------
    configurations : tuple of dict
        What is tried, as changes of the row's own settings, which come first.
    measure : str
        The mean over the rows of the inner test folds by which one is chosen.
    folds : int
        Inner folds.
    rows : int, optional
        The most training rows on which it is chosen; None for all.
    """

    configurations: tuple[Configuration, ...]
    measure: str
    folds: int
    rows: int | None = None

    def describe(self) -> dict[str, Any]:
        """Return what determines the choice, as JSON values."""
        return {
            "configurations": [as_json(found) for found in self.configurations],
            "measure": self.measure,
            "folds": self.folds,
            "rows": self.rows,
        }


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
    search : Search, optional
        How its settings are chosen; None for a row that has them as they are.
    """

    name: str
    entry: Entry
    params: dict[str, Any]
    result_version: int
    consumes: str = "features"
    search: Search | None = None

    @property
    def is_network(self) -> bool:
        """Whether it takes images or a backbone's activations, so that it needs images."""
        return self.consumes != "features"

    def describe(self) -> dict[str, Any]:
        """Return what determines the model's results, as JSON values.

        A setting that came later, see `baselines.LDLEstimator`, is left out at its default.
        """
        target = self.entry.target
        where = target if isinstance(target, str) else target.__qualname__
        cls = self.entry.load()
        later = getattr(cls, "later_settings", ())
        defaults = default_params(cls) if later else {}
        params = {name: as_json(value) for name, value in sorted(self.params.items())}
        for name in later:
            if params[name] == as_json(defaults[name]):
                del params[name]
        return {
            "model": self.entry.name,
            "target": where,
            "source": f"{self.entry.source} {self.entry.code}".strip(),
            "result_version": self.result_version,
            "params": params,
            **({"search": self.search.describe()} if self.search else {}),
        }


def with_facts(params: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in settings that only the dataset tells.

    Parameters
    ----------
    params : mapping
        Settings of a model. ``labels`` is filled in where it is None, ``sigma`` where it is
        ``"data"``.
    facts : mapping
        See `Work`.

    Raises
    ------
    ValueError
        A sigma is asked for, but the dataset has none.
    """
    filled = dict(params)
    if "labels" in filled and filled["labels"] is None:
        filled["labels"] = facts.get("labels")
    if filled.get("sigma") == "data":
        if facts.get("sigma") is None:
            raise ValueError(
                "sigma = 'data' needs a dataset whose single labels were spread with one"
            )
        filled["sigma"] = facts["sigma"]
    return filled


def choose_models(
    protocol: Protocol,
    names: Iterable[str] = (),
    every: bool = False,
    extended: bool = False,
    pyldl: bool = False,
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
    extended : bool
        The extended baselines and the newer methods too, see `benchmark.plugins.built_in`.
    pyldl : bool
        The methods of the peer library too, see `benchmark.plugins.peer_methods`.

    Raises
    ------
    UsageError
        No model at all, names beside `every`, an unknown one, one named twice, one whose library is
        not installed, one that the harness cannot feed, a setting that it does not have, a
        hyper-parameter that no worker process can get, or a variant whose name is taken or cannot
        stand in a table.
    """
    variants = _variants(protocol)
    names = list(names)
    if every and names:
        raise UsageError(f"give either --all or models ({', '.join(names)}), not both")
    if every:
        names = [name for name, entry in models().items()
                 if entry.usual or (extended and name in BEYOND_PAPER)]  # fmt: skip
        names += [name for key, name in variants.items() if key not in {name_key(n) for n in names}]
    elif extended:
        named = {name_key(name) for name in names}
        names += [name for name in BEYOND_PAPER if name_key(name) not in named]
    if pyldl:
        named = {name_key(name) for name in names}
        names += [name for name in peer_names() if name_key(name) not in named]
    names = list(names) or list(protocol.models)
    chosen = [_make_model(protocol, variants.get(name_key(name), name)) for name in names]
    if not chosen:
        raise UsageError("no model to run: name some, or give --all")
    for name in protocol.models:  # a setting that does not exist is an error wherever it stands
        if name not in {model.name for model in chosen} and _is_built_in(protocol, name):
            _make_model(protocol, name)
    _check_network_settings(protocol, chosen)
    rows = [model.name for model in chosen]
    for name in rows:
        if rows.count(name) > 1:
            raise UsageError(f"model {name!r} is named twice")
    if clash := same_file(rows):
        one, other = map(repr, clash)
        raise UsageError(f"models {one} and {other} would have the same files; rename one")
    return in_groups(chosen, lambda model: model.entry.name)


def _is_built_in(protocol: Protocol, name: str) -> bool:
    return not find_model(protocol.models[name].get("model", name)).source


def _check_network_settings(protocol: Protocol, chosen: list[Model]) -> None:
    known = {key for model in chosen if model.is_network for key in model.params}
    if not known and protocol.network:
        of_ours = [entry.load() for entry in models().values() if not entry.source]
        networks = [cls for cls in of_ours if getattr(cls, "consumes", "features") != "features"]
        known = {key for cls in networks for key in default_params(cls)}
    for key in protocol.network:
        if key not in known:
            raise UsageError(
                f"[network]: no network has a setting {key!r}{did_you_mean(key, known)}"
            )


def _variants(protocol: Protocol) -> dict[str, str]:
    """Check the names of the settings' tables, and return them by their `name_key`."""
    variants: dict[str, str] = {}
    known = {name_key(name): name for name in models()}
    for name, settings in protocol.models.items():
        check_name(name)
        same = variants.setdefault(name_key(name), name)
        if same != name:
            raise UsageError(f"{same!r} and {name!r} are the same name for a model; rename one")
        model = settings.get("model", name)
        if not isinstance(model, str):
            raise UsageError(f"models.{name!r}: model must be the name of a model, not {model!r}")
        own = known.get(name_key(name))
        if own and find_model(model).name != own:
            raise UsageError(f"{name!r} is a model itself, it cannot be a variant of {model!r}")
        find_model(model)  # a misspelt name is an error even if the row is not run
    return variants


def _make_model(protocol: Protocol, name: str) -> Model:
    settings = dict(protocol.models.get(name, {}))
    entry = find_model(settings.pop("model", name)).identified()
    if method_of(entry.name):
        refuse_missing()
    row = name if name in protocol.models and name_key(name) != name_key(entry.name) else entry.name
    check_name(row)  # an installed package may offer a model under any name
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
            # the common weights and size belong to the common backbone
            common = {key: v for key, v in common.items() if key not in ("weights", "size")}
        params |= {key: value for key, value in common.items() if key in params}
    try:
        params = with_settings(cls, params, settings)
    except KeyError as error:
        key, known = error.args[0], list(cls().get_params() if nests(params) else params)
        raise UsageError(
            f"model {name!r} has no setting {key!r}{did_you_mean(key, known)} "
            f"(it has: {', '.join(known) or 'none'})"
        ) from error
    check_params(name, params)
    return Model(row, entry, params, getattr(cls, "result_version", 1), consumes)
