"""How counts, lists, times, p-values and values of a measure are written for people.

Every sentence, table and caption takes them from here, so that one value looks the same wherever it
is read. Files for programs (.csv, .json) hold the numbers themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import chain

from benchmark.errors import UsageError
from benchmark.metrics import (
    ALL_MEASURES,
    MEASURES,
    PAPERS_MEASURES,
    Measure,
    known_measures,
    named,
)
from features.names import did_you_mean

#: Stands where there is no value.
GAP = "-"

#: Stands for a p-value where there is no test.
NO_TEST = "no test"

#: What `find_measures` takes.
Chosen = str | Measure | Iterable[str | Measure] | None

#: The level at which differences count as significant; `benchmark.analysis.statistics.ALPHA`.
LEVEL = 0.05


def count(number: int, one: str, several: str = "") -> str:
    """Write a number of things: ``1 task``, ``3 tasks``, ``1,980 images``.

    Parameters
    ----------
    number : int
    one, several : str
        What one of them is called, and what several are, by default with an s:
        ``count(2, "label is", "labels are")``.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def listed(names: Iterable[object], last: str = "and") -> str:
    """Join names as in a sentence: ``a, b and c``; empty for none.

    Names in parentheses or behind a colon are merely separated by commas.
    """
    *most, final = list(map(str, names)) or [""]
    return f"{', '.join(most)} {last} {final}" if most else final


def cut(names: Iterable[object], most: int) -> str:
    """Separate names by commas, and leave out those behind the first few: ``a, b, ...``."""
    texts = list(map(str, names))
    return ", ".join([*texts[:most], *(["..."] if len(texts) > most else [])])


def visible(text: str) -> str:
    """Write characters that nobody sees by their codes: ``⟨U+200B⟩``.

    They are line breaks and other controls, spaces but the usual one, what has no width or turns
    the writing round, and halves of characters. Different texts stay different: the bracket itself
    is written so where it could be taken for the beginning of a code.
    """
    if text.isprintable() and "⟨U+" not in text:
        return text
    marked = text.replace("⟨U+", "⟨U+27E8⟩U+")
    return "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in marked)


def spaced(text: str) -> str:
    """Keep several spaces apart where one is shown for all of them, in Markdown and HTML."""
    return re.sub("^ | $|(?<= ) ", "\N{NO-BREAK SPACE}", text)


def seen(text: str) -> str:
    """Write a text for HTML, in which different texts are seen to differ."""
    return spaced(visible(text))


def rank_text(rank: float) -> str:
    """Write a rank, nothing where there is none."""
    return "" if math.isnan(rank) else f"{rank:.0f}"


def duration(seconds: float) -> str:
    """Write a time: ``0.25 s``, ``40 s``, ``2.5 min``, ``90 min``, ``3 h 20 min``, ``2 d 4 h``.

    Seconds and minutes have two significant digits, and go up to 99; what is longer is rounded to
    minutes, or from two days on to hours.
    """
    if round(seconds) < 100:
        return f"{_two_digits(seconds)} s"
    if round(seconds / 60) < 100:
        return f"{_two_digits(seconds / 60)} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def p_value(p: float) -> str:
    """Write a p-value: ``0.375``, ``0.0496``, ``< 0.001``.

    Three decimals, and four below 0.1. A value below 0.05 that these would round to 0.0500 gets as
    many more as show that it is below: ``0.04998``. So the text is below 0.05 exactly where the
    value is.
    """
    if math.isnan(p):
        return GAP
    if p < 0.001:
        return "< 0.001"
    decimals = 4 if p < 0.1 else 3
    while p < LEVEL <= float(f"{p:.{decimals}f}"):
        decimals += 1
    return f"{p:.{decimals}f}"


def p_equals(p: float) -> str:
    """Write a p-value in a sentence: ``p = 0.0496``, ``p < 0.001``, ``no test``."""
    if math.isnan(p):
        return NO_TEST
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def value(number: float, measure: Measure) -> str:
    """Write a value of a measure: accuracies in percent with two decimals, others with four."""
    return _scaled(number, measure, "")


def signed(difference: float, measure: Measure) -> str:
    """Write a difference between two values of a measure, with its sign.

    What is shown as zero has no sign.
    """
    return _scaled(difference, measure, "+")


def effect(size: float) -> str:
    """Write an effect size or a correlation, with its sign: ``+0.52``."""
    return GAP if math.isnan(size) else rounded(size, 2, "+")


def percent(share: float, unit: str = " %") -> str:
    """Write a share: ``37 %``."""
    return GAP if math.isnan(share) else rounded(100 * share, 0) + unit


def _scaled(number: float, measure: Measure, sign: str) -> str:
    if math.isnan(number):
        return GAP
    return rounded(measure.factor * number, measure.decimals, sign)


def rounded(number: float, decimals: int, sign: str = "") -> str:
    """Write a number with so many decimals; what is shown as zero has no sign."""
    text = f"{number:{sign}.{decimals}f}"
    return text if text.strip("+-0.") else text.lstrip("+-")


def _two_digits(number: float) -> str:
    """Write two significant digits, of larger numbers all before the point; never an exponent."""
    return f"{number:.0f}" if number >= 10 else f"{Decimal(f'{number:.2g}'):f}"


def find_name(what: str, name: str, known: Iterable[str]) -> str:
    """Find a name among those that a run has; case does not matter.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    by_lower = {candidate.casefold(): candidate for candidate in known}
    if name.casefold() not in by_lower:
        names = list(by_lower.values())
        raise UsageError(
            f"the run has no {what} {name!r}{did_you_mean(name, names)} "
            f"(there are: {', '.join(names)})"
        )
    return by_lower[name.casefold()]


def find_measure(name: str) -> Measure:
    """Find a measure by one of its names, see `benchmark.metrics.named`.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if found := named(name):
        return found
    known = list(known_measures().values())
    names = [measure.name for measure in known]
    titles = [measure.title for measure in known]
    raise UsageError(
        f"there is no measure {name!r}{did_you_mean(name, [*names, *titles])} "
        f"(there are: {', '.join(names)})"
    )


def find_measures(chosen: Chosen) -> tuple[Measure, ...]:
    """Find the measures that are to be columns, each once.

    Parameters
    ----------
    chosen : str, iterable of str or Measure, or None
        Names as `find_measure` takes them, a text with commas between; ``paper`` for the paper's
        seven, ``all`` for all that are built in. None for the default columns.

    Raises
    ------
    UsageError
        There is none of a name, or none at all is given.
    """
    if chosen is None:
        return MEASURES
    parts = [chosen] if isinstance(chosen, str | Measure) else list(chosen)
    split = [list[str | Measure](p.split(",")) if isinstance(p, str) else [p] for p in parts]
    groups = {"paper": PAPERS_MEASURES, "all": ALL_MEASURES}
    found: list[Measure] = []
    for word in chain.from_iterable(split):
        if isinstance(word, Measure):
            found.append(word)
        elif not isinstance(word, str):
            raise UsageError(f"{word!r:.80} is no measure; give its name")
        elif word.strip():
            found += groups.get(word.strip().casefold()) or [find_measure(word.strip())]
    if not found:
        raise UsageError("--measures names no measure; give some, or leave it out")
    return tuple({measure.name: measure for measure in found}.values())
