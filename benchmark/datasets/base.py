"""What a dataset is, and the checks every dataset passes before anything is computed on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baselines.base import FloatArray, check_distributions, check_features
from benchmark.errors import UsageError
from features.files import array_key, content_key


@dataclass(frozen=True)
class Dataset:
    """Instances with a label distribution each.

    Attributes
    ----------
    name : str
        Name in tables and files.
    label_names : tuple of str
        The c labels, in column order of `D`.
    D : ndarray of shape (n, c), float64
        Description degrees; rows sum to 1 within 1e-4.
    X : ndarray of shape (n, q), float64
        Features.
    ids : tuple of str
        One identifier per row: a file name, or the row number.
    latent : ndarray of shape (n, c), optional
        The distribution behind `D` where it is known (synthetic data): what the oracle predicts.
    images : callable, optional
        Row numbers to images, (m, h, w, 3) uint8, where the instances are images.
    source : str
        Where the data came from, for people.
    notes : tuple of str
        What a reader of the results should know about the data.
    """

    name: str
    label_names: tuple[str, ...]
    D: FloatArray
    X: FloatArray
    ids: tuple[str, ...]
    latent: FloatArray | None = None
    images: Callable[[Sequence[int]], NDArray[np.uint8]] | None = field(default=None, compare=False)
    source: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything a result can depend on: features, distributions, label names."""
        truth = () if self.latent is None else (self.latent,)
        return content_key([list(self.label_names), array_key(self.X, self.D, *truth)])


def make_dataset(
    name: str,
    X: ArrayLike,
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
    X : array-like of shape (n, q)
        Features.
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
        features = check_features(X, "features")
        distributions = check_distributions(D, "labels")
    except ValueError as error:
        raise UsageError(f"dataset {name}: {error}") from error
    n, c = distributions.shape
    if len(features) != n:
        raise UsageError(
            f"dataset {name}: features has {len(features)} rows but labels has {n}; "
            f"each instance needs both"
        )
    names = tuple(label_names) if label_names is not None else tuple(f"label{j}" for j in range(c))
    rows = tuple(str(i) for i in ids) if ids is not None else tuple(str(i) for i in range(n))
    if len(names) != c or len(set(names)) != c:
        raise UsageError(f"dataset {name}: {c} labels need {c} different names, not {list(names)}")
    constant = int((features.max(axis=0) == features.min(axis=0)).sum())
    if constant == features.shape[1]:
        raise UsageError(
            f"dataset {name}: every feature is constant, so there is nothing to learn from"
        )
    if (distributions > 0).any(axis=0).sum() == 1:
        raise UsageError(
            f"dataset {name}: every row puts all its weight on one and the same label, "
            f"so there is nothing to predict"
        )
    notes = list(more.pop("notes", ()))
    if constant:
        notes.append(f"{constant} of {features.shape[1]} features are constant over all rows")
    return Dataset(name, names, distributions, features, rows, notes=tuple(notes), **more)
