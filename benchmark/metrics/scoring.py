"""Measures as scorers, which scikit-learn's model selection takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.metrics.known import known_measures, named
from features.names import did_you_mean


def scorer(name: str) -> Callable[..., float]:
    """Make a scikit-learn scorer of a measure, for ``scoring=`` of `GridSearchCV` and its like.

    Parameters
    ----------
    name : str
        Name of a measure, built in or registered, such as ``"chebyshev"`` or ``"KL"``, as tables
        take it.

    Returns
    -------
    callable
        ``(learner, X, D) -> float``: what the measure says of the predictions, minus it where lower
        is better, so that higher is always better.

    Raises
    ------
    ValueError
        There is no such measure; suggests the nearest name.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from baselines import AAKNN
    >>> search = GridSearchCV(AAKNN(), {"k": [2, 4, 8]}, scoring=scorer("chebyshev"))
    """
    from sklearn.metrics import make_scorer  # it loads much, which tables do without

    found: Any = named(name)
    if found is None:
        known = known_measures()
        raise ValueError(
            f"no measure named {name!r}{did_you_mean(str(name), known)} (known: {', '.join(known)})"
        )
    made: Callable[..., float] = make_scorer(found.mean, greater_is_better=found.higher_is_better)
    return made
