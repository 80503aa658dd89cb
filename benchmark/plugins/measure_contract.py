"""Checks that a measure of a user keeps the contract; the counterpart of `contract` for models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmark.metrics import Measure, MeasureError
from benchmark.plugins.measures import SLACK
from features.arrays import FloatArray


def check_measure(measure: Measure) -> list[str]:
    """Find everything that breaks the contract of a measure.

    Returns
    -------
    list of str
        One sentence per problem: of what it returns on data of several forms first, and only where
        that is right of the rest.
    """
    problems = list(dict.fromkeys(_returned(measure)))
    return problems or list(dict.fromkeys(_kept(measure)))


def _problems() -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """Make true and predicted rows of several forms, with what is special about them."""
    rng = np.random.default_rng(0)
    for labels in (2, 3, 7):
        D = rng.multinomial(6, np.full(labels, 1 / labels), size=25) / 6
        P = rng.dirichlet(np.ones(labels), size=25)
        yield f"on {labels} labels", D, P
    yield "on predictions with zeros", P, D
    yield "on equal shares", D, np.full(D.shape, 1 / labels)
    yield "on single labels", np.eye(labels)[rng.integers(labels, size=25)], P
    yield "on one row", D[:1], P[:1]
    yield "where P equals D", D, D.copy()


def _returned(measure: Measure) -> Iterator[str]:
    for where, D, P in _problems():
        try:
            measure.function(D, P)
        except MeasureError as error:
            yield f"{where}: {error}"
        except (Exception, SystemExit) as error:  # a user's measure may raise anything
            hint = "; it must not change D or P" if "read-only" in str(error) else ""
            yield f"{where} it raises {type(error).__name__}: {error}{hint}"


def _kept(measure: Measure) -> Iterator[str]:
    for where, D, P in _problems():
        values = np.atleast_1d(measure.function(D, P))
        if not np.array_equal(values, np.atleast_1d(measure.function(D, P))):
            yield f"{where} two calls give different values"
            continue
        if measure.per_row:
            alone = [measure.function(D[[i]], P[[i]])[0] for i in range(len(D))]
            if not np.allclose(values, alone, rtol=1e-6, atol=1e-9):
                yield (
                    f"{where} a row has another value alone than among others; declare "
                    f"per_row=False, and return one number"
                )
        if measure.best is None:
            continue
        slack = SLACK * max(1.0, abs(measure.best))
        if where == "where P equals D" and np.abs(values - measure.best).max() > slack:
            yield (
                f"{where} it returns {values.min():.6g} to {values.max():.6g}, not the best value "
                f"{measure.best:g} that it declares"
            )
        beyond = values - measure.best if measure.higher_is_better else measure.best - values
        if beyond.max() > slack:
            found = values[beyond.argmax()]
            yield (
                f"{where} it returns {found:.6g}, which is better than the best value "
                f"{measure.best:g} that it declares: is "
                f"higher_is_better={measure.higher_is_better} right?"
            )
