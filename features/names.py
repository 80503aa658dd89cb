"""Names: which are the same, which known one is meant, and what is no text made readable."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

# Characters without a shape of their own that Unicode does not count among the controls.
_UNSEEN = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x2800, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)


def name_key(name: str) -> str:
    """Return what is equal for names that people cannot tell apart, or should not have to.

    They are the same but for case, for how accents are composed, for variants of a character
    (full width, ligatures, the micro sign for mu), and for characters without a shape. Letters of
    different scripts that look alike stay different.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if c not in _UNSEEN and unicodedata.category(c) != "Cf")


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
