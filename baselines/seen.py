"""What a learner remembers of the input of `fit`, numbers and names, and compares later input with.

That of features is scikit-learn's own, ``n_features_in_`` and ``feature_names_in_``; labels have
the same, ``n_labels_`` and ``label_names_in_``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from features.arrays import AnyArray


def remember(learner: Any, X: Any, D: Any, n_labels: int) -> None:
    """Remember how many features and labels there are, and their names where they have some.

    Parameters
    ----------
    learner : LDLEstimator
    X : array-like, DataFrame, sparse matrix or images
        What `fit` was given, after it was checked.
    D : array-like or DataFrame
        Likewise.
    n_labels : int
        Its number of columns.
    """
    if learner.consumes == "images":
        learner.n_features_in_ = math.prod(X.shape[1:])
    else:
        validate_data(learner, X, skip_check_array=True)
    learner.n_labels_ = n_labels
    names = _column_names(D)
    if names is not None:
        learner.label_names_in_ = names
    elif hasattr(learner, "label_names_in_"):
        del learner.label_names_in_


def compare_features(learner: Any, X: Any) -> None:
    """Refuse features of another number or other names than those of `fit`.

    Parameters
    ----------
    learner : LDLEstimator
    X : array-like, DataFrame, sparse matrix or images
        After it was checked.

    Raises
    ------
    ValueError
        They differ. Where one of the two has no names there is a warning.
    """
    if learner.consumes != "images":
        validate_data(learner, X, reset=False, skip_check_array=True)
    elif (found := math.prod(X.shape[1:])) != learner.n_features_in_:
        raise ValueError(f"an image of X has {found} numbers, but fit saw {learner.n_features_in_}")


def compare_labels(learner: Any, D: Any) -> None:
    """Refuse labels of other names, or in another order, than those of `fit`.

    Parameters
    ----------
    learner : LDLEstimator
    D : array-like or DataFrame
        As many labels as `fit` saw.

    Raises
    ------
    ValueError
        They differ, and both have names.
    """
    seen, names = getattr(learner, "label_names_in_", None), _column_names(D)
    if seen is not None and names is not None and list(names) != list(seen):
        where = int(np.flatnonzero(names != seen)[0])
        raise ValueError(
            f"column {where} of D is {names[where]!r}, but fit saw {seen[where]!r} there; give "
            f"labels in the order of fit, as D[learner.label_names_in_] does"
        )


def _column_names(values: Any) -> AnyArray | None:
    """Return the names of a DataFrame's columns, or None where not all of them are texts."""
    names = list(getattr(values, "columns", ()))
    texts = names and all(isinstance(name, str) for name in names)
    return np.array(names, dtype=object) if texts else None
