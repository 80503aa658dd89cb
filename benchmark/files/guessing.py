"""Guesses which columns or matrices are labels and features, to name the options that read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from benchmark.files.reading import matching, option
from features.arrays import FloatArray

# What matrices are called, in small letters and without signs.
_FEATURES = ("features", "feature", "data", "x", "xs", "inputs", "input", "samples", "attributes")
_LABELS = (
    "labels", "label", "target", "targets", "y", "ys", "d", "distribution", "distributions",
    "labeldistribution", "labeldistributions", "labelsdistribution", "outputs", "output", "votes",
)  # fmt: skip

# Sums of rows are the same within this share.
_SAME = 1e-3

# So many columns are named one by one where no pattern means just them.
_MOST_NAMED = 12


def matrix_options(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Guess the options that read a file of matrices by their names and shapes.

    Parameters
    ----------
    shapes : mapping
        Names of the matrices of numbers to their shapes.

    Returns
    -------
    str
        ``--features X --labels Y``, without what has its usual name; empty where nothing fits best.
    """
    matrices = {n: s for n, s in shapes.items() if len(s) == 2 and min(s) >= 1 and max(s) >= 2}
    may_be = {n: [n] if n in matrices else list(matrices) for n in ("features", "labels")}
    ranked = sorted(
        (
            (_likeness(features, labels, matrices), features, labels)
            for features in may_be["features"]
            for labels in may_be["labels"]
            if features != labels and set(matrices[features]) & set(matrices[labels])
        ),
        reverse=True,
    )
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return ""
    _, features, labels = ranked[0]
    needed = {"--features": features, "--labels": labels}
    return " ".join(option(k, name) for k, name in needed.items() if k != f"--{name}")


def _likeness(
    features: str, labels: str, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[int, bool, bool]:
    """Order pairs of matrices: by their names, by whether rows are instances, by their widths."""
    named = (_letters(features) in _FEATURES) + (_letters(labels) in _LABELS)
    (n, q), (m, c) = shapes[features], shapes[labels]
    is_straight = n == m
    if not is_straight:
        common = next(iter({n, q} & {m, c}))
        q, c = (n if q == common else q), (m if c == common else c)
    return named, is_straight, 2 <= c <= q


def column_options(names: Sequence[str], numbers: Mapping[int, FloatArray]) -> str:
    """Guess the options that read a table without usual names of labels.

    Columns are taken for labels that begin alike, or stand beside each other at the beginning or
    the end, and whose rows have one sum throughout.

    Parameters
    ----------
    names : sequence of str
        Of all columns.
    numbers : mapping
        The columns that hold numbers, to their values.

    Returns
    -------
    str
        ``--labels 'emo_*'``, with ``--normalise`` where it is needed; empty where nothing fits.
    """
    for columns in _candidates(names, sorted(numbers)):
        if not 2 <= len(columns) < len(names):
            continue
        values = np.column_stack([numbers[k] for k in columns])
        sums = values.sum(axis=1)
        if not np.isfinite(sums).all() or values.min() < 0 or (sums <= 0).any():
            continue
        if np.ptp(sums) > _SAME * sums[0] or (values.max(axis=0) == 0).any():
            continue
        normalise = "" if abs(sums[0] - 1) <= _SAME else " --normalise"
        labels = _pattern(names, columns)
        if labels:
            return labels + normalise
    return ""


def _candidates(names: Sequence[str], columns: Sequence[int]) -> Iterator[list[int]]:
    """List columns that begin alike, the longest beginnings first, then those at either end."""
    beginnings: dict[str, list[int]] = {}
    for k in columns:
        for place in re.finditer(r"[_.:\- ]+|(?<=\D)(?=\d)", names[k]):
            if place.end():
                beginnings.setdefault(names[k][: place.end()], []).append(k)
    yield from (beginnings[start] for start in sorted(beginnings, key=len, reverse=True))
    runs = [
        [k for _, k in run]
        for _, run in groupby(enumerate(columns), lambda pair: pair[1] - pair[0])
    ]
    if runs:
        last, first = runs[-1], runs[0]
        for width in range(2, min(len(last), _MOST_NAMED) + 1):
            yield last[-width:]
        for width in range(2, min(len(first), _MOST_NAMED) + 1):
            yield first[:width]


def _pattern(names: Sequence[str], columns: Sequence[int]) -> str:
    """Write the option that means just these columns."""
    chosen = [names[k] for k in columns]
    start = chosen[0]
    while not all(name.startswith(start) for name in chosen):
        start = start[:-1]
    pattern = f"{start}*"
    if start and not re.search(r"[*?[]", start) and matching(names, pattern) == set(columns):
        return option("--labels", pattern)
    if len(chosen) > _MOST_NAMED or any(matching(names, name) != {k} for k, name in
                                        zip(columns, chosen, strict=True)):  # fmt: skip
        return ""
    return " ".join(option("--labels", name) for name in chosen)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
