"""What a dataset is, and the checks every dataset passes before anything is computed on it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from baselines.checks import check_distributions, check_features
from benchmark.datasets.frames import read_frames
from benchmark.datasets.row_facts import row_facts
from benchmark.datasets.row_numbers import note_row_numbers
from benchmark.datasets.votes import normalised
from benchmark.errors import UsageError
from benchmark.files.contents import plain
from benchmark.spelling import refuse_unknown
from benchmark.wording import count, cut
from features.arrays import FloatArray, IntArray
from features.images.sources import ImageSource
from features.names import readable
from features.storage.files import array_key, content_key

# Ids that a note names.
_NAMED = 5


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
    groups : tuple of str, optional
        Where instances belong together (subject, video, photographer): the group of each row.
    given_folds : ndarray of shape (n,), int64, optional
        Where the data come with a split: the fold, counted from 0, in which each row is tested; -1
        for a row that is only learned from. A split into training and test rows has one fold.
    raters : ndarray of shape (n,), float64, optional
        Where it is known: the number of people whose votes made each row of `D`.
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
    groups: tuple[str, ...] | None = None
    given_folds: IntArray | None = None
    raters: FloatArray | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What a model's settings can ask for, see `benchmark.planning.models.with_facts`."""
        return {"labels": self.label_names, "sigma": self.sigma}


@dataclass(frozen=True, kw_only=True, repr=False)
class Dataset(Labelled):
    """Instances with features, images or both, and a label distribution each.

    Attributes
    ----------
    X : ndarray of shape (n, q), float64, optional
        Features; None for image files, whose features a backbone gives.
    images : ImageSource, optional
        The n images, where the instances are images.
    columns : tuple of str
        The columns of the table that the data came from, those that were left out too; none where
        it came from elsewhere.
    """

    X: FloatArray | None = None
    images: ImageSource | None = field(default=None, compare=False)
    columns: tuple[str, ...] = field(default=(), compare=False)

    def to_frame(self) -> pd.DataFrame:
        """Return features and description degrees as a CSV file has them.

        Columns are ``id``, the features by name or number (``x0``), and ``label:<name>``. Images
        have no features.
        """
        parts = [pd.DataFrame({"id": self.ids})]
        if self.X is not None:
            parts.append(pd.DataFrame(self.X, columns=[f"x{j}" for j in range(self.X.shape[1])]))
        labels = [f"label:{label}" for label in self.label_names]
        return pd.concat([*parts, pd.DataFrame(self.D, columns=labels)], axis=1)

    def __repr__(self) -> str:
        n, c = self.D.shape
        what = "images" if self.X is None else count(self.X.shape[1], "feature")
        return (
            f"Dataset {self.name!r}: {count(n, 'row')}, {what}, {count(c, 'label')} "
            f"({cut(self.label_names, _NAMED)})"
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what a result can depend on: features or images, distributions, label names."""
        truth = () if self.latent is None else (self.latent,)
        if self.X is not None:
            return content_key([list(self.label_names), array_key(self.X, self.D, *truth)])
        keys = list(self.images.keys) if self.images is not None else []
        return content_key([list(self.label_names), array_key(self.D, *truth), keys])


class Facts(TypedDict, total=False):
    """What `make_dataset` takes beside features and distributions."""

    feature_names: Sequence[str] | None
    groups: Sequence[Any] | None
    folds: Sequence[Any] | None
    given_folds: Any
    split: Sequence[Any] | None
    raters: Any
    normalise: bool
    labels: str | Sequence[str]
    features: str | Sequence[str]
    ignore: str | Sequence[str]
    latent: Any
    sigma: float | None
    source: str
    notes: Sequence[str]
    images: ImageSource | None
    columns: Sequence[str]


_KNOWN = ["name", "X", "D", "label_names", "ids", *Facts.__annotations__]


def make_dataset(
    name: str,
    X: ArrayLike | None,
    D: ArrayLike | None = None,
    label_names: Sequence[str] | None = None,
    ids: Sequence[Any] | None = None,
    **more: Unpack[Facts],
) -> Dataset:
    """Check raw matrices and make a `Dataset` of them.

    Parameters
    ----------
    name : str
        Name in tables and files.
    X : array-like of shape (n, q), optional
        Features; None where there are images instead. The columns of a DataFrame have names.
    D : array-like of shape (n, c), optional
        Description degrees. Values that are negative by rounding alone become 0, see
        `baselines.checks.check_distributions`. Without them, `X` is one DataFrame with columns as
        those of a CSV file: ``label:<name>``, ``id``, ``group`` and so on; ``labels``, ``features``
        and ``ignore`` tell other names, as in `load_dataset`.
    label_names : sequence of str, optional
        The c labels, without blanks around them; if absent the columns of a DataFrame, or numbers.
    ids : sequence, optional
        One identifier per row; if absent the index of a DataFrame, or numbers.
    **more
        The other attributes of `Dataset`; ``feature_names``, a name per column of `X`; and for the
        split that the data come with, in place of ``given_folds``: ``folds``, the same, or
        ``split``, a word per row such as ``train`` and ``test``. With ``normalise=True`` rows of
        `D`, such as votes or percentages, are divided by their sums, see `votes.normalised`.

    Raises
    ------
    UsageError
        The matrices do not fit together, hold values that are no numbers or no distributions, or
        no feature varies, or one only numbers the rows; names the rows or the feature.

    Examples
    --------
    >>> import benchmark
    >>> data = benchmark.make_dataset(
    ...     "votes", [[0.1], [0.9], [0.4]], [[3, 1], [1, 3], [2, 2]], ["calm", "sad"],
    ...     normalise=True,
    ... )
    >>> data
    Dataset 'votes': 3 rows, 1 feature, 2 labels (calm, sad)
    >>> data.D[0].tolist()
    [0.75, 0.25]
    """
    further: dict[str, Any] = dict(more)
    refuse_unknown("make_dataset", further, _KNOWN)
    is_file = X is not None and further.get("source")  # else a folder of images, or nothing
    where = further["source"] if is_file else f"dataset {name}"
    feature_names = further.pop("feature_names", None)
    in_columns = feature_names is not None if is_file else None
    framed = read_frames(where, X, D, further)
    X, D = framed.X, framed.D
    feature_names = framed.feature_names if feature_names is None else feature_names
    ids = framed.ids if ids is None else list(ids)
    label_names = framed.label_names if label_names is None else label_names
    given = None if label_names is None else [str(label) for label in label_names]
    raters, notes = None, [*framed.notes, *further.pop("notes", ())]
    is_normalised = further.pop("normalise", False)
    if is_normalised:
        D, raters, said = normalised(where, D)
        notes += said
    try:
        features = None if X is None else check_features(X, "features")
        distributions = check_distributions(D, "labels", given or ())
    except ValueError as error:
        hint = ""
        if (
            not is_normalised
            and "the columns do" not in str(error)
            and "not sum to 1" in str(error)
        ):
            how = "--normalise" if is_file else "normalise=True"
            hint = f"; divide votes or percentages by their sum with {how}"
        raise UsageError(f"{where}: {error}{hint}") from error
    n, c = distributions.shape
    images = further.get("images")
    for what, rows_given in (("features", features), ("images", images), ("ids", ids)):
        if rows_given is not None and len(rows_given) != n:
            raise UsageError(
                f"{where}: {what} has {len(rows_given)} rows but labels has {n}; "
                f"each instance needs both"
            )
    if features is None and images is None:
        raise UsageError(f"{where} has neither features nor images")
    names = tuple(f"label{j}" for j in range(c)) if given is None else _label_names(where, given, c)
    rows = tuple(readable(str(i)) for i in (range(n) if ids is None else ids))
    if (distributions > 0).any(axis=0).sum() == 1:
        raise UsageError(
            f"{where}: every row puts all its weight on one and the same label, "
            f"so there is nothing to predict"
        )
    notes += _repeated(rows)
    given_folds = further.pop("given_folds", None)
    asked = {
        "group": further.pop("groups", None),
        "fold": further.pop("folds", given_folds),
        "split": further.pop("split", None),
        "raters": further.pop("raters", None),
    }
    facts, said = row_facts(where, n, asked, in_columns)
    notes += said
    facts.setdefault("raters", raters)
    if features is not None:
        notes += _constant(where, features)
        notes += note_row_numbers(where, features, feature_names, bool(further.get("columns")))
    return Dataset(
        name=readable(name), label_names=names, ids=rows, D=distributions, X=features,
        notes=tuple(notes), **facts, **further,
    )  # fmt: skip


def _label_names(where: str, given: Sequence[str], c: int) -> tuple[str, ...]:
    """Return the names of labels without blanks around them."""
    names = tuple(plain(name) for name in given)
    if len(names) != c:
        raise UsageError(f"{where}: {c} labels need {c} different names, not {list(given)}")
    for j, name in enumerate(names):
        if not name:
            raise UsageError(f"{where}: label {j} (counted from 0) has an empty name")
        if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name):
            raise UsageError(f"{where}: the name of label {j}, {name!r}, is not one line of text")
    seen: dict[str, str] = {}
    for written, name in zip(given, names, strict=True):
        one = unicodedata.normalize("NFC", name)
        if one in seen:
            same = f"{seen[one]!r} and {written!r} are one"
            what = f"{name!r} comes twice" if seen[one] == written else same
            raise UsageError(f"{where}: {c} labels need {c} different names; {what}")
        seen[one] = written
    return names


def _repeated(ids: Sequence[str]) -> list[str]:
    """Note ids that several rows have."""
    repeated = [name for name, times in Counter(ids).items() if times > 1]
    if not repeated:
        return []
    several = f"{len(repeated)} ids each name" if len(repeated) > 1 else "1 id names"
    return [f"{several} several rows: {cut(map(repr, repeated), _NAMED)}"]


def _constant(where: str, X: FloatArray) -> list[str]:
    """Note features that do not vary, and refuse a matrix of nothing else."""
    constant = int((np.ptp(X, axis=0) == 0).sum())
    if constant == X.shape[1]:
        raise UsageError(f"{where}: every feature is constant, so there is nothing to learn from")
    return [f"{constant} of {X.shape[1]} features are constant over all rows"] if constant else []
