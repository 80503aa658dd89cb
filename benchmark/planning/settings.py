"""The settings of a run: a protocol, and what the command line changes in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

from benchmark.datasets.loading import is_synthetic
from benchmark.errors import UsageError
from benchmark.planning.protocol import (
    Protocol,
    checked_features,
    checked_tuning,
    load_protocol,
)
from benchmark.planning.split_names import parse_split
from features.networks.backbones import find_backbone


@dataclass(frozen=True)
class Overrides:
    """Settings of the command line, which come before those of the protocol; None leaves one.

    Attributes
    ----------
    folds, repeats, seed : int, optional
        See `benchmark.planning.protocol.Protocol`.
    split : str, optional
        ``auto``, ``rows``, ``groups``, ``leave-one-group-out``, ``given`` or
        ``hold-out[:SHARE]``; see `benchmark.planning.splits.make_folds`.
    backbone, weights, precision : str, optional
        Of the features and of every network whose row does not set its own.
    epochs, batch_size : int, optional
        Of the networks.
    pca_scope : {"fold", "dataset"}, optional
        See `benchmark.planning.protocol.FeatureSettings`.
    tune : bool, optional
        Give every model with a search space a second row whose settings are tuned.
    tune_for : str, optional
        The measure that they are tuned for.
    tune_networks : bool, optional
        False leaves the networks without such rows.
    """

    folds: int | None = None
    repeats: int | None = None
    seed: int | None = None
    split: str | None = None
    backbone: str | None = None
    weights: str | None = None
    precision: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    pca_scope: str | None = None
    tune: bool | None = None
    tune_for: str | None = None
    tune_networks: bool | None = None


def make_settings(
    protocol: str | Path | None, datasets: Sequence[str], have_data: bool, changes: Overrides
) -> Protocol:
    """Load the protocol and let the command line change it.

    Parameters
    ----------
    protocol : str or Path, optional
        By default ``demo`` for the built-in images, else ``paper``.
    datasets : sequence of str
        Names and files; the protocol's own if empty.
    have_data : bool
        Whether there are datasets in memory beside them.
    changes : Overrides
        What the command line says.

    Raises
    ------
    UsageError
        A setting that cannot be used, or no dataset at all.
    """
    built_in = all(is_synthetic(name) for name in datasets) and not have_data
    settings = load_protocol(protocol or ("demo" if built_in else "paper"))
    numbers = {key: getattr(changes, key) for key in ("folds", "repeats", "seed")}
    for key, value in {**numbers, "epochs": changes.epochs, "batch": changes.batch_size}.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
            raise UsageError(f"{key} must be a whole number, not {value!r}")
    given: dict[str, Any] = {key: int(v) for key, v in numbers.items() if v is not None}
    if changes.split is not None:
        parse_split(changes.split)
        given["split"] = str(changes.split)
    settings = replace(settings, **given)
    if datasets or have_data:
        settings = replace(settings, datasets=tuple(datasets))
    if not settings.datasets and not have_data:
        raise UsageError(f"protocol {settings.name!r} names no dataset; give one with --dataset")
    if settings.seed < 0:
        raise UsageError(f"--seed must not be negative, it is {settings.seed}")
    return _change_networks(_change_tuning(settings, changes), changes)


def _change_tuning(settings: Protocol, changes: Overrides) -> Protocol:
    tuning = replace(settings.tuning, tune=bool(changes.tune or settings.tuning.tune))
    asked = {
        f"--tune-for {changes.tune_for}": changes.tune_for is not None,
        "--no-tune-networks": changes.tune_networks is False,
    }
    for option, given in asked.items():
        if given and not tuning.tune:
            raise UsageError(f"{option} would change nothing: it goes with --tune")
    if changes.tune_for is not None:
        tuning = replace(tuning, measure=changes.tune_for)
    if changes.tune_networks is False:
        tuning = replace(tuning, network_budget=0)
    return replace(settings, tuning=checked_tuning(tuning))


def _change_networks(settings: Protocol, changes: Overrides) -> Protocol:
    common = {key: getattr(changes, key) for key in ("backbone", "weights", "precision")}
    common = {key: value for key, value in common.items() if value is not None}
    if changes.backbone is not None:
        try:
            backbone = find_backbone(changes.backbone)
        except ValueError as error:
            raise UsageError(f"--backbone: {error}") from error
        # Weights and size that the protocol names belong to the backbone that it names.
        common = {"weights": backbone.weights[0], **common, "backbone": backbone.name}
    network, features = dict(settings.network), settings.features
    if changes.backbone is not None:
        network.pop("size", None)
        features = replace(features, size=0)
    training = {"epochs": changes.epochs, "batch_size": changes.batch_size}
    training = {key: value for key, value in training.items() if value is not None}
    features = replace(features, **common)
    if changes.pca_scope is not None:
        features = replace(features, scope=changes.pca_scope)
    return replace(
        settings,
        features=checked_features(features),
        network={**network, **common, **training},
        models=_with_weights(settings.models, changes),
    )


def _with_weights(rows: dict[str, dict[str, Any]], changes: Overrides) -> dict[str, dict[str, Any]]:
    """Give rows that set their backbone the weights that are asked for, unless they set those."""
    if changes.weights is None or changes.backbone is not None:
        return rows
    return {
        name: {"weights": changes.weights, **row} if "backbone" in row else row
        for name, row in rows.items()
    }
