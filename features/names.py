"""Names: the known one that a misspelt one is nearest to, and what is no text made readable."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another one, case aside, if any is."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name, case aside: ``; did you mean 'X'?`` or an empty string."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def readable(text: str) -> str:
    r"""Write what stands for bytes that are no UTF-8, as in file names, so that it can be written.

    ``caf\udce9`` for a name in Latin-1: no library takes it as it is.
    """
    return text.encode(errors="backslashreplace").decode()
