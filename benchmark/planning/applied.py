"""Refuses settings of the command line that would change nothing in a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.planning.models import Model
from benchmark.planning.needs import BackboneFeatures, Needs, OwnFeatures
from benchmark.planning.protocol import Protocol
from benchmark.planning.settings import Overrides
from benchmark.wording import listed
from ewmtcnn.base import NetworkEstimator
from features.networks.backbones import BACKBONES, find_backbone

#: Settings of the command line that only some models take. The others (folds, repeats, seed) change
#: every run.
_OF_BACKBONES = ("backbone", "weights", "precision")
_OF_TRAINING = ("epochs", "batch_size")


@dataclass(frozen=True)
class _Use:
    """What becomes of a setting: whether something takes it, and rows that have their own."""

    taken: bool
    own: tuple[str, ...]


def check_rows(settings: Protocol, changes: Overrides, models: Sequence[Model]) -> None:
    """Refuse settings of the command line that no model can take, whatever the data.

    Parameters
    ----------
    settings : Protocol
        With the changes.
    changes : Overrides
        What the command line says.
    models : sequence of Model
        The rows of the tables.

    Raises
    ------
    UsageError
        No model takes a setting; says why.
    """
    on_features = any(not model.is_network for model in models)
    for key, asked in _asked(changes):
        use = _use_of(key, settings, changes, models)
        if not use.taken and not (on_features and key in _OF_BACKBONES):
            own = f"it is not for {_owners(use, key, settings)}; change that in a protocol of yours"
            raise _idle(key, asked, own if use.own else "no network runs that has such a setting")
    _refuse_one_file(changes, models)
    if changes.pca_scope is not None and not on_features:
        raise _idle("pca_scope", changes.pca_scope, "no model of this run gets features")


def _refuse_one_file(changes: Overrides, models: Sequence[Model]) -> None:
    """Refuse a file of weights for rows of several backbones, of which it fits one."""
    ours = [m for m in models if m.is_network and {"backbone", "weights"} <= m.params.keys()]
    named = {str(m.params["backbone"]): m.params["weights"] for m in ours}
    takers = [backbone for backbone, weights in named.items() if weights == changes.weights]
    known = {kind for name in BACKBONES for kind in find_backbone(name).weights} | {"random"}
    if changes.weights is None or changes.weights in known or Path(changes.weights).is_dir():
        return  # a folder may have a file for each
    if len(takers) > 1:
        raise UsageError(
            f"--weights {changes.weights} is one file, but the models of this run have several "
            f"backbones ({listed(takers)}); name those models that it is for, or give each row its "
            f"weights in a protocol of yours"
        )


def check_applied(
    settings: Protocol,
    changes: Overrides,
    models: Sequence[Model],
    needs: Needs,
    tell: Callable[[str], None],
) -> None:
    """Refuse settings of the command line that nothing in the run takes.

    Settings in the tables of a protocol file are meant for several runs, so that it is only told
    where nothing in this one takes them.

    Parameters
    ----------
    settings, changes, models
        As in `check_rows`.
    needs : mapping
        Dataset name to what each model needs of it.
    tell : callable
        Gets a sentence about rows that keep a setting of their own.

    Raises
    ------
    UsageError
        Nothing takes a setting; says why.
    """
    running = [m for m in models if any(m.name in found for found in needs.values())]
    for key, asked in _asked(changes):
        use = _use_of(key, settings, changes, running)
        if not use.taken and not (key in _OF_BACKBONES and _of_backbone(needs)):
            raise _idle(key, asked, _nobody(key, needs))
        if use.own:
            tell(f"{_option(key, asked)} is not for {_owners(use, key, settings)}.")
    if changes.pca_scope is not None and not any(n.components for n in _of_backbone(needs)):
        why = "no model of this run gets features that are reduced by PCA"
        raise _idle("pca_scope", changes.pca_scope, why)
    for sentence in _idle_tables(settings, running, needs):
        tell(sentence)


def _asked(changes: Overrides) -> list[tuple[str, Any]]:
    found = [(key, getattr(changes, key)) for key in (*_OF_BACKBONES, *_OF_TRAINING)]
    return [(key, asked) for key, asked in found if asked is not None]


def _option(key: str, asked: Any) -> str:
    return f"--{key.replace('_', '-')} {asked}"


def _owners(use: _Use, key: str, settings: Protocol) -> str:
    what = "backbone" if key == "weights" else key
    return f"{listed(use.own)}, whose {what} protocol {settings.name!r} sets"


def _idle(key: str, asked: Any, why: str) -> UsageError:
    return UsageError(f"{_option(key, asked)} would change nothing: {why}")


def _use_of(key: str, settings: Protocol, changes: Overrides, models: Sequence[Model]) -> _Use:
    """Find out which networks take a setting, and which have their own."""
    rows, taken, own = _rows(settings), False, []
    for model in models:
        if not model.is_network:
            continue
        row = rows.get(model.name.lower(), {})
        if key not in model.params:
            # The harness prepares what another class of network gets as it does features.
            taken |= key in _OF_BACKBONES and not issubclass(model.entry.load(), NetworkEstimator)
        elif _is_own(key, row, changes):
            own.append(model.name)
        else:
            taken = True
    return _Use(taken, tuple(own))


def _is_own(key: str, row: Mapping[str, Any], changes: Overrides) -> bool:
    if key != "weights":
        return key in row
    if changes.backbone is not None:  # weights that are given with a backbone belong to it
        return key in row or "backbone" in row
    return row.get(key, changes.weights) != changes.weights  # see `make_settings`


def _rows(settings: Protocol) -> dict[str, dict[str, Any]]:
    return {name.lower(): row for name, row in settings.models.items()}


def _nobody(key: str, needs: Needs) -> str:
    if key in _OF_TRAINING:
        return "no network runs that has such a setting"
    found = {
        n: any(isinstance(need, OwnFeatures) for need in of.values()) for n, of in needs.items()
    }
    own = [name for name, has in found.items() if has]
    features = f"; the features are those that come with {listed(own)}" if own else ""
    return f"no model of this run looks at images through a backbone{features}"


def _of_backbone(needs: Needs) -> list[BackboneFeatures]:
    found = (need for of in needs.values() for need in of.values())
    return [need for need in found if isinstance(need, BackboneFeatures)]


def _idle_tables(settings: Protocol, models: Sequence[Model], needs: Needs) -> list[str]:
    """Say which settings in the tables of a user's protocol nothing in this run takes."""
    networks = [model for model in models if model.is_network]
    others = [m for m in networks if not issubclass(m.entry.load(), NetworkEstimator)]
    idle, rows = [], _rows(settings)
    for key in settings.written.get("features", ()):
        needed = key in ("components", "scope")
        if not _of_backbone(needs) and (needed or not others):
            idle.append(f"{key} of [features]")
    for key in settings.written.get("network", ()):
        takers = [model.name.lower() for model in networks if key in model.params]
        if all(key in rows.get(name, {}) for name in takers):
            idle.append(f"{key} of [network]")
    if not idle:
        return []
    return [f"Nothing in this run takes {listed(idle)}, which protocol {settings.name!r} sets."]
