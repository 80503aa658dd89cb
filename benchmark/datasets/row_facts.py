"""What else is known of each row: its group, the fold or part that the data put it in, its raters.

In a file these are columns or variables named ``group``, ``fold``, ``split`` and ``raters``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.errors import UsageError
from benchmark.files.contents import as_text, shown
from benchmark.files.reading import ignoring
from benchmark.files.roles import ROW_FACTS, is_missing
from benchmark.wording import count, listed
from features.arrays import FloatArray, IntArray

#: Words of a split, in small letters.
TRAINING = ("train", "training")
VALIDATION = ("val", "valid", "validation", "dev")
TEST = ("test", "testing")

# What each fact is, for the note on a column that might be a feature.
_MEANS = {
    "group": "the groups of the rows",
    "fold": "the folds that the data come with",
    "split": "the split that the data come with",
    "raters": "the number of raters of each row",
}


class _Place:
    """Names a fact and its rows in sentences."""

    def __init__(self, where: str, fact: str, columns: bool | None):
        self.where = where
        argument = fact if fact in ("split", "raters") else f"{fact}s"
        self.what = {None: argument, True: f"column {fact!r}", False: f"{fact!r}"}[columns]
        self.else_ = f", or leave it out with {ignoring(fact)}" if columns is not None else ""

    def refuse(self, row: int, value: object, why: str) -> None:
        written = "no value" if is_missing(value) else shown(value)
        where = f"{self.where}: row {row} (counted from 0)"
        raise UsageError(f"{where} has {written} in {self.what}{why}{self.else_}")


def row_facts(
    where: str, n: int, given: Mapping[str, Sequence[Any] | None], columns: bool | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Check what is known of the rows, and make the fields of `Labelled` of it.

    Parameters
    ----------
    where : str
        What to call the data in an error.
    n : int
        Number of rows.
    given : mapping
        Any of ``group``, ``fold``, ``split`` and ``raters`` to a value per row, a number or a text.
    columns : bool, optional
        Whether these are columns of a table, or else variables of a file; None for arguments.

    Returns
    -------
    fields : dict
        ``groups``, ``given_folds`` and ``raters``, where they are known.
    notes : list of str

    Raises
    ------
    UsageError
        There is not one value per row, or one cannot be used; names the row.
    """
    texts: dict[str, tuple[str, ...]] = {}
    for fact, values in given.items():
        if values is None:
            continue
        place = _Place(where, fact, columns)
        texts[fact] = tuple(map(as_text, values))
        if len(texts[fact]) != n:
            raise UsageError(
                f"{where}: {place.what} has {len(texts[fact])} values but there are {n} rows; "
                f"each row needs one"
            )
        for row, text in enumerate(texts[fact]):
            if is_missing(text):
                place.refuse(row, text, "; fill it in, or take out the row")
    if "fold" in texts and "split" in texts:
        leave_out = "give one of them"
        if columns is not None:
            leave_out = f"leave one out with {ignoring('split')} or {ignoring('fold')}"
        raise UsageError(f"{where} has both folds and a split, which are two splits; {leave_out}")
    fields: dict[str, Any] = {}
    notes = _note_numbers(texts) if columns else []
    if "group" in texts:
        fields["groups"] = texts["group"]
    if "fold" in texts:
        fields["given_folds"] = _folds(_Place(where, "fold", columns), texts["fold"], notes)
    if "split" in texts:
        fields["given_folds"] = _split(_Place(where, "split", columns), texts["split"], notes)
    if "raters" in texts:
        fields["raters"] = _raters(_Place(where, "raters", columns), texts["raters"])
    return fields, notes


def _note_numbers(texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Note columns of numbers, which were features before these names had a meaning."""
    return [
        f"column {fact!r} holds {_MEANS[fact]}, no feature; give it another name if it is one"
        for fact in ROW_FACTS
        if fact in texts and all(math.isfinite(_number(text)) for text in texts[fact])
    ]


def _folds(place: _Place, texts: Sequence[str], notes: list[str]) -> IntArray:
    """Count the folds from 0 in their order; -1 stays, a row that is only learned from."""
    numbers = np.empty(len(texts), dtype=np.int64)
    for row, text in enumerate(texts):
        number = _number(text)
        if not (number == np.round(number) and -1 <= number < 2**31):
            place.refuse(
                row, text, ", which is no whole number of at least 0 (or -1 for a row that is only "
                "learned from); correct it",
            )  # fmt: skip
        numbers[row] = number
    tested = numbers >= 0
    known, places = np.unique(numbers[tested], return_inverse=True)
    if not known.size:
        raise UsageError(
            f"{place.where}: {place.what} puts no row into a fold that is tested; "
            f"correct it{place.else_}"
        )
    if known.size == 1 and tested.all():
        raise UsageError(
            f"{place.where}: {place.what} puts every row into fold {known[0]}, so no row is left "
            f"to learn from; correct it{place.else_}"
        )
    if known[-1] != known.size - 1:
        notes.append(f"the {known.size} given folds, {known[0]} to {known[-1]}, are counted from 0")
    numbers[tested] = places
    return numbers


def _split(place: _Place, texts: Sequence[str], notes: list[str]) -> IntArray:
    """Return 0 for test rows and -1 for the others."""
    words = [text.casefold() for text in texts]
    for row, word in enumerate(words):
        if word not in (*TRAINING, *VALIDATION, *TEST):
            place.refuse(row, texts[row], f", which is none of {_known_words()}; correct it")
    folds = np.array([0 if word in TEST else -1 for word in words], dtype=np.int64)
    for part, found, why in (
        ("test", TEST, "so nothing would be tested"),
        ("training", (*TRAINING, *VALIDATION), "so nothing would be learned from"),
    ):
        if not set(words) & set(found):
            raise UsageError(
                f"{place.where}: {place.what} has no {part} row, {why}; correct it{place.else_}"
            )
    validation = sum(word in VALIDATION for word in words)
    if validation:
        what = count(validation, "row is", "rows are")
        notes.append(f"{what} for validation in the given split, and learned from here")
    return folds


def _known_words() -> str:
    return listed((*TRAINING, *VALIDATION, *TEST), "or")


def _raters(place: _Place, texts: Sequence[str]) -> FloatArray:
    numbers = np.array([_number(text) for text in texts])
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers > 0)))
    if wrong.size:
        row = int(wrong[0])
        place.refuse(row, texts[row], ", which is no number of people above 0; correct it")
    return numbers


def _number(text: str) -> float:
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
