"""How a split is asked for: ``rows``, ``groups``, ``hold-out:0.3`` and so on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmark.errors import UsageError
from benchmark.planning.folds import HOLD_OUT, KINDS
from features.names import did_you_mean

#: The split that the data call for, see `benchmark.planning.splits.make_folds`.
AUTO = "auto"

#: Share of the rows that a hold-out tests.
SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """A split that is asked for.

    Attributes
    ----------
    kind : str
        `AUTO` or one of `benchmark.planning.folds.KINDS`.
    share : float
        Of the rows that a hold-out tests.
    """

    kind: str
    share: float = SHARE


def parse_split(text: str) -> Split:
    """Read what ``--split`` says.

    Raises
    ------
    UsageError
        There is no such split, or the share of a hold-out is none.
    """
    words = (AUTO, *KINDS)
    word, colon, share = str(text).strip().partition(":")
    kind = word.strip().casefold()
    if kind not in words:
        known = ", ".join(f"{k}[:SHARE]" if k == HOLD_OUT else k for k in words)
        raise UsageError(f"--split: {text!r} is none of {known}{did_you_mean(word, words)}")
    if not colon:
        return Split(kind)
    if kind != HOLD_OUT:
        raise UsageError(f"--split {text}: a share goes with {HOLD_OUT} alone")
    try:
        value = float(share)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise UsageError(
            f"--split {text}: the share of test rows is a number between 0 and 1, as in "
            f"{HOLD_OUT}:0.3"
        )
    return Split(kind, value)
