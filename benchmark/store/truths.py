"""The truth of a dataset as arrays in a file, and back; its folds for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.columns import as_csv
from benchmark.planning.folds import ROWS, Folds
from benchmark.planning.grouped_folds import numbered
from benchmark.planning.plan import Truth
from benchmark.store.shapes import check_truth
from features.arrays import AnyArray

_NAMES = frozenset(("fingerprint", "label_names", "ids", "D", "folds", "fold_notes", "notes"))


class MisfitError(ValueError):
    """Arrays are not those of a truth; says why, without the name of the file."""


def folds_as_csv(truth: Truth) -> str:
    """Write which fold tests which row, columns `benchmark.columns.FOLDS`."""
    assignment = truth.folds.assignment
    columns = {f"repeat{r}": column for r, column in enumerate(assignment.T)}
    if (assignment < 0).any():
        columns = {
            name: np.where(column < 0, "train", column.astype(str))
            for name, column in columns.items()
        }
    groups = {} if truth.groups is None else {"group": list(truth.groups)}
    named = {"id": list(truth.ids), **groups, "version": truth.folds.version, **columns}
    return as_csv(pd.DataFrame(named), index_label="row")


def to_arrays(truth: Truth) -> dict[str, AnyArray]:
    """Return the arrays that hold a truth, but for what ``run.json`` says of it."""
    arrays: dict[str, AnyArray] = {
        "fingerprint": np.array(truth.fingerprint),
        "label_names": np.array(truth.label_names, dtype=np.str_),
        "ids": np.array(truth.ids, dtype=np.str_),
        "D": truth.D,
        "folds": truth.folds.assignment,
        "fold_notes": np.array(truth.folds.notes, dtype=np.str_),
        "notes": np.array(truth.notes, dtype=np.str_),
    }
    if truth.groups is not None:
        arrays["groups"] = np.array(truth.groups, dtype=np.str_)
    known = {"latent": truth.latent, "raters": truth.raters}
    return arrays | {name: values for name, values in known.items() if values is not None}


def from_arrays(entry: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Truth:
    """Make the truth of a dataset.

    Parameters
    ----------
    entry : mapping
        What ``run.json`` says of the dataset.
    arrays : mapping
        What `to_arrays` returned.

    Raises
    ------
    MisfitError
        They do not fit each other.
    """
    if absent := _NAMES - arrays.keys():
        raise MisfitError(f"it has no {min(absent)}")
    if str(arrays["fingerprint"]) != entry["fingerprint"]:
        raise MisfitError("it belongs to other data than run.json")

    def texts(name: str) -> tuple[str, ...]:
        return tuple(map(str, arrays[name].reshape(-1)))

    kind = entry.get("split", ROWS)
    groups = texts("groups") if "groups" in arrays else None
    if groups is not None and len(groups) != len(arrays["D"]):
        raise MisfitError(f"it has {len(groups)} groups for {len(arrays['D'])} rows")
    folds = Folds(
        arrays["folds"],
        texts("fold_notes"),
        entry.get("folds_version", 1),
        kind,
        None if groups is None or kind == ROWS else numbered(groups),
    )
    truth = Truth(
        name=entry["name"],
        fingerprint=entry["fingerprint"],
        label_names=texts("label_names"),
        ids=texts("ids"),
        D=arrays["D"],
        latent=arrays.get("latent"),
        raters=arrays.get("raters"),
        folds=folds,
        groups=groups,
        notes=texts("notes"),
        source=entry["source"],
        sigma=entry.get("sigma"),
    )
    if said := check_truth(truth):
        raise MisfitError(said)
    return truth
