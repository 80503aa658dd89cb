"""What a dataset is, and the checks every dataset passes before anything is computed on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from baselines.checks import check_distributions, check_features
from benchmark.errors import UsageError
from features.arrays import FloatArray
from features.images.sources import ImageSource
from features.storage.files import array_key, content_key


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Instances with a label distribution each, without what models learn from.

    Attributes
    ----------
    name : str
        Name in tables and files.
    label_names : tuple of str
        The c labels, in column order of `D`.
    ids : tuple of str
        One identifier per row: a file name, or the row number.
    D : ndarray of shape (n, c), float64
        Description degrees; rows sum to 1 within 1e-4.
    latent : ndarray of shape (n, c), optional
        The distribution behind `D` where it is known (synthetic data): what the oracle predicts.
    sigma : float, optional
        Where each instance has a single label: the width with which it was spread over the
        emotion wheel to make `D`.
    source : str
        Where the data came from, for people.
    notes : tuple of str
        What a reader of the results should know about the data.
    """

    name: str
    label_names: tuple[str, ...]
    ids: tuple[str, ...]
    D: FloatArray
    latent: FloatArray | None = None
    sigma: float | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What a model's settings can ask for, see `benchmark.planning.models.with_facts`."""
        return {"labels": self.label_names, "sigma": self.sigma}


@dataclass(frozen=True, kw_only=True)
class Dataset(Labelled):
    """Instances with features, images or both, and a label distribution each.

    Attributes
    ----------
    X : ndarray of shape (n, q), float64, optional
        Features; None for image files, whose features a backbone gives.
    images : ImageSource, optional
        The n images, where the instances are images.
    """

    X: FloatArray | None = None
    images: ImageSource | None = field(default=None, compare=False)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what a result can depend on: features or images, distributions, label names."""
        truth = () if self.latent is None else (self.latent,)
        if self.X is not None:
            return content_key([list(self.label_names), array_key(self.X, self.D, *truth)])
        keys = list(self.images.keys) if self.images is not None else []
        return content_key([list(self.label_names), array_key(self.D, *truth), keys])


def make_dataset(
    name: str,
    X: ArrayLike | None,
    D: ArrayLike,
    label_names: Sequence[str] | None = None,
    ids: Sequence[Any] | None = None,
    **more: Any,
) -> Dataset:
    """Check raw matrices and make a `Dataset` of them.

    Parameters
    ----------
    name : str
        Name in tables and files.
    X : array-like of shape (n, q), optional
        Features; None where there are images instead.
    D : array-like of shape (n, c)
        Description degrees.
    label_names : sequence of str, optional
        The c labels; numbered if absent.
    ids : sequence, optional
        One identifier per row; row numbers if absent.
    **more
        The other attributes of `Dataset`.

    Raises
    ------
    UsageError
        The matrices do not fit together, hold values that are no numbers or no distributions, or
        no feature varies; names the rows.
    """
    try:
        features = None if X is None else check_features(X, "features")
        distributions = check_distributions(D, "labels")
    except ValueError as error:
        raise UsageError(f"dataset {name}: {error}") from error
    n, c = distributions.shape
    images = more.get("images")
    for what, rows_given in (("features", features), ("images", images)):
        if rows_given is not None and len(rows_given) != n:
            raise UsageError(
                f"dataset {name}: {what} has {len(rows_given)} rows but labels has {n}; "
                f"each instance needs both"
            )
    if features is None and images is None:
        raise UsageError(f"dataset {name} has neither features nor images")
    names = tuple(label_names) if label_names is not None else tuple(f"label{j}" for j in range(c))
    rows = tuple(str(i) for i in ids) if ids is not None else tuple(str(i) for i in range(n))
    if len(names) != c or len(set(names)) != c:
        raise UsageError(f"dataset {name}: {c} labels need {c} different names, not {list(names)}")
    constant = 0 if features is None else int((np.ptp(features, axis=0) == 0).sum())
    if features is not None and constant == features.shape[1]:
        raise UsageError(
            f"dataset {name}: every feature is constant, so there is nothing to learn from"
        )
    if (distributions > 0).any(axis=0).sum() == 1:
        raise UsageError(
            f"dataset {name}: every row puts all its weight on one and the same label, "
            f"so there is nothing to predict"
        )
    notes = list(more.pop("notes", ()))
    if features is not None and constant:
        notes.append(f"{constant} of {features.shape[1]} features are constant over all rows")
    return Dataset(
        name=name, label_names=names, ids=rows, D=distributions, X=features,
        notes=tuple(notes), **more,
    )  # fmt: skip
